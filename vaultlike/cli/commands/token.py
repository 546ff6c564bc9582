"""token lookup, renew, revoke, capabilities."""

from __future__ import annotations

from vaultlike.cli.command import Command
from vaultlike.cli.failures import UsageError
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session, trimmed
from vaultlike.cli.shapes import Json, as_texts

_ACCESSOR = Flag("accessor", "Treats the argument as an accessor.", "bool")


def _lookup(session: Session) -> int:
    given, by_accessor = _subject(session)
    if by_accessor:
        answer = session.client.call(
            "POST", "auth/token/lookup-accessor", {"accessor": given}, doing="looking up accessor"
        )
    elif given:
        answer = session.client.call("POST", "auth/token/lookup", {"token": given}, doing="looking up token")
    else:
        answer = session.client.call("GET", "auth/token/lookup-self", doing="looking up token")
    return session.show(answer)


def _renew(session: Session) -> int:
    given, by_accessor = _subject(session)
    body: Json = {"increment": int(session.flags.seconds("increment"))}
    if by_accessor:
        path, body = "auth/token/renew-accessor", {"accessor": given, **body}
    elif given:
        path, body = "auth/token/renew", {"token": given, **body}
    else:
        path = "auth/token/renew-self"
    return session.show(session.client.call("PUT", path, body, doing="renewing token"))


def _revoke(session: Session) -> int:
    given, by_accessor = session.args[0].strip() if session.args else "", session.flags.on("accessor")
    own, mode = session.flags.on("self"), session.flags.text("mode")
    if mode not in ("", "orphan", "path"):
        raise UsageError(f'invalid -mode "{mode}": choose orphan or path')
    if own and (given or by_accessor or mode):
        raise UsageError("-self takes no argument and neither -accessor nor -mode")
    if not own and not given:
        raise UsageError("Not enough arguments: give a token, an accessor with -accessor, or -self")
    if by_accessor and mode:
        raise UsageError("Cannot use -accessor together with -mode")
    if own:
        session.client.call("PUT", "auth/token/revoke-self", doing="revoking token")
        if session.token_file.read() == session.token:
            session.token_file.erase()
    elif by_accessor:
        answer = session.client.call("PUT", "auth/token/revoke-accessor", {"accessor": given}, doing="revoking token")
        session.warn(answer)
    elif mode == "path":
        session.client.call("PUT", f"sys/leases/revoke-prefix/{trimmed(given)}", doing="revoking token")
    else:
        path = "auth/token/revoke-orphan" if mode == "orphan" else "auth/token/revoke"
        session.client.call("PUT", path, {"token": given}, doing="revoking token")
    session.success("Revoked token (if it existed)")
    return 0


def _capabilities(session: Session) -> int:
    *subject, path = session.args
    path = path.strip().lstrip("/")
    if session.flags.on("accessor") and not subject:
        raise UsageError("Not enough arguments: -accessor needs ACCESSOR PATH")
    if session.flags.on("accessor"):
        endpoint, who = "sys/capabilities-accessor", {"accessor": subject[0].strip()}
    elif subject:
        endpoint, who = "sys/capabilities", {"token": subject[0].strip()}
    else:
        endpoint, who = "sys/capabilities-self", {}
    body: Json = {**who, "paths": [path]}
    answer = session.client.call("POST", endpoint, body, doing="listing capabilities").content
    found = sorted(as_texts(answer.get(path)) or as_texts(answer.get("capabilities")))
    if session.format != "table":
        return session.show_value(found)
    session.line(", ".join(found))
    return 0


def _subject(session: Session) -> tuple[str, bool]:
    given, by_accessor = session.args[0].strip() if session.args else "", session.flags.on("accessor")
    if by_accessor and not given:
        raise UsageError("Not enough arguments: -accessor needs an accessor")
    return given, by_accessor


COMMANDS = (
    Command(
        "token lookup",
        "Shows what a token is. Without an argument: the caller's own.",
        _lookup,
        "[TOKEN | ACCESSOR]",
        0,
        1,
        flags=(_ACCESSOR,),
    ),
    Command(
        "token renew",
        "Extends a token's lifetime. Without an argument: the caller's own.",
        _renew,
        "[TOKEN | ACCESSOR]",
        0,
        1,
        flags=(_ACCESSOR, Flag("increment", "Lifetime to ask for, from now.", "duration", aliases=("i",))),
    ),
    Command(
        "token revoke",
        "Revokes a token with all its children and leases. It is refused from the next request on.",
        _revoke,
        "[TOKEN | ACCESSOR | PATH]",
        0,
        1,
        flags=(
            _ACCESSOR,
            Flag("self", "Revokes the caller's own token.", "bool"),
            Flag("mode", "orphan leaves the children alive; path revokes all tokens made under a path."),
        ),
    ),
    Command(
        "token capabilities",
        "Shows what a token may do at a path. Without a token: the caller's own.",
        _capabilities,
        "[TOKEN | ACCESSOR] PATH",
        1,
        2,
        flags=(_ACCESSOR,),
    ),
)
