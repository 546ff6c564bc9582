"""What a request that enables a mount says: its fields, their meaning, what is refused (spec/vault-api.md 2.2, 2.3).

Shared by auth and secret mounts. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from vaultlike.durations import parse_duration
from vaultlike.errors import Invalid
from vaultlike.identity.issuer import DEFAULT
from vaultlike.identity.store import SEEN_STEP
from vaultlike.mounts.entry import MountConfig, MountEntry
from vaultlike.mounts.vetting import mismatch, vetted
from vaultlike.sdk.conversion import Misfit, strict_bool, strict_text, to_names
from vaultlike.services import Services
from vaultlike.types import Object, Pairs

TOKEN_TYPES = ("default-service", "default-batch", "service", "batch")
VISIBILITIES = ("", "hidden", "unauth")
MAX_PATH = 512  # characters of a mount path
MAX_DESCRIPTION = 65_536  # characters


class EnableBody(Struct, kw_only=True):
    """The body of `sys/auth/:path` and `sys/mounts/:path`."""

    type: Annotated[str, Meta(description="The kind of mount, as the plugin catalog names it.")] = ""
    description: Annotated[str, Meta(description="What people are told of it.")] = ""
    config: Annotated[Object, Meta(description="Its tunable settings.")] = {}
    options: Annotated[Pairs, Meta(description="Options of the kind, such as the version of kv.")] = {}
    local: Annotated[bool, Meta(description="Never replicated; kept for clients.")] = False
    seal_wrap: Annotated[bool, Meta(description="Kept for clients: everything is sealed here.")] = False
    external_entropy_access: Annotated[bool, Meta(description="Kept for clients.")] = False
    plugin_name: Annotated[str, Meta(description="The kind, where `type` is `plugin`.")] = ""
    plugin_version: Annotated[str, Meta(description="The version of the plugin; empty chooses the installed one.")] = ""


async def check_plugin(services: Services, kind: str, config: MountConfig, *, auth: bool) -> None:
    """Whether an installed plugin is as somebody vouched for, and its tokens can be signed. Raises Invalid."""
    plugin = services.catalog.find(kind, auth=auth)
    if plugin is not None and (problem := mismatch(plugin, await vetted(services.root_storage))):
        raise Invalid(f"plugin {kind} is unavailable: {problem}")
    await check_token_key(services, config.identity_token_key)


async def check_token_key(services: Services, name: str | UnsetType) -> None:
    """Whether a mount's own tokens can be signed with a key of that name. Raises Invalid."""
    if name is UNSET or name in ("", DEFAULT):
        return
    if await services.issuer.find(name) is None:
        raise Invalid(f'identity_token_key: there is no key "{name[:64]}"')


def mount_path(raw: str, prefix: str = "") -> str:
    """The canonical path of a mount: `prefix`, no slash in front, one at the end. Raises Invalid for no path at all."""
    name = raw.strip("/")
    if not name:
        raise Invalid("backend path must be specified")
    if len(name) > MAX_PATH:
        raise Invalid(f"mount path is longer than {MAX_PATH} characters")
    if "//" in name or any(part in (".", "..") for part in name.split("/")):
        raise Invalid(f"invalid mount path: {name}")
    return f"{prefix}{name}/"


def kind_of(body: EnableBody) -> str:
    """The kind that the request asks for. Raises Invalid when it names none."""
    if not body.type:
        raise Invalid("backend type must be specified as a string")
    if body.type != "plugin":
        return body.type
    if not body.plugin_name:
        raise Invalid("plugin_name must be provided for plugin backend")
    return body.plugin_name


def options_of(data: Mapping[str, object], body: EnableBody) -> dict[str, str] | None:
    """The options as they read back: null only where the request sent null."""
    if "options" in data and data["options"] is None:
        return None
    return dict(body.options)


def description_of(text: str) -> str:
    """The description, refused when it is no description any more."""
    if len(text) > MAX_DESCRIPTION:
        raise Invalid(f"description is longer than {MAX_DESCRIPTION} characters")
    return text


def entry_of(fresh: MountEntry, body: EnableBody, config: MountConfig, options: dict[str, str] | None) -> MountEntry:
    """A fresh entry with all that the request says of it. Raises Invalid for a description that is none."""
    return msgspec.structs.replace(
        fresh,
        description=description_of(body.description),
        config=config,
        options=options,
        local=body.local,
        seal_wrap=body.seal_wrap,
        external_entropy_access=body.external_entropy_access,
    )


