"""namespace create, list, lookup, patch, delete, lock, unlock: those inside the one that `-namespace` names."""

from __future__ import annotations

from vaultlike.cli import output
from vaultlike.cli.command import Command
from vaultlike.cli.failures import NothingFound, UsageError
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session, slashed, trimmed
from vaultlike.cli.shapes import Json, as_map, as_text

_METADATA = Flag("custom-metadata", "A key=value pair of metadata; may be repeated.", "pairs")
MERGE_PATCH = "application/merge-patch+json"


def _path(session: Session) -> str:
    path = trimmed(session.args[0])
    if not path:
        raise UsageError("the path of the namespace is empty")
    return path


def _create(session: Session) -> int:
    body: Json = {"custom_metadata": dict(session.flags.pairs("custom-metadata"))}
    answer = session.client.call("PUT", f"sys/namespaces/{_path(session)}", body, doing="creating namespace")
    return session.show(answer)


def _list(session: Session) -> int:
    answer = session.client.call("LIST", "sys/namespaces", doing="listing namespaces", missing_ok=True)
    if answer.status == 404 or not answer.keys:
        if session.format == "table":
            raise NothingFound("No namespaces found")
        session.show_value({} if session.flags.on("detailed") else [])
        return 2
    if session.flags.on("detailed"):
        known = as_map((answer.data or {}).get("key_info"))
        rows = [[path, as_text(as_map(known[path]).get("id")), _pairs(as_map(known[path]))] for path in sorted(known)]
        return session.show_data(known, output.table(("Path", "ID", "Custom Metadata"), rows))
    return session.show_keys(answer, "sys/namespaces")


def _pairs(info: Json) -> str:
    metadata = as_map(info.get("custom_metadata"))
    return " ".join(f"{key}={as_text(metadata[key])}" for key in sorted(metadata))


def _lookup(session: Session) -> int:
    path = _path(session)
    answer = session.client.call("GET", f"sys/namespaces/{path}", doing="looking up namespace", missing_ok=True)
    if answer.status == 404:
        raise NothingFound(f"Namespace not found: {path}/")
    return session.show(answer)


def _patch(session: Session) -> int:
    changes: Json = dict(session.flags.pairs("custom-metadata"))
    changes.update(dict.fromkeys(session.flags.items("remove-custom-metadata")))
    if not changes:
        raise UsageError("Nothing to change: give -custom-metadata or -remove-custom-metadata")
    path = _path(session)
    answer = session.client.call(
        "PATCH", f"sys/namespaces/{path}", {"custom_metadata": changes}, doing=f"patching namespace {path}/",
        content_type=MERGE_PATCH,
    )  # fmt: skip
    return session.show(answer)


def _delete(session: Session) -> int:
    path = _path(session)
    session.client.call("DELETE", f"sys/namespaces/{path}", doing=f"deleting namespace {path}/")
    session.success(f"Namespace deleted at: {slashed(path)}")
    return 0


def _lock(session: Session) -> int:
    answer = session.client.call("PUT", _door(session, "lock"), {}, doing="locking namespace")
    return session.show(answer)


def _unlock(session: Session) -> int:
    key = session.flags.text("unlock-key")
    body: Json = {"unlock_key": key} if key else {}
    session.client.call("PUT", _door(session, "unlock"), body, doing="unlocking namespace")
    session.success("Namespace unlocked")
    return 0


def _door(session: Session, what: str) -> str:
    """The path that locks or unlocks the current namespace, or the one that is named."""
    return f"sys/namespaces/api-lock/{what}" + (f"/{_path(session)}" if session.args else "")


COMMANDS = (
    Command(
        "namespace create",
        "Makes a namespace inside the current one, with mounts, policies, identities and tokens of its own.",
        _create,
        "PATH",
        1,
        1,
        flags=(_METADATA,),
        examples=(
            ("In the root namespace", "namespace create team"),
            ("Inside another", "namespace create -namespace=team project"),
        ),
    ),
    Command(
        "namespace list",
        "Lists the namespaces directly inside the current one.",
        _list,
        flags=(Flag("detailed", "Shows what is known of each.", "bool"),),
    ),
    Command("namespace lookup", "Shows a namespace.", _lookup, "PATH", 1, 1),
    Command(
        "namespace patch",
        "Changes the custom metadata of a namespace. Only the given keys change.",
        _patch,
        "PATH",
        1,
        1,
        flags=(_METADATA, Flag("remove-custom-metadata", "A key to remove; may be repeated.", "list")),
    ),
    Command(
        "namespace delete",
        "Deletes a namespace with everything in it: mounts, policies, identities, tokens. Refused while there are "
        "namespaces inside it.",
        _delete,
        "PATH",
        1,
        1,
    ),
    Command(
        "namespace lock",
        "Closes the current namespace, or the one at PATH in it, with all inside, to every request. Keep the key "
        "that is shown: it opens the namespace again.",
        _lock,
        "[PATH]",
        0,
        1,
        examples=(("In the root namespace", "namespace lock team"),),
    ),
    Command(
        "namespace unlock",
        "Opens a namespace that was locked. A root token needs no key.",
        _unlock,
        "[PATH]",
        0,
        1,
        flags=(Flag("unlock-key", "The key that locking it has shown."),),
        examples=(("The current namespace", "namespace unlock -namespace=team -unlock-key=KEY"),),
    ),
)
