"""The Vault face: `/v1/...` in, the envelope out (spec/vault-api.md 1). Turns HTTP into a Request and an Outcome (or
a refusal) into HTTP; decides nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct
from structlog.typing import FilteringBoundLogger

from vaultlike.core.request import Outcome, Request, Verb, finds_nothing, lists_nothing
from vaultlike.core.server import Server
from vaultlike.durations import BadDuration, parse_signed_duration
from vaultlike.errors import Internal, Invalid, NotFound, UnsupportedMedia, VaultlikeError
from vaultlike.http.body import decode_body, decode_query
from vaultlike.http.cors import cross_origin
from vaultlike.http.message import Incoming, Outgoing, Streaming
from vaultlike.http.pages import is_page, page_headers
from vaultlike.log import named
from vaultlike.paths import canonical
from vaultlike.sdk import AuthInfo, Raw, Reply
from vaultlike.system.monitor import Flowing

PREFIX = "/v1/"
VERBS: dict[str, Verb] = {
    "GET": "read", "POST": "write", "PUT": "write", "PATCH": "patch", "DELETE": "delete", "LIST": "list",
    "SCAN": "scan", "HELP": "help", "HEAD": "header",
}  # fmt: skip
MERGE_PATCH = "application/merge-patch+json"
_LISTS: tuple[Verb, ...] = ("list", "scan")
_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")

_encode = msgspec.json.Encoder().encode


class _Auth(Struct):
    """The auth block as the wire has it; the omitted ones are UNSET."""

    client_token: str
    accessor: str
    policies: tuple[str, ...]
    token_policies: tuple[str, ...] | msgspec.UnsetType
    identity_policies: tuple[str, ...] | msgspec.UnsetType
    metadata: Mapping[str, str] | None
    lease_duration: int
    renewable: bool
    entity_id: str
    token_type: str
    orphan: bool
    mfa_requirement: None
    num_uses: int


class _Envelope(Struct):
    request_id: str
    lease_id: str
    renewable: bool
    lease_duration: int
    data: Struct | Mapping[str, Any] | None
    wrap_info: dict[str, object] | None
    warnings: tuple[str, ...] | None
    auth: _Auth | None
    mount_type: str


def _auth(auth: AuthInfo) -> _Auth:
    return _Auth(
        auth.client_token, auth.accessor, auth.policies, auth.token_policies or msgspec.UNSET,
        auth.identity_policies or msgspec.UNSET, auth.metadata, auth.lease_duration, auth.renewable, auth.entity_id,
        auth.token_type, auth.orphan, None, auth.num_uses,
    )  # fmt: skip


def render_body(outcome: Outcome) -> bytes | None:
    """The envelope of an outcome as bytes; None where it has none. Also what a wrapping token holds."""
    reply = outcome.reply
    if not isinstance(reply, Reply):
        return None if reply is None else reply.body
    wrapped = reply.wrap_info
    wrap: dict[str, object] | None = None
    if wrapped is not None:
        wrap = {
            "token": wrapped.token, "accessor": wrapped.accessor, "ttl": wrapped.ttl,
            "creation_time": wrapped.creation_time, "creation_path": wrapped.creation_path,
        }  # fmt: skip
        if wrapped.wrapped_accessor:
            wrap["wrapped_accessor"] = wrapped.wrapped_accessor
    envelope = _Envelope(
        "" if wrapped is not None else outcome.request_id, reply.lease_id, reply.renewable, reply.lease_duration,
        reply.data, wrap, reply.warnings or None, _auth(reply.auth) if reply.auth is not None else None,
        outcome.mount_type,
    )  # fmt: skip
    if outcome.inject and reply.data is not None:
        data = msgspec.to_builtins(reply.data)
        return _encode({**data, **msgspec.to_builtins(envelope), "data": data})
    return _encode(envelope)


def render(outcome: Outcome) -> Outgoing:
    """The answer of a request that went well: 200, 204 where there is nothing to say, 404 where nothing is there."""
    reply = outcome.reply
    if isinstance(reply, Flowing):
        return Streaming(reply.status, b"", reply.content_type, reply.headers, reply.parts)
    if isinstance(reply, Raw):
        return Outgoing(reply.status, reply.body, reply.content_type, reply.headers)
    if reply is None or (reply.data is None and _silent(reply)):
        if outcome.verb in ("read", "header", "list", "scan"):
            return NOTHING_THERE
        return Outgoing(204)
    if outcome.verb in ("list", "scan") and lists_nothing(reply):
        if finds_nothing(outcome.verb, reply):
            return NOTHING_THERE
        reply.data = {}
    return Outgoing(reply.status or 200, render_body(outcome) or b"", headers=reply.headers)


def _silent(reply: Reply) -> bool:
    return not (reply.auth or reply.wrap_info or reply.warnings or reply.lease_id or reply.status)


NOTHING_THERE = Outgoing(404, b'{"errors":[]}')


def refusal(problem: VaultlikeError) -> Outgoing:
    """The body of a refusal: a list of texts (spec 1.9), or the page that a browser is shown."""
    if problem.page is not None:
        return Outgoing(problem.status, problem.page.body, problem.page.content_type, problem.page.headers)
    texts = list(problem.messages)
    if problem.routed and texts:
        count = f"{len(texts)} error{'s' if len(texts) > 1 else ''} occurred:"
        texts = [count + "".join(f"\n\t* {text}" for text in texts) + "\n\n"]
    body: dict[str, object] = {"errors": texts}
    if problem.data is not None:
        body["data"] = problem.data
    if problem.warnings:
        body["warnings"] = problem.warnings
    headers = tuple(problem.headers.items()) if problem.headers else ()
    return Outgoing(problem.status, _encode(body), headers=headers)


class VaultFace:
    """Answers `/v1/`; everything else is the next face's or nothing."""

    def __init__(self, server: Server, log: FilteringBoundLogger) -> None:
        self._server, self._log = server, named(log, "http")  # bound once: a lazy logger binds anew at every call

    async def __call__(self, incoming: Incoming) -> Outgoing:
        """One HTTP request to one HTTP answer; never raises."""
        request_id = self._server.request_id()
        extra: tuple[tuple[str, str], ...] = ()  # headers for web pages of other origins
        try:
            if not incoming.raw_path.startswith(PREFIX):
                raise NotFound
            if "//" in incoming.raw_path or "/../" in incoming.raw_path + "/" or "/./" in incoming.raw_path + "/":
                return _redirect(incoming)
            if "Origin" in incoming.headers:
                extra, answer = await cross_origin(self._server, incoming)
                if answer is not None:
                    return answer
            request = self._request(incoming, request_id)
            outgoing = render(await self._server.handle(request))
        except VaultlikeError as problem:
            outgoing = self._refuse(incoming, request_id, problem)
        except Exception as problem:
            self._log.error("request failed", request_id=request_id, path=incoming.raw_path, exc_info=problem)
            outgoing = refusal(Internal())
        if is_page(incoming.raw_path, outgoing):
            extra = (*extra, *await self._page_headers(outgoing))
        if outgoing.status >= 400:
            extra = (*extra, ("X-Request-Id", request_id))
        if "X-Vault-Namespace" in incoming.headers and _plain(incoming.headers["X-Vault-Namespace"]):
            extra = (*extra, ("X-Vault-Namespace", incoming.headers["X-Vault-Namespace"]))
        if extra:
            headers = (*outgoing.headers, *extra)
            outgoing = msgspec.structs.replace(outgoing, headers=headers)
        return outgoing

    async def _page_headers(self, outgoing: Outgoing) -> tuple[tuple[str, str], ...]:
        try:
            return await page_headers(self._server, outgoing)
        except Exception as problem:  # the page is shown without them
            self._log.error("headers of pages cannot be read", problem=repr(problem))
            return ()

    def _refuse(self, incoming: Incoming, request_id: str, problem: VaultlikeError) -> Outgoing:
        level = self._log.error if problem.status >= 500 and problem.status != 503 else self._log.debug
        level("refused", request_id=request_id, path=incoming.raw_path, status=problem.status, reason=problem.reason)
        return refusal(problem)

    def _request(self, incoming: Incoming, request_id: str) -> Request:
        headers, query = incoming.headers, incoming.query
        verb = VERBS.get(incoming.method)
        if verb is None:
            raise _BadVerb
        path = canonical(incoming.raw_path[len(PREFIX) :])
        if query:
            verb = _verb_of_query(query, verb)
        if verb == "patch":
            _check_patch(headers.get("Content-Type", ""))
        token = headers.get("X-Vault-Token", "")
        if not token:
            authorization = headers.get("Authorization", "")
            if authorization.startswith("Bearer "):
                token = authorization[7:].strip()
        wrap = headers.get("X-Vault-Wrap-TTL", "")
        if verb in ("write", "patch"):
            decode = lambda: decode_body(incoming.body, headers.get("Content-Type", ""))  # noqa: E731
        elif verb == "delete" and incoming.body:
            decode = lambda: {**decode_query(query), **decode_body(incoming.body, "")}  # noqa: E731
        else:
            decode = lambda: decode_query(query)  # noqa: E731
        return Request(
            id=request_id,
            verb=verb,
            path=path,
            decode=decode,
            render=render_body,
            token=token,
            namespace=headers.get("X-Vault-Namespace", "").strip("/"),
            remote=incoming.remote,
            headers=headers,
            peer_certificate=incoming.peer_certificate,
            wrap_ttl=_wrap_ttl(wrap) if wrap else 0,
            size=len(incoming.body),
        )


