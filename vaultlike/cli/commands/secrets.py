"""secrets enable, disable, list, tune, move."""

from __future__ import annotations

from vaultlike.cli.command import Command
from vaultlike.cli.commands import mounts
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session

_VERSION = Flag("version", "Version of a key/value engine: 1 or 2.", "int")


def _enable(session: Session) -> int:
    return mounts.enable(session, mounts.SECRETS)


def _disable(session: Session) -> int:
    return mounts.disable(session, mounts.SECRETS)


def _list(session: Session) -> int:
    return mounts.list_mounts(session, mounts.SECRETS)


def _tune(session: Session) -> int:
    return mounts.tune(session, mounts.SECRETS)


def _move(session: Session) -> int:
    return mounts.move(session, mounts.SECRETS)


COMMANDS = (
    Command(
        "secrets enable",
        "Enables a secrets engine at its type or at -path.",
        _enable,
        "TYPE",
        1,
        1,
        flags=(*mounts.ENABLING, *mounts.SETTINGS, _VERSION),
        examples=(("Versioned secrets at secret/", "secrets enable -path=secret -version=2 kv"),),
    ),
    Command("secrets disable", "Disables a secrets engine and deletes all its data.", _disable, "PATH", 1, 1),
    Command("secrets list", "Lists the enabled secrets engines.", _list, flags=(mounts.DETAILED,)),
    Command(
        "secrets tune",
        "Changes settings of a secrets engine. Only the given ones change.",
        _tune,
        "PATH",
        1,
        1,
        flags=(*mounts.SETTINGS, _VERSION),
    ),
    Command("secrets move", "Moves a secrets engine with its data to another path.", _move, "FROM TO", 2, 2),
)
