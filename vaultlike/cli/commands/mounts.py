"""What auth methods and secrets engines have in common: enabling, listing, tuning, moving, disabling a mount."""

from __future__ import annotations

from typing import NamedTuple

from vaultlike.cli import output
from vaultlike.cli.durations import readable
from vaultlike.cli.failures import CommandError, UsageError
from vaultlike.cli.flags import Flag, Flags
from vaultlike.cli.session import Session, slashed
from vaultlike.cli.shapes import Json, as_int, as_map, as_text

_MOVE_POLL = 0.2  # seconds
_MOVE_TRIES = 300


class Kind(NamedTuple):
    """`endpoint` below sys/; `noun` in messages; `prefix` of its paths for tune and move."""

    endpoint: str
    noun: str
    prefix: str


AUTH = Kind("auth", "auth method", "auth/")
SECRETS = Kind("mounts", "secrets engine", "")

SETTINGS = (
    Flag("description", "Text for people."),
    Flag("default-lease-ttl", "Lifetime of tokens and leases unless a role says otherwise.", "duration"),
    Flag("max-lease-ttl", "Longest lifetime.", "duration"),
    Flag("listing-visibility", "unauth shows the mount to callers without a token; hidden does not."),
    Flag("audit-non-hmac-request-keys", "Request key that audit logs show in clear.", "list"),
    Flag("audit-non-hmac-response-keys", "Response key that audit logs show in clear.", "list"),
    Flag("passthrough-request-headers", "Request header handed to the plugin.", "list"),
    Flag("allowed-response-headers", "Response header that the plugin may set.", "list"),
    Flag("options", "Option of the plugin, key=value; may repeat.", "pairs"),
    Flag("plugin-version", "Version of the plugin to use."),
)
TOKEN_TYPE = Flag("token-type", "default-service, default-batch, service or batch.")
LOCKOUT = (
    Flag("user-lockout-threshold", "Failed logins until a user is locked out.", "int"),
    Flag("user-lockout-duration", "How long a user stays locked out.", "duration"),
    Flag("user-lockout-counter-reset-duration", "After this time without failures counting starts anew.", "duration"),
    Flag("user-lockout-disable", "Never locks users out.", "bool"),
)
ENABLING = (
    Flag("path", "Path to mount at. Default: the type."),
    Flag("local", "Keeps the mount to this cluster.", "bool"),
    Flag("seal-wrap", "Asks for seal wrapping of its storage.", "bool"),
    Flag("external-entropy-access", "Lets the plugin use an external source of randomness.", "bool"),
    Flag("force-no-cache", "Bypasses the cache for this mount.", "bool"),
)
DETAILED = Flag("detailed", "Shows all columns.", "bool")

_TEXTS = ("listing-visibility", "token-type", "plugin-version")
_LISTS = (
    "audit-non-hmac-request-keys",
    "audit-non-hmac-response-keys",
    "passthrough-request-headers",
    "allowed-response-headers",
)


def enable(session: Session, kind: Kind) -> int:
    """`enable TYPE`: POST sys/<endpoint>/<path>."""
    flags, name = session.flags, session.args[0].strip()
    path = slashed(flags.text("path") or name)
    options = flags.pairs("options")
    if kind is SECRETS and flags.given("version"):
        options["version"] = str(flags.number("version"))
    config = _settings(flags, kind)
    for duration in ("default_lease_ttl", "max_lease_ttl"):
        config.setdefault(duration, "0s")
    config["force_no_cache"] = flags.on("force-no-cache")
    body: Json = {
        "type": name,
        "description": flags.text("description"),
        "config": config,
        "local": flags.on("local"),
        "seal_wrap": flags.on("seal-wrap"),
        "external_entropy_access": flags.on("external-entropy-access"),
        "options": options or None,
    }
    answer = session.client.call(
        "POST", f"sys/{kind.endpoint}/{path.rstrip('/')}", body, doing=f"enabling {name} {kind.noun}"
    )
    session.warn(answer)
    what = f"{name} auth method" if kind is AUTH else f"the {name} secrets engine"
    session.success(f"Enabled {what} at: {path}")
    return 0


def disable(session: Session, kind: Kind) -> int:
    """`disable PATH`: DELETE sys/<endpoint>/<path>."""
    path = slashed(session.args[0])
    session.client.call("DELETE", f"sys/{kind.endpoint}/{path.rstrip('/')}", doing=f"disabling {kind.noun} at {path}")
    session.success(f"Disabled the {kind.noun} (if it existed) at: {path}")
    return 0


def tune(session: Session, kind: Kind) -> int:
    """`tune PATH`: sends only the flags that were given."""
    path = slashed(session.args[0])
    body = _settings(session.flags, kind)
    if session.flags.given("description"):
        body["description"] = session.flags.text("description")
    if options := session.flags.pairs("options"):
        body["options"] = options
    if kind is SECRETS and session.flags.given("version"):
        body["options"] = {**options, "version": str(session.flags.number("version"))}
    if kind is AUTH and (lockout := _lockout(session.flags)):
        body["user_lockout_config"] = lockout
    if not body:
        raise UsageError("Nothing to tune: give at least one setting, e.g. -default-lease-ttl=1h")
    target = f"sys/mounts/{kind.prefix}{path.rstrip('/')}/tune"
    session.warn(session.client.call("POST", target, body, doing=f"tuning {kind.noun} {path}"))
    session.success(f"Tuned the {kind.noun} at: {path}")
    return 0