def _plain(text: str) -> bool:
    """Whether a header's value can be sent back as it came."""
    return text.isascii() and text.isprintable()


class _BadVerb(VaultlikeError):
    """A method that the API does not know."""

    status = 405
    default = ""


def _verb_of_query(query: str, verb: Verb) -> Verb:
    """The verb that is meant: whoever asks for help with any method gets help, and nothing is done (spec 1.12)."""
    if verb != "read" and "help" not in query:
        return verb
    values = parse_qs(query, keep_blank_values=True)
    if values.get("help", [""])[0]:
        return "help"
    if verb != "read":
        return verb
    asked: list[Verb] = []
    for verb in _LISTS:
        text = values.get(verb, [""])[0]
        if text in _TRUE:
            asked.append(verb)
        elif text and text not in _FALSE:
            raise _NoText
    if len(asked) > 1:
        raise _NoText
    return asked[0] if asked else "read"


class _NoText(Invalid):
    """A refusal without a text (spec 1.2)."""

    default = ""


def _check_patch(content_type: str) -> None:
    kind = content_type.partition(";")[0].strip().lower()
    if not kind:
        raise Invalid("mime: no media type")
    if "/" not in kind:
        raise Invalid("PATCH requires a Content-Type header value of application/merge-patch+json")
    if kind != MERGE_PATCH:
        text = "PATCH requires Content-Type of application/merge-patch+json"
        raise UnsupportedMedia(f"{text}, provided {kind[:64]}")


def _wrap_ttl(text: str) -> int:
    try:
        ttl = parse_signed_duration(text)
    except BadDuration as problem:
        raise Invalid(f"error parsing X-Vault-Wrap-TTL header: {problem}") from None
    if ttl < 0:
        raise Invalid("error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be negative")
    return ttl


def _redirect(incoming: Incoming) -> Outgoing:
    """The cleaned path, for literal `..` and `//` (spec 1.1)."""
    parts: list[str] = []
    for part in incoming.raw_path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    clean = "/" + "/".join(parts) + ("/" if incoming.raw_path.endswith("/") and parts else "")
    location = clean + (f"?{incoming.query}" if incoming.query else "")
    return Outgoing(307, b"", "text/html; charset=utf-8", (("Location", location),))
