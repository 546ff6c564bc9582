"""Hanzo KMS: `/v1/kms/...` and the health paths, rendered over the second API's engine (spec/infisical.md 5).

Its clients log in with a client id and secret, and know secrets by (path, name, environment) of an organization, which
is a project here. Where a mount of Vault's API has the path `kms/`, that one answers instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import unquote

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from structlog.typing import FilteringBoundLogger

from vaultlike.core.server import Server
from vaultlike.errors import Internal, Invalid, NotFound, UnsupportedOperation, VaultlikeError, VersionConflict
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.errors import Unauthorized, named
from vaultlike.http.infisical.face import bearer, new_request_id
from vaultlike.http.infisical.settings import FaceSettings, hanzo_namespaces
from vaultlike.http.infisical.universal_auth import UniversalLogin, login
from vaultlike.http.infisical.validation import parse, read_body, read_query
from vaultlike.http.message import Incoming, Outgoing
from vaultlike.settings import Settings

PREFIX = "/v1/kms/"
HEALTH = ("/healthz", "/v1/kms/health", "/v1/kms/healthz")
LOGIN = "/v1/kms/auth/login"
KMS = "organization/kms/"
_encode = msgspec.json.Encoder().encode


class NoVersion(VaultlikeError):
    """A change that does not say which version it is of (428)."""

    status = 428
    default = "PATCH requires If-Match header or body.version"


class Credentials(Struct, rename="camel"):
    """What a machine logs in with."""

    client_id: Annotated[str, Meta(min_length=1)]
    client_secret: Annotated[str, Meta(min_length=1)]


class Value(Struct):
    """A write."""

    name: Annotated[str, Meta(min_length=1)]
    path: str = ""
    env: str = ""
    value: str = ""


class Change(Struct):
    """A change of a value."""

    value: str
    env: str = ""
    version: int | UnsetType = UNSET


def served(settings: Settings) -> dict[str, FaceSettings]:
    """The namespaces that Hanzo's clients reach, by path without slashes."""
    return {path: FaceSettings(namespace=path, enabled=True) for path in hanzo_namespaces(settings)}


class HanzoFace:
    """The paths of Hanzo KMS on one server."""

    def __init__(self, server: Server, log: FilteringBoundLogger) -> None:
        self._server, self._log = server, log.bind()
        self._read_from: object = None
        self._served: dict[str, FaceSettings] = {}

    def serves(self, path: str) -> bool:
        """Whether a path is this face's: where it is turned on, and no mount is called `kms/`."""
        if not path.startswith(PREFIX) and path not in HEALTH:
            return False
        if self._read_from is not self._server.settings:
            self._read_from, self._served = self._server.settings, served(self._server.settings)
        core = self._server.core
        return bool(self._served) and (core is None or core.router.at("kms/") is None)

    async def __call__(self, incoming: Incoming) -> Outgoing:
        """One HTTP request to one HTTP answer; never raises."""
        request_id = new_request_id(self._server)
        try:
            return await self._answer(incoming, request_id)
        except VaultlikeError as problem:
            self._log.debug("refused", request_id=request_id, path=incoming.raw_path, reason=problem.reason)
            return _refusal(problem, request_id)
        except Exception as problem:
            self._log.error("request failed", request_id=request_id, path=incoming.raw_path, exc_info=problem)
            return _refusal(Internal(), request_id)

    async def _answer(self, incoming: Incoming, request_id: str) -> Outgoing:
        path, method = incoming.raw_path, incoming.method
        if path in HEALTH:
            status = "ok" if self._server.core is not None else "sealed"
            return _json({"service": "kms", "status": status}, 200 if status == "ok" else 503)
        settings = self._settings(incoming)
        await self._server.furnish(settings.namespace)
        logs_in = path.rstrip("/") == LOGIN
        token = "" if logs_in else bearer(incoming)
        if not logs_in and not token:
            raise Unauthorized("unauthorized")
        ask = Ask(self._server, settings, incoming, request_id, token=token, params={}, counted=True)
        await ask.measure()
        if logs_in:
            if method != "POST":
                raise UnsupportedOperation
            return await _log_in(ask)
        org, rest = _org_and_rest(path)
        if not rest:
            if method == "GET":
                return await _list(ask, org)
            if method == "POST":
                return await _put(ask, org)
        elif method == "GET":
            found = await ask.core("read", _place(ask, org, rest))
            assert isinstance(found, Struct)
            shown: dict[str, object] = msgspec.to_builtins(found)
            return _json({"secret": {"value": shown["value"]}, "version": shown["version"]})
        elif method == "PATCH":
            return await _change(ask, org, rest)
        elif method == "DELETE":
            await ask.core("delete", _place(ask, org, rest))
            return _json({"ok": True})
        raise UnsupportedOperation

    def _settings(self, incoming: Incoming) -> FaceSettings:
        asked = incoming.headers.get("X-Vault-Namespace", "").strip("/")
        found = self._served.get(asked)
        if found is None:
            raise NotFound("the namespace is not served here")
        return found


