"""`identity/oidc/config` and `identity/oidc/key/:name`: who issues identity tokens, and with which keys."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from vaultlike.builtin.identity.part import Part
from vaultlike.errors import Invalid
from vaultlike.identity.issuer import DEFAULT, Issuer
from vaultlike.sdk import Answer, Call, Reply, delete, list_, read, write
from vaultlike.types import Duration, Names

FIELD_TEXT = 'error converting input for field "{field}": {problem}'
ISSUER_WARNING = (
    'If "issuer" is set explicitly, all tokens must be validated against that address, including those issued by '
    'secondary clusters. Setting issuer to "" will restore the default behavior of using the cluster\'s api_addr as '
    "the issuer."
)


class ConfigFields(Struct, kw_only=True):
    """The body of `oidc/config`."""

    issuer: Annotated[
        str | UnsetType, Meta(description="Scheme, host and port of the issuer; empty: the server's address.")
    ] = UNSET


class KeyFields(Struct, kw_only=True):
    """What a key write may name; what it does not name stays."""

    rotation_period: Annotated[Duration | UnsetType, Meta(description="How often the key is replaced, in seconds.")] = (
        UNSET
    )
    verification_ttl: Annotated[
        Duration | UnsetType, Meta(description="How long a replaced key stays published, in seconds.")
    ] = UNSET
    algorithm: Annotated[str | UnsetType, Meta(description="RS256 (default) to ES512, or EdDSA.")] = UNSET
    allowed_client_ids: Annotated[
        Names | UnsetType, Meta(description="Client ids of roles that may use the key; `*` is any.")
    ] = UNSET


class RotateFields(Struct, kw_only=True):
    """The body of a rotation."""

    verification_ttl: Annotated[
        Duration | UnsetType, Meta(description="How long the replaced key stays published, in seconds.")
    ] = UNSET


async def _key_exists(part: KeyPaths, call: Call) -> bool:
    return call.name == DEFAULT or await part.issuer.find(call.name) is not None


class KeyPaths(Part):
    """The issuer and its named keys."""

    @property
    def issuer(self) -> Issuer:
        """The namespace's issuer."""
        return self._core.issuer

    @read("oidc/config")
    async def read_config(self, call: Call) -> Answer:
        """Reads the configured issuer."""
        return await self.issuer.config()

    @write("oidc/config")
    async def write_config(self, call: Call, body: ConfigFields) -> Answer:
        """Configures the issuer."""
        if body.issuer is UNSET:
            return None
        await self.issuer.set_issuer(body.issuer)
        return Reply(warnings=(ISSUER_WARNING,)) if body.issuer else None

    @read("oidc/key/{name}")
    async def read_key(self, call: Call) -> Answer:
        """Reads a named key's settings; never the key itself."""
        key = await self.issuer.find(call.name)
        if key is None and call.name == DEFAULT:
            key = (await self.issuer.ensure_default()).key
        if key is None:
            return None
        return {
            "rotation_period": key.rotation_period,
            "verification_ttl": key.verification_ttl,
            "algorithm": key.algorithm,
            "allowed_client_ids": key.allowed_client_ids,
        }

    @write("oidc/key/{name}", exists=_key_exists, field_text=FIELD_TEXT)
    async def write_key(self, call: Call, body: KeyFields) -> None:
        """Creates or updates a named key."""
        settings = {name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET}
        if (ttl := settings.get("verification_ttl")) is not None:
            await self._check_roles(call.name, int(ttl))
        await self.issuer.configure(call.name, settings)

    async def _check_roles(self, name: str, ttl: int) -> None:
        roles = await self._core.issuer.roles.using(name)
        if any(role.ttl > ttl for role in roles):
            raise Invalid(
                f'unable to update key "{name}" because it is currently referenced by one or more roles '
                f"with a token ttl greater than {ttl} seconds"
            )

    @delete("oidc/key/{name}")
    async def delete_key(self, call: Call) -> None:
        """Deletes a named key that nothing refers to."""
        name = call.name
        roles = [role.name for role in await self._core.issuer.roles.using(name)]
        if roles and name != DEFAULT:
            raise Invalid(
                f'unable to delete key "{name}" because it is currently referenced by these roles: {", ".join(roles)}'
            )
        mounts = [
            mount.entry.path for mount in self._core.router.mounts() if mount.entry.config.identity_token_key == name
        ]
        if mounts and name != DEFAULT:
            raise Invalid(
                f'unable to delete key "{name}" because it is currently referenced by these mounts: {", ".join(mounts)}'
            )
        await self.issuer.remove(name)

    @list_("oidc/key/")
    async def list_keys(self, call: Call) -> Answer:
        """Lists the named keys."""
        return {"keys": await self.issuer.names()}

    @write("oidc/key/{name}/rotate", field_text=FIELD_TEXT)
    async def rotate(self, call: Call, body: RotateFields) -> None:
        """Replaces a named key now."""
        ttl = None if body.verification_ttl is UNSET else body.verification_ttl
        await self.issuer.rotate(call.name, ttl)
