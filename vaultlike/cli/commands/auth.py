"""auth enable, disable, list, tune, move."""

from __future__ import annotations

from vaultlike.cli.command import Command
from vaultlike.cli.commands import mounts
from vaultlike.cli.session import Session


def _enable(session: Session) -> int:
    return mounts.enable(session, mounts.AUTH)


def _disable(session: Session) -> int:
    return mounts.disable(session, mounts.AUTH)


def _list(session: Session) -> int:
    return mounts.list_mounts(session, mounts.AUTH)


def _tune(session: Session) -> int:
    return mounts.tune(session, mounts.AUTH)


def _move(session: Session) -> int:
    return mounts.move(session, mounts.AUTH)


COMMANDS = (
    Command(
        "auth enable",
        "Enables an auth method. It is mounted below auth/, at its type or at -path.",
        _enable,
        "TYPE",
        1,
        1,
        flags=(*mounts.ENABLING, *mounts.SETTINGS, mounts.TOKEN_TYPE),
        examples=(
            ("Enable Azure logins at auth/azure/", "auth enable azure"),
            ("A second one with its own settings", "auth enable -path=azure-prod -default-lease-ttl=1h azure"),
        ),
    ),
    Command(
        "auth disable",
        "Disables an auth method. All tokens it gave out are revoked at once.",
        _disable,
        "PATH",
        1,
        1,
    ),
    Command("auth list", "Lists the enabled auth methods.", _list, flags=(mounts.DETAILED,)),
    Command(
        "auth tune",
        "Changes settings of an auth method. Only the given ones change.",
        _tune,
        "PATH",
        1,
        1,
        flags=(*mounts.SETTINGS, mounts.TOKEN_TYPE, *mounts.LOCKOUT),
        examples=(("Shorter tokens", "auth tune -default-lease-ttl=30m azure/"),),
    ),
    Command(
        "auth move",
        "Moves an auth method to another path. Roles and settings stay, tokens made under the old path are revoked.",
        _move,
        "FROM TO",
        2,
        2,
    ),
)
