"""The only way out: every HTTP call that a backend makes to somebody else's server.

Owns the connection pool, TLS trust per caller, timeouts, size caps, the checks on URLs and addresses. Follows no
redirect, keeps no cookie, reads no proxy from the environment, logs neither headers, bodies nor query strings. Retries
are in `sdk/retry.py`, caching in `sdk/upstream_copy.py`.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import re
import socket
import ssl
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from structlog.typing import FilteringBoundLogger
from yarl import URL

from vaultlike.clock import Clock
from vaultlike.log import named
from vaultlike.sdk.addresses import Address, anywhere, public_only
from vaultlike.sdk.fetched import (
    AddressRefused,
    BadAnswer,
    BadStatus,
    ConnectionFailed,
    EgressError,
    Fetched,
    NameNotFound,
    TimedOut,
    TlsFailed,
    TooBig,
    UrlRefused,
)
from vaultlike.sdk.retry import retrying
from vaultlike.sdk.single_flight import SingleFlight
from vaultlike.sdk.trust import Trust

__all__ = [
    "AddressRefused",
    "BadAnswer",
    "BadStatus",
    "ConnectionFailed",
    "Egress",
    "EgressClient",
    "EgressError",
    "EgressLimits",
    "Fetched",
    "NameNotFound",
    "SingleFlight",
    "TimedOut",
    "TlsFailed",
    "TooBig",
    "UrlRefused",
    "anywhere",
    "public_only",
    "retrying",
]

MAX_URL: Final = 16 * 1024  # characters
_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"))
_BAD_IN_URL: Final = re.compile(r"[^\x21-\x7e]|[\\#\"<>^`{|}]")
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9.])?|[0-9A-Fa-f:.]{2,45}")
_NUMERIC: Final = re.compile(r"(.*\.)?(\d+|0[xX][0-9A-Fa-f]*)\.?")  # 127.1 and its likes: some resolvers take them
_DOTS: Final = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}")
_BAD_IN_HEADER: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FORBIDDEN: Final = "address forbidden by the server's settings"
_PRIVATE: Final = "connection refused: private address"

Pairs = Mapping[str, str] | Iterable[tuple[str, str]]


class EgressLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one server process spends on outbound calls at a time."""

    connections: int = 256
    connections_per_host: int = 16
    idle_seconds: float = 30.0
    dns_seconds: int = 10  # how long a resolved name is remembered; the address is checked on every connection anyway


