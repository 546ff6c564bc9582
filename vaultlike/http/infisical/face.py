"""Answers `/api/`: finds the endpoint, reads what was sent, renders what came of it. Decides nothing else."""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType
from typing import Any

import msgspec
from msgspec import Struct
from structlog.typing import FilteringBoundLogger

from vaultlike.core.server import Server
from vaultlike.errors import Internal, NotFound, VaultlikeError
from vaultlike.http.infisical import (
    access_token,
    azure_auth,
    folders,
    jwt_auth,
    methods,
    oidc_auth,
    secrets,
    status,
    token_auth,
    unbuilt,
    universal_auth,
)
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.endpoint import KEPT, LONGEST_KEPT, Endpoint, Endpoints
from vaultlike.http.infisical.errors import Unauthorized, refusal
from vaultlike.http.infisical.resources import RESOURCES
from vaultlike.http.infisical.settings import FaceSettings, face_settings
from vaultlike.http.infisical.validation import parse, read_body, read_query
from vaultlike.http.message import Incoming, Outgoing
from vaultlike.tokens.ids import base62

PREFIX = "/api"
ORGANIZATION = "X-Infisical-Org"
JSON = "application/json; charset=utf-8"
MODULES: tuple[ModuleType, ...] = (
    status,
    access_token,
    secrets,
    folders,
    methods,
    azure_auth,
    oidc_auth,
    jwt_auth,
    universal_auth,
    token_auth,
    unbuilt,
    *RESOURCES,
)
_encode = msgspec.json.Encoder().encode


class InfisicalFace:
    """The second API of one server."""

    def __init__(self, server: Server, log: FilteringBoundLogger) -> None:
        self._server, self._log = server, log.bind()
        self._endpoints = Endpoints(MODULES)
        self._read_from: object = None
        self._settings: dict[str, FaceSettings] = {}

    @property
    def settings(self) -> dict[str, FaceSettings]:
        """The namespaces that are served, by path; read again when the configuration was."""
        if self._read_from is not self._server.settings:
            self._read_from = self._server.settings
            self._settings = face_settings(self._server.settings)
        return self._settings

    def serves(self, path: str) -> bool:
        """Whether a path is this face's."""
        return path.startswith("/api/") and bool(self.settings)

    async def __call__(self, incoming: Incoming) -> Outgoing:
        """One HTTP request to one HTTP answer; never raises."""
        request_id = new_request_id(self._server)
        try:
            outgoing = await self._answer(incoming, request_id)
        except VaultlikeError as problem:
            level = self._log.error if problem.status >= 500 and problem.status not in (501, 503) else self._log.debug
            level(
                "refused", request_id=request_id, path=incoming.raw_path, status=problem.status, reason=problem.reason
            )
            outgoing = refusal(problem, request_id)
        except Exception as problem:
            self._log.error("request failed", request_id=request_id, path=incoming.raw_path, exc_info=problem)
            outgoing = refusal(Internal(), request_id)
        return outgoing

    async def _answer(self, incoming: Incoming, request_id: str) -> Outgoing:
        found, params = self._endpoints.find(incoming.method, incoming.raw_path[len(PREFIX) :])
        settings = self._namespace(incoming)
        token = "" if found.open else bearer(incoming)
        if not found.open and not token and not found.lenient:
            raise Unauthorized("Token missing")
        if found.furnished:
            await self._server.furnish(settings.namespace, found.login)
            await self._check_organization(incoming, settings)
        ask = Ask(
            self._server, settings, incoming, request_id, token=token, params=params, counted=found.counted
        )  # fmt: skip
        await ask.measure()
        answer = await found.handler(ask, *_arguments(found, incoming))
        if isinstance(answer, Outgoing):
            return answer
        return Outgoing(200, _encode(answer), JSON)

    def _namespace(self, incoming: Incoming) -> FaceSettings:
        """The namespace that a request is for: the one that a header names, or the root, or the only one."""
        served, headers = self.settings, incoming.headers
        asked = headers.get("X-Vault-Namespace", "").strip("/")
        if not asked and (organization := headers.get(ORGANIZATION, "")) in served:
            asked = organization
        found = served.get(asked)
        if found is None and not asked and len(served) == 1:
            (found,) = served.values()
        if found is None:
            raise NotFound("the namespace is not served here")
        return found

    async def _check_organization(self, incoming: Incoming, settings: FaceSettings) -> None:
        """A header may name the organization, by id, slug or the path of its namespace. Raises NotFound."""
        name = incoming.headers.get(ORGANIZATION, "")
        if name and name != settings.namespace and not await self._server.has_organization(settings.namespace, name):
            raise NotFound("No organization with this id or slug was found")


def _arguments(found: Endpoint, incoming: Incoming) -> list[Any]:
    arguments: list[Any] = []
    if found.body is not None:
        data = read_body(incoming.body, incoming.headers.get("Content-Type", ""))
        arguments.append(parse(found.body, data))
    if found.query is not None:
        if incoming.body or len(incoming.query) > LONGEST_KEPT:
            # older clients say in a body what belongs into the query (spec/infisical.md 4)
            sent = read_body(incoming.body, incoming.headers.get("Content-Type", ""))
            arguments.append(parse(found.query, sent | read_query(incoming.query), lax=True))
        else:
            arguments.append(_query(found.query, incoming.query))
    return arguments


@lru_cache(maxsize=KEPT)  # clients ask for the same again; nobody changes what he is given
def _query(kind: type[Struct], query: str) -> Struct:
    return parse(kind, read_query(query), lax=True)


def new_request_id(server: Server) -> str:
    """A fresh id, `req-` and 14 letters and digits; also the core's id of the request."""
    return f"req-{base62(server.random, 14)}"


def bearer(incoming: Incoming) -> str:
    """`x-api-key` before `Authorization: Bearer` (spec/infisical.md 0); a Vault token may come in its own header."""
    headers = incoming.headers
    if key := headers.get("X-Api-Key", ""):
        return key.strip()
    authorization = headers.get("Authorization", "")
    if authorization[:7].lower() == "bearer ":
        return authorization[7:].strip()
    return headers.get("X-Vault-Token", "")