async def _log_in(ask: Ask) -> Outgoing:
    try:
        body = parse(Credentials, _body(ask))
    except VaultlikeError:
        raise Invalid("clientId and clientSecret required") from None
    found = await login(ask, UniversalLogin(client_id=body.client_id, client_secret=body.client_secret))
    return _json({"accessToken": found.access_token, "expiresIn": found.expires_in, "tokenType": found.token_type})


async def _list(ask: Ask, org: str) -> Outgoing:
    query = _query(ask)
    place = f"{KMS}{org}/{_environment(query)}/"
    reply = await ask.reply("list", place, {"path": query.get("path", "") or query.get("prefix", "")})
    found: dict[str, object] = dict(reply.data) if reply is not None and isinstance(reply.data, Mapping) else {}
    rows: list[dict[str, str]] = msgspec.to_builtins(found.get("secrets", []))
    folder = str(query.get("path", "")).strip("/")
    names = [row["name"] for row in rows if row["path"] == folder]
    truncated = {"truncated": True} if found.get("truncated") else {}
    return _json({"names": names, "secrets": rows, "count": len(rows), **truncated})


async def _put(ask: Ask, org: str) -> Outgoing:
    try:
        body = parse(Value, _body(ask))
    except VaultlikeError:
        raise Invalid("name and value required") from None
    if not body.env:
        raise Invalid("env required")
    made = await ask.core("write", KMS + org, body)
    return _json({"ok": True, **msgspec.to_builtins(made)}, 201)


async def _change(ask: Ask, org: str, rest: str) -> Outgoing:
    try:
        body = parse(Change, _body(ask))
    except VaultlikeError:
        raise Invalid("value required") from None
    known = ask.incoming.headers.get("If-Match", "").strip().strip('"')
    if known and not (known.isascii() and known.isdigit() and len(known) < 19):
        raise Invalid("If-Match must be integer version")
    if known and body.version not in (UNSET, int(known)):
        raise Invalid("If-Match and body.version disagree")
    version = int(known) if known else body.version
    if version is UNSET:
        raise NoVersion
    place = _place(ask, org, rest, body.env)
    made = await ask.core("patch", place, {"value": body.value, "version": version})
    return _json({"ok": True, **msgspec.to_builtins(made)})


def _org_and_rest(path: str) -> tuple[str, str]:
    """Of `/v1/kms/orgs/{org}/secrets/{rest}`. Raises NotFound, Invalid."""
    parts = path.removeprefix(PREFIX).rstrip("/").split("/")
    if len(parts) < 3 or parts[0] != "orgs" or parts[2] != "secrets":
        raise NotFound("no route")
    try:
        words = [unquote(part, errors="strict") for part in parts]
    except UnicodeDecodeError:
        raise Invalid("invalid path") from None
    if any("/" in word or not word.isprintable() or word in ("", ".", "..") for word in words):
        raise Invalid("invalid path")
    return words[1], "/".join(words[3:])


def _place(ask: Ask, org: str, rest: str, environment: str = "") -> str:
    return f"{KMS}{org}/{environment or _environment(_query(ask))}/{rest}"


def _environment(query: Mapping[str, object]) -> str:
    environment = str(query.get("env", "") or "default")
    if "/" in environment or not environment.isprintable():
        raise Invalid("invalid env")
    return environment


def _query(ask: Ask) -> dict[str, object]:
    return read_query(ask.incoming.query)


def _body(ask: Ask) -> dict[str, object]:
    return read_body(ask.incoming.body, ask.incoming.headers.get("Content-Type", ""))


def _refusal(problem: VaultlikeError, request_id: str) -> Outgoing:
    if isinstance(problem, VersionConflict):
        text, more = "version mismatch — replayed or stale update", dict(problem.data or {})
        status = problem.status
    else:
        status, _, text = named(problem)
        more = {}
        if isinstance(problem, NoVersion):
            status = problem.status
    body = {"statusCode": status, "message": text, **more}
    return Outgoing(status, _encode(body), headers=(("X-Request-Id", request_id),))


def _json(body: object, status: int = 200) -> Outgoing:
    return Outgoing(status, _encode(body))