class Egress:
    """One per server process: pool, trust and policy that all clients share. Does no I/O until the first request."""

    def __init__(
        self,
        *,
        clock: Clock,
        log: FilteringBoundLogger,
        user_agent: str,
        limits: EgressLimits | None = None,
        allow_address: Callable[[Address], bool] = anywhere,
        proxy: str | None = None,
    ) -> None:
        """`proxy`: an explicit `http://host:port`; then `allow_address` sees the proxy's address, not the target's."""
        self.clock = clock
        self.log = named(log, "egress")
        self._user_agent = user_agent
        self._limits = limits or EgressLimits()
        self._allow_address = allow_address
        self._proxy = proxy
        self._guarded: Egress | None = None
        self._public = False  # whether this one is under the guard
        self._session: aiohttp.ClientSession | None = None
        self._trusts: weakref.WeakValueDictionary[tuple[bytes, str, str, str, str], Trust] = (
            weakref.WeakValueDictionary()
        )
        self._closed = False

    def client(
        self,
        ca_pem: str | None = None,
        ca_file: str | None = None,
        *,
        certificate_file: str = "",
        key_file: str = "",
        server_name: str = "",
    ) -> EgressClient:
        """A client that trusts the system's roots or, when a CA is given, only that one. Cheap; keep it or not.

        `certificate_file` and `key_file`: who we are, for servers that ask; `server_name`: the name that the other
        side's certificate must be for, instead of the host's. Raises Invalid when `ca_pem` holds no certificate; files
        are read at the first request.
        """
        pem = hashlib.sha256(ca_pem.encode()).digest() if ca_pem else b""
        key = (pem, ca_file or "", certificate_file, key_file, server_name)
        trust = self._trusts.get(key)
        if trust is None:
            identity = (certificate_file, key_file) if certificate_file else None
            trust = Trust(self.clock, ca_pem or None, ca_file or None, identity, server_name or None)
            self._trusts[key] = trust
        return EgressClient(self, trust)

    def guarded(self) -> Egress:
        """The way out that leads to the public internet alone (spec/infisical.md 0, "SSRF guard"), always the same one.

        What is judged is the address of each socket before it connects, so neither names that change their address nor
        odd spellings lead around it. It shares no connections with this one, which closes both. Raises nothing; its
        requests raise AddressRefused, behind a proxy all of them, for there nobody knows where they end.
        """
        if self._public:
            return self
        if self._guarded is None:
            self._guarded = Egress(
                clock=self.clock,
                log=self.log,
                user_agent=self._user_agent,
                limits=self._limits,
                allow_address=self._allow_address,
                proxy=self._proxy,
            )
            self._guarded._public = True
            self._guarded._closed = self._closed
        return self._guarded

    async def close(self) -> None:
        """Closes all connections; later requests raise ConnectionFailed."""
        self._closed = True
        if self._guarded is not None:
            await self._guarded.close()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def session(self, where: str) -> aiohttp.ClientSession:
        """The shared session, made on the running loop. For EgressClient."""
        if self._closed:
            raise ConnectionFailed(where, "the server is shutting down")
        if self._public and self._proxy is not None:
            raise AddressRefused(where, "connection refused: behind a proxy no address can be judged")
        if self._session is None:
            limits = self._limits
            connector = aiohttp.TCPConnector(
                limit=limits.connections,
                limit_per_host=limits.connections_per_host,
                keepalive_timeout=limits.idle_seconds,
                ttl_dns_cache=limits.dns_seconds,
                socket_factory=self._open_socket,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # asyncio.timeout of the call rules
                # no content coding: a small compressed answer must not become a large one
                headers={"User-Agent": self._user_agent, "Accept-Encoding": "identity"},
                auto_decompress=False,
                trust_env=False,
                raise_for_status=False,
            )
        return self._session

    @property
    def proxy(self) -> str | None:
        return self._proxy

    def _open_socket(self, info: tuple[Any, ...]) -> socket.socket:
        """The last step before connecting: what is checked here is what gets connected, so no rebinding in between."""
        address = ipaddress.ip_address(str(info[4][0]).partition("%")[0])
        if not self._allow_address(address):
            raise PermissionError(_FORBIDDEN)
        if self._public and not public_only(address):
            raise PermissionError(_PRIVATE)
        return socket.socket(family=info[0], type=info[1], proto=info[2])


