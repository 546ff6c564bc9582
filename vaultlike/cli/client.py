"""The HTTP client of the command line: headers, retries, one redirect, errors (spec/vault-api.md 1.3, 8.3)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from vaultlike.cli.answer import Answer
from vaultlike.cli.failures import ApiError, Preview, TransportError, UsageError
from vaultlike.cli.options import Settings

if TYPE_CHECKING:
    from vaultlike.cli.transport import Reply, Transport

_IDEMPOTENT = frozenset(("GET", "LIST", "DELETE"))
_REDIRECTS = frozenset((301, 302, 307, 308))
_NEVER_SENT = frozenset(("refused", "unresolved"))
_HOPELESS = frozenset(("plain_server", "certificate"))
_SAFE = "/:@$&+,;=!*'()~"
_MAX_WAIT = 10.0  # seconds that a Retry-After may keep a person waiting
_WRAP_PATH = "sys/wrapping/wrap"


class Client:
    """Requests with one set of settings. `sleep` waits seconds between tries."""

    def __init__(self, settings: Settings, sleep: Callable[[float], None]) -> None:
        self.settings = settings
        self._sleep = sleep
        self._transport: Transport | None = None

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, object] | None = None,
        doing: str = "",
        missing_ok: bool = False,
        token: str | None = None,
        preview: bool = True,
        content_type: str = "application/json",
    ) -> Answer:
        """One request to `/v1/<path>`.

        `doing` completes "Error ..." in messages; `missing_ok` returns a 404 instead of raising; `token` overrides the
        caller's token (an empty text sends none); `preview=False` sends even under `-output-curl-string`.
        Raises ApiError, TransportError, Preview, UsageError.
        """
        sent_as = "GET" if method == "LIST" else method
        target = "/v1/" + quote(path.lstrip("/"), safe=_SAFE)
        if method == "LIST":
            query = {**(query or {}), "list": "true"}
        if query:
            target += "?" + urlencode(query, doseq=True)
        raw = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = self._headers(path, token)
        if raw is not None:
            headers["Content-Type"] = content_type
        if preview and self.settings.preview:
            raise Preview(_preview(self.settings, method, sent_as, target, path, headers, raw))
        try:
            reply = self._tries(sent_as, target, headers, raw)
        except TransportError as problem:
            raise TransportError(problem.kind, problem.address, problem.detail, doing) from None
        answer = Answer(reply.status, reply.raw, reply.headers.get("X-Request-Id", ""))
        if reply.status < 400 or (reply.status == 404 and missing_ok):
            return answer
        raise self._refused(answer, sent_as, target, path, doing, headers)

    def stream(self, path: str, query: Mapping[str, object], doing: str) -> Iterator[bytes]:
        """The lines of an answer that goes on, as they come, until the server ends it. Raises what `call` does."""
        target = f"/v1/{path}?{urlencode(query)}"
        headers = self._headers(path, None)
        if self.settings.preview:
            raise Preview(_preview(self.settings, "GET", "GET", target, path, headers, None))
        try:
            reply, lines = self._connected().stream(target, headers)
        except TransportError as problem:
            raise TransportError(problem.kind, problem.address, problem.detail, doing) from None
        if reply.status >= 300:
            answer = Answer(reply.status, reply.raw, reply.headers.get("X-Request-Id", ""))
            raise self._refused(answer, "GET", target, path, doing, headers)
        return lines

    def _refused(
        self, answer: Answer, method: str, target: str, path: str, doing: str, headers: Mapping[str, str]
    ) -> ApiError:
        return ApiError(
            method=method,
            url=self._base() + target,
            path=path,
            status=answer.status,
            errors=answer.errors,
            raw="" if "errors" in answer.body else answer.raw[:4096].decode("utf-8", "replace"),
            doing=doing,
            namespace=self.settings.namespace,
            request_id=answer.request_id,
            with_token="X-Vault-Token" in headers,
        )

    def with_settings(self, settings: Settings) -> Client:
        """Another client of the same kind with other settings."""
        return Client(settings, self._sleep)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _base(self) -> str:
        return self._transport.base if self._transport is not None else self.settings.address

    def _headers(self, path: str, token: str | None) -> dict[str, str]:
        settings = self.settings
        headers = {"X-Vault-Request": "true", "User-Agent": "vaultlike-cli", **settings.headers}
        token = settings.token if token is None else token
        if token:
            if not (token.isascii() and token.isprintable()):
                raise UsageError(
                    "the token contains characters that no token has; was something else stored or pasted?"
                )
            headers["X-Vault-Token"] = token
        if settings.namespace:
            headers["X-Vault-Namespace"] = settings.namespace
        wrap = settings.wrap_ttl or ("5m" if path.strip("/") == _WRAP_PATH else "")
        if wrap:
            headers["X-Vault-Wrap-TTL"] = wrap
        return headers

    def _tries(self, method: str, target: str, headers: Mapping[str, str], raw: bytes | None) -> Reply:
        attempt = 0
        while True:
            last = attempt >= self.settings.retries
            try:
                reply = self._send(method, target, headers, raw)
            except TransportError as problem:
                repeatable = problem.kind in _NEVER_SENT or method in _IDEMPOTENT
                if last or problem.kind in _HOPELESS or not repeatable:
                    raise
                wait = 0.2 * (attempt + 1)
            else:
                if last or not _worth_another_try(reply, method):
                    return reply
                wait = _retry_after(reply, 0.2 * (attempt + 1))
            self._sleep(wait)
            attempt += 1

    def _send(self, method: str, target: str, headers: Mapping[str, str], raw: bytes | None) -> Reply:
        transport = self._connected()
        reply = transport.send(method, target, headers, raw)
        location = reply.headers.get("Location", "")
        if reply.status in _REDIRECTS and location:
            reply = transport.send(method, transport.redirect(location), headers, raw)
        return reply

    def _connected(self) -> Transport:
        if self._transport is None:
            from vaultlike.cli.transport import Transport

            self._transport = Transport(self.settings)
        return self._transport


def _worth_another_try(reply: Reply, method: str) -> bool:
    """A 5xx of a request that may be repeated, and 412/429; a sealed server (503) does not change by itself."""
    if reply.status in (412, 429):
        return True
    return reply.status >= 500 and reply.status != 501 and method in _IDEMPOTENT and b"sealed" not in reply.raw


def _retry_after(reply: Reply, default: float) -> float:
    text = reply.headers.get("Retry-After", "")
    return min(float(text), _MAX_WAIT) if text.isdecimal() else default


def _preview(
    settings: Settings, method: str, sent_as: str, target: str, path: str, headers: Mapping[str, str], raw: bytes | None
) -> str:
    from vaultlike.cli import preview

    if settings.preview == "policy":
        return preview.policy(method, path)
    return preview.curl(settings, sent_as, target, headers, raw)