def move(session: Session, kind: Kind) -> int:
    """`move FROM TO`: starts a remount and waits until it is done."""
    source, target = (slashed(arg) for arg in session.args)
    body = {"from": kind.prefix + source, "to": kind.prefix + target}
    doing = f"moving {kind.noun} {source} to {target}"
    started = session.client.call("POST", "sys/remount", body, doing=doing)
    session.warn(started)
    migration = as_text(started.content.get("migration_id"))
    words = f"moving {kind.noun} {source} to {target}, with migration ID {migration}"
    if session.format == "table":
        session.line(f"Started {words}")
    for _ in range(_MOVE_TRIES):
        status = session.client.call("GET", f"sys/remount/status/{migration}", doing=doing)
        state = as_text(as_map(status.content.get("migration_info")).get("status"))
        if state == "success":
            session.success(f"Finished {words}")
            return 0
        if state == "failure":
            raise CommandError(f"Failure {words}")
        session.terminal.sleep(_MOVE_POLL)
    raise CommandError(f"Still {words}; ask again: vaultlike read sys/remount/status/{migration}")


def list_mounts(session: Session, kind: Kind) -> int:
    """`list`: one row a mount; -detailed shows everything."""
    mounts = session.client.call("GET", f"sys/{kind.endpoint}", doing=f"listing enabled {kind.noun}s").content
    entries = {path: as_map(mounts[path]) for path in sorted(mounts) if isinstance(mounts[path], dict)}
    if session.flags.on("detailed"):
        rows = [_details(path, entry, kind) for path, entry in entries.items()]
        return session.show_data(mounts, output.table(_DETAILS_AUTH if kind is AUTH else _DETAILS_SECRETS, rows))
    texts = ("type", "accessor", "description") + (("plugin_version",) if kind is AUTH else ())
    rows = [[path, *(as_text(entry.get(key)) for key in texts)] for path, entry in entries.items()]
    header = ("Path", "Type", "Accessor", "Description") + (("Version",) if kind is AUTH else ())
    return session.show_data(mounts, output.table(header, rows))


_COMMON = ("Path", "Plugin", "Accessor", "Default TTL", "Max TTL")
_REST = ("Replication", "Seal Wrap", "External Entropy Access", "Options", "Description", "UUID", "Version")
_RUNNING = ("Running Version", "Running SHA256", "Deprecation Status")
_DETAILS_AUTH = (*_COMMON, "Token Type", *_REST, *_RUNNING)
_DETAILS_SECRETS = (*_COMMON, "Force No Cache", *_REST, *_RUNNING)


def _details(path: str, entry: Json, kind: Kind) -> list[str]:
    config = as_map(entry.get("config"))
    special = (
        as_text(config.get("token_type")) if kind is AUTH else output.value_text(config.get("force_no_cache") is True)
    )
    return [
        path,
        as_text(entry.get("type")),
        as_text(entry.get("accessor")),
        *(_ttl(entry, key) for key in ("default_lease_ttl", "max_lease_ttl")),
        special,
        "local" if entry.get("local") is True else "replicated",
        output.value_text(entry.get("seal_wrap") is True),
        output.value_text(entry.get("external_entropy_access") is True),
        output.value_text(as_map(entry.get("options"))),
        *(as_text(entry.get(key)) for key in ("description", "uuid", "plugin_version")),
        *(as_text(entry.get(key)) for key in ("running_plugin_version", "running_sha256", "deprecation_status")),
    ]


def _ttl(entry: Json, key: str) -> str:
    if entry.get("type") in ("system", "cubbyhole"):
        return ""  # nothing in them has a lease
    value = as_int(as_map(entry.get("config")).get(key))
    return readable(value) if value else "system"


def _settings(flags: Flags, kind: Kind) -> Json:
    body: Json = {}
    for name in ("default-lease-ttl", "max-lease-ttl"):
        if flags.given(name):
            body[name.replace("-", "_")] = f"{int(flags.seconds(name))}s"
    for name in _TEXTS:
        if (name != "token-type" or kind is AUTH) and flags.given(name):
            body[name.replace("-", "_")] = flags.text(name)
    for name in _LISTS:
        if flags.given(name):
            body[name.replace("-", "_")] = [part for item in flags.items(name) for part in item.split(",")]
    return body


def _lockout(flags: Flags) -> Json:
    lockout: Json = {}
    if flags.given("user-lockout-threshold"):
        lockout["lockout_threshold"] = str(flags.number("user-lockout-threshold"))
    for name in ("user-lockout-duration", "user-lockout-counter-reset-duration"):
        if flags.given(name):
            lockout[name.removeprefix("user-").replace("-", "_")] = f"{int(flags.seconds(name))}s"
    if flags.given("user-lockout-disable"):
        lockout["lockout_disable"] = flags.on("user-lockout-disable")
    return lockout
