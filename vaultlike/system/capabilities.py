"""`sys/capabilities`, `-self`, `-accessor`: what a token may do at paths (spec/vault-api.md 2.5). Decides nothing."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.errors import Invalid, InvalidInside
from vaultlike.policy.acl import ACL
from vaultlike.sdk import Call, write
from vaultlike.system.bearer import entity_of
from vaultlike.system.part import Part
from vaultlike.tokens.entry import Token
from vaultlike.types import Names

MAX_PATHS = 1000


class PathsBody(Struct, kw_only=True):
    """Which paths are asked about."""

    paths: Annotated[Names, Meta(description="The paths.")] = ()
    path: Annotated[Names, Meta(description="The old name of `paths`.")] = ()


class TokenPathsBody(PathsBody, kw_only=True):
    """Whose rights are asked about, by token."""

    token: Annotated[str, Meta(description="The token in question.")] = ""


class AccessorPathsBody(PathsBody, kw_only=True):
    """Whose rights are asked about, by accessor."""

    accessor: Annotated[str, Meta(description="The accessor of the token in question.")] = ""


class Capabilities(Part):
    """Questions about rights."""

    @write("capabilities-self", inject=True)
    async def of_caller(self, call: Call, body: PathsBody) -> dict[str, object]:
        """What the caller's own token may do at paths."""
        paths = _paths(body)
        caller = call.caller
        if caller is None:
            raise Invalid("no token found")
        return _answer(await self.services.acl_of_caller(caller), paths)

    @write("capabilities", inject=True)
    async def of_token(self, call: Call, body: TokenPathsBody) -> dict[str, object]:
        """What a token may do at paths."""
        paths = _paths(body)
        if not body.token:
            raise InvalidInside("no token found")
        token = await self.services.tokens.find(body.token)
        if token is None:
            raise InvalidInside("invalid token")
        return _answer(await self._acl(token), paths)

    @write("capabilities-accessor", inject=True)
    async def of_accessor(self, call: Call, body: AccessorPathsBody) -> dict[str, object]:
        """What the token of an accessor may do at paths."""
        if not body.accessor:
            raise Invalid("missing accessor")
        paths = _paths(body)
        token = await self.services.tokens.find_accessor(body.accessor)
        if token is None:
            raise InvalidInside("invalid accessor")
        return _answer(await self._acl(token), paths)

    async def _acl(self, token: Token) -> ACL:
        return await self.services.acl(token, await entity_of(self.services, token))


def _paths(body: PathsBody) -> tuple[str, ...]:
    paths = body.paths or body.path
    if not paths:
        raise Invalid("paths must be supplied")
    if len(paths) > MAX_PATHS:
        raise Invalid(f"more than {MAX_PATHS} paths")
    if "" in paths:
        raise InvalidInside("missing path")
    return paths


def _answer(acl: ACL, paths: tuple[str, ...]) -> dict[str, object]:
    answer: dict[str, object] = {path: acl.capabilities(path) for path in paths}
    if len(paths) == 1:
        answer["capabilities"] = answer[paths[0]]
    return answer
