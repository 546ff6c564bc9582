"""token create (spec/vault-api.md 3.2)."""

from __future__ import annotations

from vaultlike.cli.command import Command
from vaultlike.cli.failures import UsageError
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session
from vaultlike.cli.shapes import Json


def _create(session: Session) -> int:
    flags = session.flags
    if flags.on("orphan") and flags.text("role"):
        raise UsageError("Cannot use -orphan together with -role: the role says whether its tokens are orphans")
    body: Json = {
        "policies": flags.items("policy"),
        "num_uses": flags.number("use-limit"),
        "renewable": flags.on("renewable"),
        "no_default_policy": flags.on("no-default-policy"),
    }
    if metadata := flags.pairs("metadata"):
        body["meta"] = metadata  # sent empty it would read back as {}, not as nothing
    for name, key in (
        ("id", "id"),
        ("display-name", "display_name"),
        ("type", "type"),
        ("entity-alias", "entity_alias"),
    ):
        if flags.text(name):
            body[key] = flags.text(name)
    for name in ("ttl", "period", "explicit-max-ttl"):
        if flags.given(name):
            body[name.replace("-", "_")] = f"{int(flags.seconds(name))}s"
    if flags.text("type") == "batch" and not flags.given("renewable"):
        body["renewable"] = False
    role = flags.text("role").strip("/")
    path = (
        "auth/token/create-orphan"
        if flags.on("orphan")
        else f"auth/token/create/{role}"
        if role
        else "auth/token/create"
    )
    return session.show(session.client.call("POST", path, body, doing="creating token"))


COMMANDS = (
    Command(
        "token create",
        "Creates a token: by default a child of the caller's token, with its policies.",
        _create,
        flags=(
            Flag("policy", "Policy of the token.", "list"),
            Flag("ttl", "First lifetime.", "duration"),
            Flag("explicit-max-ttl", "Lifetime that no renewal can exceed.", "duration"),
            Flag("period", "Makes a periodic token: each renewal lasts this long.", "duration"),
            Flag("renewable", "Whether the token can be renewed.", "bool", default="true"),
            Flag("orphan", "No parent: the token lives on when the caller's is revoked.", "bool"),
            Flag("no-default-policy", "Leaves out the policy `default`.", "bool"),
            Flag("use-limit", "Number of requests it is good for; 0 is no limit.", "int"),
            Flag("role", "Token role to create it with."),
            Flag("type", "service or batch."),
            Flag("display-name", "Name shown in logs."),
            Flag("metadata", "Metadata key=value; may repeat.", "pairs"),
            Flag("id", "The token itself instead of a random one. Needs sudo."),
            Flag("entity-alias", "Alias of the entity; needs a role that allows it."),
        ),
        examples=(("A token for one job", "token create -policy=dev -ttl=15m -use-limit=3"),),
    ),
)
