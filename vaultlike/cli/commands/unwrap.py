"""unwrap: the answer behind a wrapping token."""

from __future__ import annotations

from vaultlike.cli.command import Command
from vaultlike.cli.failures import NothingFound
from vaultlike.cli.session import Session


def _unwrap(session: Session) -> int:
    given = session.args[0].strip() if session.args else ""
    if given and session.token:
        answer = session.client.call("PUT", "sys/wrapping/unwrap", {"token": given}, doing="unwrapping")
    else:  # the wrapping token speaks for itself
        answer = session.client.call("PUT", "sys/wrapping/unwrap", doing="unwrapping", token=given or None)
    if answer.empty:
        raise NothingFound("Could not find wrapped response")
    return session.show(answer)


COMMANDS = (
    Command(
        "unwrap",
        "Unwraps a wrapping token, which works once. Without an argument the caller's own token is unwrapped.",
        _unwrap,
        "[TOKEN]",
        0,
        1,
        examples=(("Wrap a secret id and unwrap it elsewhere", "unwrap hvs.WRAPPINGTOKEN"),),
    ),
)
