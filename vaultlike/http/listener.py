"""One listening address: its settings and its sockets. TLS is in `tls.py`, the protocol in `server.py`."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import socket
import stat
from typing import Literal

import msgspec

from vaultlike.http.ciphers import TlsVersion

MIB = 1024 * 1024
HSTS = {"Strict-Transport-Security": ("max-age=31536000; includeSubDomains",)}


class ListenerError(Exception):
    """A listener cannot be built from its settings; the text names the setting."""


class ListenerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A listener as the operator wrote it. Times in seconds, sizes in bytes; names follow Vault's `listener` stanza
    where it has one (spec/vault-api.md 1.4, 1.5)."""

    type: Literal["tcp", "unix"] = "tcp"
    address: str = "127.0.0.1:8200"  # host:port, [v6]:port, :port for every interface; a path for unix
    socket_mode: str = ""  # octal, unix only
    socket_user: str = ""
    socket_group: str = ""

    tls_disable: bool = False
    tls_cert_file: str = ""  # PEM, the chain in order
    tls_key_file: str = ""
    tls_min_version: TlsVersion = "tls12"
    tls_cipher_suites: str = ""  # comma separated, IANA or OpenSSL names; TLS 1.2 only
    tls_client_ca_file: str = ""
    tls_require_and_verify_client_cert: bool = False
    tls_disable_client_certs: bool = False

    x_forwarded_for_authorized_addrs: tuple[str, ...] = ()  # CIDRs, or "unix" for the peers of a unix socket
    x_forwarded_for_hop_skips: int = 0
    x_forwarded_for_reject_not_present: bool = True
    x_forwarded_for_reject_not_authorized: bool = True

    custom_response_headers: dict[str, dict[str, tuple[str, ...]]] = {}  # "default", "4xx" or "404" -> name -> values

    max_request_size: int = 32 * MIB
    max_response_size: int = 64 * MIB
    max_request_duration: float = 90.0
    max_request_line: int = 8190
    max_header_size: int = 16 * 1024  # one field
    max_header_count: int = 128
    max_head_size: int = 64 * 1024  # request line and all fields
    max_connections: int = 10_000
    http_read_header_timeout: float = 10.0
    http_read_timeout: float = 30.0  # until the whole body is here
    http_idle_timeout: float = 300.0

    @property
    def secure(self) -> bool:
        """Whether requests arrive over TLS."""
        return self.type == "tcp" and not self.tls_disable


def bind(settings: ListenerSettings) -> list[socket.socket]:
    """The listening sockets of an address, one for every address family its host resolves to.

    They may be inherited by other processes. A stale unix socket file is replaced. Raises ListenerError.
    """
    try:
        return [_bind_unix(settings)] if settings.type == "unix" else _bind_tcp(settings.address)
    except OSError as exc:
        raise ListenerError(f"cannot listen on {settings.address}: {exc.strerror or exc}") from exc


def bind_shares(settings: ListenerSettings, count: int) -> list[list[socket.socket]]:
    """The listening sockets of an address for `count` processes: a group for each.

    With TCP each process has sockets of its own (SO_REUSEPORT), between which the kernel spreads connections evenly;
    processes that wait on one socket would leave nearly all of them to whichever wakes first. What waits on a socket
    is not lost with its process as long as another one holds it open. Raises ListenerError.
    """
    if settings.type == "unix":
        sock = bind(settings)[0]
        return [[sock], *([sock.dup()] for _ in range(count - 1))]
    first = bind(settings)  # alone: another server on the address is a mistake, which SO_REUSEPORT would hide
    groups: list[list[socket.socket]] = []
    try:
        targets = [(sock.family, sock.getsockname()) for sock in first]
    finally:
        for sock in first:
            sock.close()
    try:
        for _ in range(count):
            group: list[socket.socket] = []
            groups.append(group)
            for family, target in targets:
                group.append(_listening(family, target, share=True))
    except OSError as exc:
        for sock in (sock for group in groups for sock in group):
            sock.close()
        raise ListenerError(f"cannot listen on {settings.address}: {exc.strerror or exc}") from exc
    return groups


def split_address(address: str) -> tuple[str | None, int]:
    """`host:port` as a pair; None as host stands for every interface. Raises ListenerError."""
    host, _, port = address.rpartition(":")
    if not port.isdigit() or int(port) > 65535 or (":" in host and not (host.startswith("[") and host.endswith("]"))):
        raise ListenerError(f'address "{address}" is not host:port')
    return host.strip("[]") or None, int(port)


def _bind_tcp(address: str) -> list[socket.socket]:
    host, port = split_address(address)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, target in dict.fromkeys(found):
            sockets.append(_listening(family, target))
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _listening(family: int, target: tuple[object, ...], *, share: bool = False) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(target)
        sock.listen(1024)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _bind_unix(settings: ListenerSettings) -> socket.socket:
    path = settings.address
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise ListenerError(f"{path} exists and is no socket")
        os.unlink(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Closed to others until the wished mode is set: there is no moment at which anyone may connect.
        before = os.umask(0o177)
        try:
            sock.bind(path)
        finally:
            os.umask(before)
        if settings.socket_user or settings.socket_group:
            os.chown(path, _user(settings.socket_user), _group(settings.socket_group))
        if settings.socket_mode:
            os.chmod(path, int(settings.socket_mode, 8))
        sock.listen(1024)
        sock.setblocking(False)
    except (OSError, LookupError, ValueError) as exc:
        sock.close()
        raise ListenerError(f"cannot listen on {path}: {exc}") from exc
    return sock


def _user(name: str) -> int:
    """A user's number from its name or number; -1 leaves the owner alone. Raises LookupError."""
    if not name or name.isdigit():
        return int(name or -1)
    return pwd.getpwnam(name).pw_uid


def _group(name: str) -> int:
    if not name or name.isdigit():
        return int(name or -1)
    return grp.getgrnam(name).gr_gid
