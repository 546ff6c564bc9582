"""Sockets, TLS and HTTP/1.1 for the client. Imported only when a request is really sent: ssl and http.client cost time.

Turns every failure into a TransportError whose kind says what to do about it. Knows nothing of paths and tokens.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from vaultlike.cli.failures import TransportError, UsageError
from vaultlike.cli.options import Settings

MAX_ANSWER = 64 * 1024 * 1024  # bytes
MAX_LINE = 1024 * 1024  # bytes of a line of an answer that goes on


class Reply(NamedTuple):
    """One HTTP response, body read."""

    status: int
    headers: http.client.HTTPMessage
    raw: bytes


class _Connection(http.client.HTTPConnection):
    """A connection over TCP or a Unix socket, with TLS when a context is given."""

    def __init__(self, host: str, port: int, unix: str, tls: ssl.SSLContext | None, name: str, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self._unix, self._tls, self._name = unix, tls, name

    def connect(self) -> None:
        if self._unix:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(self.timeout)
            self.sock.connect(self._unix)
        else:
            super().connect()
        if self._tls is not None:
            plain = self.sock
            try:
                self.sock = self._tls.wrap_socket(plain, server_hostname=self._name)
            except OSError:
                plain.close()
                raise


class Transport:
    """One kept-alive connection to one address."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.base = settings.address
        self._connection: _Connection | None = None

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """Sends one request; `target` begins with a slash. Raises TransportError when no answer comes."""
        try:
            if self._connection is None:
                self._connection = self._open()
            self._connection.request(method, target, body=body, headers=dict(headers))
            response = self._connection.getresponse()
            raw = response.read(MAX_ANSWER + 1)
            if len(raw) > MAX_ANSWER:
                raise self._failed("other", "the server's answer is larger than 64 MiB")
            return Reply(response.status, response.headers, raw)
        except (OSError, http.client.HTTPException) as problem:
            raise self._explained(problem) from None

    def stream(self, target: str, headers: Mapping[str, str]) -> tuple[Reply, Iterator[bytes]]:
        """A GET whose answer goes on: its head, and then lines as they come, with no limit of time between them.

        An answer of 400 and above is complete in the Reply. Raises TransportError, also while lines are read.
        """
        try:
            self._connection = self._open()
            self._connection.request("GET", target, headers=dict(headers))
            response = self._connection.getresponse()
            raw = response.read(MAX_ANSWER) if response.status >= 300 else b""
            if self._connection.sock is not None:
                self._connection.sock.settimeout(None)
        except (OSError, http.client.HTTPException) as problem:
            raise self._explained(problem) from None
        return Reply(response.status, response.headers, raw), self._lines(response)

    def _lines(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        try:
            while line := response.readline(MAX_LINE):
                yield line
        except (OSError, http.client.HTTPException) as problem:
            raise self._explained(problem) from None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def redirect(self, location: str) -> str:
        """Follows a redirect: the target on the new address. Raises TransportError from https to anything else."""
        parts = urlsplit(location)
        if parts.netloc:
            if self.base.startswith("https:") and parts.scheme != "https":
                raise self._failed("other", f"redirect from https to {parts.scheme} refused")
            self.close()
            self.base = f"{parts.scheme}://{parts.netloc}"
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def _open(self) -> _Connection:
        address, settings = urlsplit(self.base), self._settings
        if address.scheme == "unix":
            return _Connection("localhost", 80, address.path, None, "", settings.timeout)
        try:
            host, port = address.hostname or "", address.port
        except ValueError:
            host, port = "", None
        if address.scheme not in ("http", "https") or not host:
            raise UsageError(
                f'"{self.base}" is not an address: it must look like https://host:8200 (VAULT_ADDR, -address)'
            )
        tls = _tls_context(settings) if address.scheme == "https" else None
        default = 443 if tls is not None else 80
        return _Connection(host, port or default, "", tls, settings.server_name or host, settings.timeout)

    def _failed(self, kind: str, detail: str) -> TransportError:
        self.close()
        return TransportError(kind, self.base, detail)

    def _explained(self, problem: Exception) -> TransportError:
        secure = self.base.startswith("https:")
        if isinstance(problem, TransportError):
            return problem
        if isinstance(problem, ssl.SSLCertVerificationError):
            return self._failed("certificate", f"the server's certificate is not accepted: {problem.verify_message}")
        if isinstance(problem, ssl.SSLError):
            plain = problem.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
            return self._failed("plain_server" if plain else "other", f"TLS failed: {problem.reason or problem}")
        if isinstance(problem, TimeoutError):
            return self._failed("timeout", f"no answer from {self.base} within {self._settings.timeout:g} s")
        if isinstance(problem, ConnectionRefusedError | FileNotFoundError):
            return self._failed("refused", f"connection to {self.base} refused")
        if isinstance(problem, socket.gaierror):
            return self._failed("unresolved", f"the host name in {self.base} is not known: {problem.strerror}")
        if isinstance(problem, http.client.BadStatusLine | ConnectionResetError) and not secure:
            return self._failed("tls_server", f"{self.base} closed the connection without an HTTP answer")
        return self._failed("other", f"the connection to {self.base} failed: {problem or type(problem).__name__}")


def _tls_context(settings: Settings) -> ssl.SSLContext:
    try:
        if settings.ca_cert or settings.ca_path:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            _load_authorities(context, settings)
        elif settings.skip_verify:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        else:
            context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if settings.client_cert:
            context.load_cert_chain(settings.client_cert, settings.client_key or None)
    except OSError as problem:
        raise UsageError(
            f"cannot load the TLS files (-ca-cert, -ca-path, -client-cert, -client-key): {problem}"
        ) from None
    return context


def _load_authorities(context: ssl.SSLContext, settings: Settings) -> None:
    if settings.ca_cert:
        context.load_verify_locations(cafile=settings.ca_cert)
        return
    for name in sorted(os.listdir(settings.ca_path)):
        file = os.path.join(settings.ca_path, name)
        if os.path.isfile(file):
            context.load_verify_locations(cafile=file)