class EgressClient:
    """Outbound HTTP with one set of trusted CAs."""

    def __init__(self, egress: Egress, trust: Trust) -> None:
        self._egress = egress
        self._trust = trust

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Pairs = (),
        params: Pairs | None = None,
        form: Pairs | None = None,
        json: object = None,
        data: bytes | None = None,
        timeout: float,
        limit: int,
        allow_http: bool = False,
    ) -> Fetched:
        """Sends one request and returns the whole answer, whatever its status.

        `timeout`: seconds for all of it, waiting for a free connection included; `limit`: bytes of the body.
        `params` are added to the query of `url`, which must be percent-encoded; at most one of `form`, `json`, `data`.
        Raises a subclass of EgressError.
        """
        target = _checked_url(url, params, allow_http)
        where = f"{method if method in _METHODS else 'request'} {target.origin()}{target.raw_path}"
        sent = _checked_headers(headers, where)
        if method not in _METHODS or sum(part is not None for part in (form, json, data)) > 1:
            raise UrlRefused(where, "unknown method, or more than one body")
        if json is not None:
            data = msgspec.json.encode(json)
            sent.setdefault("Content-Type", "application/json")
        elif form is not None:
            data = urlencode(list(_pairs(form))).encode()
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        started = self._egress.clock.monotonic()
        try:
            async with asyncio.timeout(timeout):
                fetched = await self._send(method, target, where, sent, data, limit)
        except TimeoutError:
            failure: EgressError = TimedOut(where, f"no complete answer within {timeout:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure = _explained(where, error)
        except EgressError as error:
            failure = error
        else:
            spent = round((self._egress.clock.monotonic() - started) * 1000)
            self._egress.log.debug("egress", call=where, status=fetched.status, bytes=len(fetched.body), ms=spent)
            return fetched
        self._egress.log.warning("egress failed", reason=failure.reason)
        raise failure

    async def _send(
        self, method: str, target: URL, where: str, headers: dict[str, str], data: bytes | None, limit: int
    ) -> Fetched:
        context: ssl.SSLContext | bool = True
        if target.scheme == "https":
            context = await self._trust.context(where)
        session = self._egress.session(where)
        async with session.request(
            method,
            target,
            headers=headers,
            data=data,
            ssl=context,
            allow_redirects=False,
            proxy=self._egress.proxy,
            server_hostname=self._trust.server_name if target.scheme == "https" else None,
        ) as response:
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise BadAnswer(where, "an answer with a content coding that was not asked for")
            # what is announced as too big is not read at all; HEAD announces a body that never comes
            if method != "HEAD" and (response.content_length or 0) > limit:
                raise TooBig(where, f"an answer of {response.content_length} bytes, the limit is {limit}")
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > limit:
                    raise TooBig(where, f"an answer of more than {limit} bytes")
            return Fetched(response.status, response.headers, bytes(body), where)


def _pairs(pairs: Pairs) -> Iterable[tuple[str, str]]:
    return pairs.items() if isinstance(pairs, Mapping) else pairs


def _checked_url(url: str, params: Pairs | None, allow_http: bool) -> URL:
    """The URL to send, byte for byte as given plus `params`. Raises UrlRefused without repeating what it holds."""
    if params is not None:
        query = urlencode(list(_pairs(params)), quote_via=quote)
        url += ("&" if "?" in url else "?") + query if query else ""
    if len(url) > MAX_URL:
        raise UrlRefused("request", f"a URL of more than {MAX_URL} characters")
    if _BAD_IN_URL.search(url):
        raise UrlRefused("request", "a URL with a fragment, or characters that are not percent-encoded")
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in (("https", "http") if allow_http else ("https",)):
        raise UrlRefused("request", "a URL that is not https" + (" or http" if allow_http else ""))
    if "@" in re.split("[/?]", rest, maxsplit=1)[0]:
        raise UrlRefused("request", "a URL with credentials in it")
    try:
        target = URL(url, encoded=True)
        host, port = target.raw_host or "", target.port
    except ValueError:
        raise UrlRefused("request", "a URL that cannot be parsed") from None
    if not _HOST.fullmatch(host) or not port or (_NUMERIC.fullmatch(host) and not _is_address(host)):
        raise UrlRefused("request", "a URL with a host name or port that is not valid")
    if _DOTS.search(target.raw_path):
        raise UrlRefused(f"request to {host}", "a path with dot segments")
    return target


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _checked_headers(headers: Pairs, where: str) -> dict[str, str]:
    checked: dict[str, str] = {}
    for name, value in _pairs(headers):
        if not _HEADER_NAME.fullmatch(name) or _BAD_IN_HEADER.search(value):
            raise UrlRefused(where, "a header with characters that cannot be sent")
        checked[name] = value
    return checked


def _explained(where: str, error: Exception) -> EgressError:
    """Our error for one of aiohttp's. Only texts that cannot hold a query, a header or a body are taken over."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        cause = error.certificate_error
        return TlsFailed(where, f"certificate refused: {getattr(cause, 'verify_message', '') or type(cause).__name__}")
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return TlsFailed(where, f"TLS failed: {getattr(error, 'strerror', None) or type(error).__name__}")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return NameNotFound(where, "the host name does not resolve")
    if isinstance(error, aiohttp.ClientConnectorError):
        # several addresses were tried: aiohappyeyeballs joins the texts, so the refusal is looked for in the whole
        for refusal in (_FORBIDDEN, _PRIVATE):
            if refusal in str(error.os_error):
                return AddressRefused(where, refusal)
        return ConnectionFailed(where, f"no connection: {error.os_error.strerror or type(error.os_error).__name__}")
    if isinstance(error, aiohttp.ClientConnectionError):
        return ConnectionFailed(where, f"the connection broke: {type(error).__name__}")
    if isinstance(error, aiohttp.ClientPayloadError):
        return ConnectionFailed(where, "the answer broke off")
    if isinstance(error, aiohttp.ClientResponseError):
        return BadAnswer(where, "the answer is not valid HTTP")
    if isinstance(error, (aiohttp.InvalidURL, ValueError)):
        return UrlRefused(where, "a request that cannot be sent")
    return ConnectionFailed(where, f"the connection failed: {type(error).__name__}")
