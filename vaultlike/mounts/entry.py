"""One mount: its identity, its settings and what the API shows of it (spec/vault-api.md 2.2, 2.3)."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType, field

BUILTIN_SUFFIX = "+builtin.vaultlike"


class LockoutSettings(Struct, kw_only=True, omit_defaults=True):
    """User lockout of a mount; spans in seconds; UNSET inherits."""

    threshold: int | UnsetType = UNSET
    duration: int | UnsetType = UNSET
    counter_reset: int | UnsetType = UNSET
    disable: bool | UnsetType = UNSET


class MountConfig(Struct, kw_only=True, omit_defaults=True):
    """The tunable settings; TTLs in seconds, 0 inherits; UNSET settings were never given and are not shown."""

    default_lease_ttl: int = 0
    max_lease_ttl: int = 0
    force_no_cache: bool = False
    token_type: str = "default-service"
    listing_visibility: str | UnsetType = UNSET
    audit_non_hmac_request_keys: tuple[str, ...] | UnsetType = UNSET
    audit_non_hmac_response_keys: tuple[str, ...] | UnsetType = UNSET
    passthrough_request_headers: tuple[str, ...] | UnsetType = UNSET
    allowed_response_headers: tuple[str, ...] | UnsetType = UNSET
    identity_token_key: str | UnsetType = UNSET
    plugin_version: str = ""
    lockout: LockoutSettings | UnsetType = UNSET
    prune_entities_after: int | UnsetType = UNSET  # seconds


class MountEntry(Struct, kw_only=True, omit_defaults=True):
    """One row of the mount table. `path` ends with a slash and, for auth mounts, starts with `auth/`."""

    path: str
    kind: str  # the mount type: azure, token, kv, ...
    uuid: str
    accessor: str
    description: str = ""
    local: bool = False
    seal_wrap: bool = False
    external_entropy_access: bool = False
    options: dict[str, str] | None = None
    config: MountConfig = field(default_factory=MountConfig)

    @property
    def auth(self) -> bool:
        """Whether it is an auth mount."""
        return self.path.startswith("auth/")

    @property
    def of_organization(self) -> bool:
        """Whether identities of the second API log in here (ADR 7): known ones only, with signed access tokens whose
        addresses are judged by the role of now."""
        return self.options is not None and "organization" in self.options

    @property
    def instances(self) -> bool:
        """Whether each identity has a configuration of the method of its own (ADR 7)."""
        return self.options is not None and self.options.get("organization") == "instances"

    @property
    def shown_path(self) -> str:
        """The key in listings: auth mounts without `auth/`."""
        return self.path.removeprefix("auth/") if self.auth else self.path

    @property
    def storage_prefix(self) -> str:
        """Where the mount's documents live; survives a move of the mount."""
        return f"mount/{self.uuid}/"


NOT_PLUGINS = frozenset(("token", "cubbyhole", "identity", "system", "generic"))  # kinds without a deprecation status
OPTIONAL_KEYS = (
    "listing_visibility",
    "audit_non_hmac_request_keys",
    "audit_non_hmac_response_keys",
    "passthrough_request_headers",
    "allowed_response_headers",
    "identity_token_key",
    "prune_entities_after",
)


def shown(entry: MountEntry, version: str) -> dict[str, object]:
    """The mount info object; `version` is the server's (spec/vault-api.md 2.2)."""
    config: dict[str, object] = {
        "default_lease_ttl": entry.config.default_lease_ttl,
        "max_lease_ttl": entry.config.max_lease_ttl,
        "force_no_cache": entry.config.force_no_cache,
    }
    if entry.auth:
        config["token_type"] = entry.config.token_type
    for key in OPTIONAL_KEYS:
        value = getattr(entry.config, key)
        if value is not UNSET:
            config[key] = value
    if entry.config.plugin_version:
        config["plugin_version"] = entry.config.plugin_version
    if entry.config.lockout is not UNSET:
        lockout = entry.config.lockout
        config["user_lockout_config"] = {
            "user_lockout_threshold": lockout.threshold or 0,
            "user_lockout_duration": lockout.duration or 0,
            "user_lockout_counter_reset_duration": lockout.counter_reset or 0,
            "user_lockout_disable": lockout.disable or False,
        }
    info: dict[str, object] = {
        "type": entry.kind,
        "description": entry.description,
        "accessor": entry.accessor,
        "local": entry.local,
        "seal_wrap": entry.seal_wrap,
        "external_entropy_access": entry.external_entropy_access,
        "options": entry.options,
        "uuid": entry.uuid,
        "plugin_version": entry.config.plugin_version,
        "running_plugin_version": f"v{version}{BUILTIN_SUFFIX}",
        "running_sha256": "",
        "config": config,
    }
    if entry.kind not in NOT_PLUGINS:
        info["deprecation_status"] = "supported"
    return info
