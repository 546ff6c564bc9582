"""`sys/auth/:path/tune` and `sys/mounts/:path/tune`: a mount's settings after it was made (spec/vault-api.md 2.2).

Only what is sent changes. A read shows the server's TTLs where the mount has none of its own, the mount's own listing
the configured ones.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from vaultlike.durations import parse_duration
from vaultlike.errors import Invalid
from vaultlike.mounts.entry import OPTIONAL_KEYS, MountConfig, MountEntry
from vaultlike.sdk import Answer, Call, Reply, read, write
from vaultlike.sdk.fields import fields_of
from vaultlike.system.enabling import (
    LISTS,
    check_token_key,
    description_of,
    mount_path,
    pruning_of,
    token_type_of,
    visibility_of,
)
from vaultlike.system.lockout_settings import apply_lockout, flattened
from vaultlike.system.part import Part
from vaultlike.types import Duration, Names, Object, Pairs

FIXED = ("sys/", "cubbyhole/", "identity/", "audit/")  # mounts that nobody tunes


class TuneBody(Struct, kw_only=True):
    """The body of a tune; TTLs are texts because `system` and the empty text mean something."""

    default_lease_ttl: Annotated[str | UnsetType, Meta(description="Default TTL; `system` or 0 inherits.")] = UNSET
    max_lease_ttl: Annotated[str | UnsetType, Meta(description="Maximum TTL; `system` or 0 inherits.")] = UNSET
    description: Annotated[str | UnsetType, Meta(description="What people are told of it.")] = UNSET
    listing_visibility: Annotated[str | UnsetType, Meta(description="Empty, hidden or unauth.")] = UNSET
    token_type: Annotated[str | UnsetType, Meta(description="Kind of the tokens that logins give.")] = UNSET
    audit_non_hmac_request_keys: Annotated[Names | UnsetType, Meta(description="Request keys audited in clear.")] = (
        UNSET
    )
    audit_non_hmac_response_keys: Annotated[Names | UnsetType, Meta(description="The same for responses.")] = UNSET
    passthrough_request_headers: Annotated[Names | UnsetType, Meta(description="Headers the mount may see.")] = UNSET
    allowed_response_headers: Annotated[Names | UnsetType, Meta(description="Headers the mount may set.")] = UNSET
    identity_token_key: Annotated[str | UnsetType, Meta(description="Key that signs the mount's own tokens.")] = UNSET
    options: Annotated[Pairs | UnsetType, Meta(description="Options of the kind; kv may go from version 1 to 2.")] = (
        UNSET
    )
    user_lockout_config: Annotated[Object | UnsetType, Meta(description="When wrong passwords lock a user out.")] = (
        UNSET
    )
    plugin_version: Annotated[str | UnsetType, Meta(description="Version of the plugin.")] = UNSET
    prune_entities_after: Annotated[
        Duration | UnsetType, Meta(description="Delete entities that logins made and that were not seen for so long.")
    ] = UNSET
    force_no_cache: Annotated[bool | UnsetType, Meta(description="Kept for clients; cannot be tuned.")] = UNSET


class Tune(Part):
    """Settings of mounts of both kinds."""

    @read("auth/{path:rest}/tune", sudo=True, inject=True)
    async def read_auth(self, call: Call) -> dict[str, object]:
        """Reads the effective settings of an auth method."""
        return self._read(mount_path(call.params["path"], "auth/"))

    @write("auth/{path:rest}/tune", sudo=True)
    async def tune_auth(self, call: Call, body: TuneBody) -> Answer:
        """Changes settings of an auth method."""
        return await self._tune(mount_path(call.params["path"], "auth/"), body)

    @read("mounts/{path:rest}/tune", inject=True)
    async def read_mount(self, call: Call) -> dict[str, object]:
        """Reads the effective settings of a mount."""
        return self._read(mount_path(call.params["path"]))

    @write("mounts/{path:rest}/tune")
    async def tune_mount(self, call: Call, body: TuneBody) -> Answer:
        """Changes settings of a mount."""
        return await self._tune(mount_path(call.params["path"]), body)

    def _read(self, path: str) -> dict[str, object]:
        mount = self.services.router.at(path)
        if mount is None:
            raise Invalid(f'cannot fetch sysview for path "{path}"')
        entry, config = mount.entry, mount.entry.config
        answer: dict[str, object] = {
            # as the reference shows it: not held against the mount's maximum, which logins do
            "default_lease_ttl": config.default_lease_ttl or self.services.settings.default_lease_ttl,
            "max_lease_ttl": self.services.max_ttl(entry),
            "description": entry.description,
            "force_no_cache": config.force_no_cache,
        }
        if entry.auth:
            answer["token_type"] = config.token_type
        for key in OPTIONAL_KEYS:
            value = getattr(config, key)
            if value is not UNSET:
                answer[key] = value
        if entry.options:
            answer["options"] = entry.options
        if entry.external_entropy_access:
            answer["external_entropy_access"] = True
        if config.plugin_version:
            answer["plugin_version"] = config.plugin_version
        return answer | flattened(config.lockout)

    async def _tune(self, path: str, body: TuneBody) -> Answer:
        given = [name for name in fields_of(TuneBody).fields if getattr(body, name) is not UNSET]
        if path in FIXED and given:
            raise Invalid(f"cannot tune parameter {given[0]} of {path}")
        if body.identity_token_key is not UNSET:
            await check_token_key(self.services, body.identity_token_key)
        warnings: list[str] = []

        def edit(entries: list[MountEntry]) -> list[MountEntry]:
            warnings.clear()
            index = next((at for at, entry in enumerate(entries) if entry.path == path), None)
            if index is None:
                raise Invalid(f'tune of path "{path}" failed: no mount entry found')
            tuned = self._tuned(entries[index], body, warnings)
            return [*entries[:index], tuned, *entries[index + 1 :]]

        await self.services.table.change(edit)
        await self.services.current()
        return Reply(warnings=tuple(warnings)) if warnings else None

    def _tuned(self, entry: MountEntry, body: TuneBody, warnings: list[str]) -> MountEntry:
        config = self._lifetimes(entry.config, body)
        if body.token_type is not UNSET:
            config = replace(config, token_type=_token_type(entry, body.token_type))
        if body.listing_visibility is not UNSET:
            config = replace(config, listing_visibility=visibility_of(body.listing_visibility))
        if body.identity_token_key is not UNSET:
            config = replace(config, identity_token_key=body.identity_token_key or UNSET)
        if body.plugin_version is not UNSET:
            self.services.catalog.require(entry.kind, auth=entry.auth, version=body.plugin_version)
            config = replace(config, plugin_version=body.plugin_version)
        if body.prune_entities_after is not UNSET:
            config = replace(config, prune_entities_after=pruning_of(body.prune_entities_after, auth=entry.auth))
        for key in LISTS:
            value = getattr(body, key)
            if value is not UNSET:
                config = replace(config, **{key: value or UNSET})
        if body.user_lockout_config is not UNSET and body.user_lockout_config:
            config = replace(config, lockout=apply_lockout(entry.kind, config.lockout, body.user_lockout_config))
        options = entry.options
        if body.options is not UNSET and body.options:
            options = _options(entry, body.options, warnings)
        description = entry.description if body.description is UNSET else description_of(body.description)
        return replace(entry, config=config, options=options, description=description)

    def _lifetimes(self, config: MountConfig, body: TuneBody) -> MountConfig:
        default = _ttl(body.default_lease_ttl, config.default_lease_ttl)
        maximum = _ttl(body.max_lease_ttl, config.max_lease_ttl)
        cap = maximum or self.services.settings.max_lease_ttl
        if default > cap:
            raise Invalid(f"backend max lease TTL of {cap} would be less than backend default lease TTL of {default}")
        return replace(config, default_lease_ttl=default, max_lease_ttl=maximum)


def _ttl(text: str | UnsetType, now: int) -> int:
    if text is UNSET or text == "":
        return now
    return 0 if text == "system" else parse_duration(text)


def _token_type(entry: MountEntry, text: str) -> str:
    if not entry.auth:
        raise Invalid("'token_type' can only be modified on auth mounts")
    if entry.kind == "token":
        raise Invalid("'token_type' cannot be set for 'token' or 'ns_token' auth mounts")
    return token_type_of(text)


def _options(entry: MountEntry, given: dict[str, str], warnings: list[str]) -> dict[str, str]:
    """The merged options; kv may be upgraded from version 1 to 2, never back."""
    now = (entry.options or {}).get("version", "")
    if "version" in given:
        wanted = given["version"]
        if entry.kind != "kv":
            raise Invalid(f'mount type "{entry.kind}" does not allow setting a version')
        if wanted not in ("1", "2"):
            raise Invalid(f"invalid version provided: {wanted[:64]}")
        if now == "2" and wanted == "1":
            raise Invalid("cannot downgrade mount from version 2")
        if now != "2" and wanted == "2":
            warnings.append(
                "Upgrading mount from version 1 to version 2. This mount will be unavailable for a brief period and "
                "will resume service shortly."
            )
    return {**(entry.options or {}), **given}