def config_of(body: EnableBody, *, auth: bool, system_max: int) -> MountConfig:
    """The settings of a new mount. `system_max` is the server's maximum TTL in seconds. Raises Invalid."""
    given, what = body.config, "auth" if auth else "mount"
    try:
        default, maximum = strict_text(given.get("default_lease_ttl")), strict_text(given.get("max_lease_ttl"))
        token_type = strict_text(given.get("token_type"))
        visibility = strict_text(given.get("listing_visibility"))
        key = strict_text(given.get("identity_token_key"))
        plugin_version = strict_text(given.get("plugin_version"))
        no_cache = strict_bool(given.get("force_no_cache"))
        pruning = strict_text(given.get("prune_entities_after"))
        request_keys, response_keys = (_names(given, name) for name in LISTS[:2])
        request_headers, response_headers = (_names(given, name) for name in LISTS[2:])
        _check_lockout(given.get("user_lockout_config"))
    except Misfit:
        raise Invalid(f"unable to convert given {what} config information") from None
    config = MountConfig(
        default_lease_ttl=_ttl("default", default),
        max_lease_ttl=_ttl("max", maximum),
        force_no_cache=no_cache and not auth,
        listing_visibility=visibility_of(visibility),
        identity_token_key=key or UNSET,
        plugin_version=body.plugin_version or plugin_version,
        audit_non_hmac_request_keys=request_keys,
        audit_non_hmac_response_keys=response_keys,
        passthrough_request_headers=request_headers,
        allowed_response_headers=response_headers,
        prune_entities_after=pruning_of(parse_duration(pruning), auth=auth) if pruning else UNSET,
    )
    if config.max_lease_ttl and config.default_lease_ttl > config.max_lease_ttl:
        raise Invalid("given default lease TTL greater than given max lease TTL")
    if not config.max_lease_ttl and config.default_lease_ttl > system_max:
        raise Invalid(f"given default lease TTL greater than system max lease TTL of {system_max}")
    if auth:
        config = msgspec.structs.replace(config, token_type=token_type_of(token_type))
    return config


LISTS = (
    "audit_non_hmac_request_keys",
    "audit_non_hmac_response_keys",
    "passthrough_request_headers",
    "allowed_response_headers",
)


def token_type_of(text: str) -> str:
    """One of TOKEN_TYPES; empty is the first of them. Raises Invalid."""
    if text and text not in TOKEN_TYPES:
        raise Invalid("invalid value for 'token_type'")
    return text or TOKEN_TYPES[0]


def visibility_of(text: str) -> str | UnsetType:
    """A listing visibility as it is stored: the empty one is none. Raises Invalid."""
    if text not in VISIBILITIES:
        raise Invalid(f"invalid listing_visibility {text[:64]}")
    return text or UNSET


def pruning_of(seconds: int, *, auth: bool) -> int | UnsetType:
    """The time after which a mount's unused entities are pruned, as it is stored; 0 is never. Raises Invalid."""
    if not auth:
        raise Invalid("'prune_entities_after' can only be modified on auth mounts")
    if seconds < 0 or 0 < seconds < SEEN_STEP:
        raise Invalid(f"'prune_entities_after' must be 0, for never, or at least {SEEN_STEP} seconds")
    return seconds or UNSET


def _names(given: Mapping[str, object], name: str) -> tuple[str, ...] | UnsetType:
    value = given.get(name)
    items = value if isinstance(value, list) else [value]
    if not all(item is None or isinstance(item, str) for item in items):
        raise Misfit(name)
    return to_names(value) or UNSET


def _ttl(which: str, text: str) -> int:
    if text in ("", "system"):
        return 0
    try:
        return parse_duration(text)
    except Invalid as problem:
        raise Invalid(f"unable to parse {which} TTL of {text[:64]}: {problem.messages[0]}") from None


def _check_lockout(value: object) -> None:
    """Lockout settings have no effect at enabling; only numbers and booleans are let through (spec 2.2)."""
    if value is None:
        return
    if not isinstance(value, dict) or not all(isinstance(item, (int, float, type(None))) for item in value.values()):
        raise Misfit("lockout")
