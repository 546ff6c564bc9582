"""`identity/oidc/role/:name`: what an identity token says and which key signs it (spec/vault-api.md 6.4)."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from vaultlike.builtin.identity import claims
from vaultlike.builtin.identity.oidc_keys import FIELD_TEXT
from vaultlike.builtin.identity.part import Part
from vaultlike.errors import Invalid
from vaultlike.identity.issuer import DEFAULT
from vaultlike.identity.roles import TokenRole, new_client_id
from vaultlike.sdk import Answer, Call, delete, list_, read, write
from vaultlike.types import Duration

MAX_CLIENT_ID = 256  # characters


class RoleFields(Struct, kw_only=True):
    """What a role write may name; what it does not name stays."""

    key: Annotated[str | UnsetType, Meta(description="The named key that signs.")] = UNSET
    template: Annotated[str | UnsetType, Meta(description="Extra claims: JSON with selectors, or base64 of it.")] = (
        UNSET
    )
    ttl: Annotated[Duration | UnsetType, Meta(description="Life of the tokens, in seconds.")] = UNSET
    client_id: Annotated[str | UnsetType, Meta(description="The audience of the tokens; made up where left out.")] = (
        UNSET
    )


async def _role_exists(part: RolePaths, call: Call) -> bool:
    return await part.find(call.name) is not None


class RolePaths(Part):
    """The roles of identity tokens."""

    async def find(self, name: str) -> TokenRole | None:
        """A role by name."""
        return await self._core.issuer.roles.find(name)

    @read("oidc/role/{name}")
    async def read_role(self, call: Call) -> Answer:
        """Reads a role."""
        role = await self.find(call.name)
        if role is None:
            return None
        return {"key": role.key, "template": role.template, "ttl": role.ttl, "client_id": role.client_id}

    @write("oidc/role/{name}", exists=_role_exists, field_text=FIELD_TEXT)
    async def write_role(self, call: Call, body: RoleFields) -> None:
        """Creates or updates a role."""
        role = await self.find(call.name) or TokenRole(name=call.name, key="", client_id="")
        for name in ("key", "ttl", "client_id"):
            value = getattr(body, name)
            if value is not UNSET:
                role = replace(role, **{name: value})
        if body.template is not UNSET:
            role = replace(role, template=_plain(body.template))
        await self._check(role)
        if not role.client_id:
            role = replace(role, client_id=new_client_id(self._core.random))
        await self._core.issuer.roles.save(role)

    async def _check(self, role: TokenRole) -> None:
        if not role.key:
            raise Invalid("the key parameter is required")
        if len(role.client_id) > MAX_CLIENT_ID or not role.client_id.isprintable():
            raise Invalid(f"a client_id has at most {MAX_CLIENT_ID} printable characters")
        issuer = self._core.issuer
        key = await issuer.find(role.key)
        if key is None and role.key == DEFAULT:
            key = (await issuer.ensure_default()).key
        if key is None:
            raise Invalid(f'cannot find key "{role.key[:256]}"')
        if role.ttl > key.verification_ttl:
            raise Invalid("a role's token ttl cannot be longer than the verification_ttl of the key it references")
        claims.check(role.template)

    @delete("oidc/role/{name}")
    async def delete_role(self, call: Call) -> None:
        """Deletes a role."""
        await self._core.issuer.roles.remove(call.name)

    @list_("oidc/role/")
    async def list_roles(self, call: Call) -> Answer:
        """Lists the roles."""
        return {"keys": await self._core.issuer.roles.names()}


def _plain(template: str) -> str:
    """A template as text: base64 is decoded, anything else is taken as it is."""
    try:
        return base64.b64decode(template, validate=True).decode() if template else ""
    except (binascii.Error, ValueError):
        return template
