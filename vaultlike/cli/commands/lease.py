"""lease lookup, renew, revoke."""

from __future__ import annotations

from vaultlike.cli.command import Command
from vaultlike.cli.failures import UsageError
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session
from vaultlike.cli.shapes import Json


def _lookup(session: Session) -> int:
    lease = session.args[0].strip()
    answer = session.client.call("PUT", "sys/leases/lookup", {"lease_id": lease}, doing=f"looking up lease id {lease}")
    return session.show(answer)


def _renew(session: Session) -> int:
    lease = session.args[0].strip()
    body: Json = {"lease_id": lease, "increment": int(session.flags.seconds("increment"))}
    answer = session.client.call("PUT", "sys/leases/renew", body, doing=f"renewing {lease}")
    return session.show(answer)


def _revoke(session: Session) -> int:
    lease, flags = session.args[0].strip(), session.flags
    prefix, force = flags.on("prefix"), flags.on("force")
    if force and not prefix:
        raise UsageError("Specifying -force requires also specifying -prefix")
    doing = f"revoking leases with prefix {lease}" if prefix else f"revoking lease {lease}"
    if force:
        session.terminal.note(
            "Warning! Force-removing leases can leave the secrets engine with credentials that nobody revokes."
        )
        session.client.call("PUT", f"sys/leases/revoke-force/{lease}", doing=f"force {doing}")
        session.success(f"Force revoked any leases with prefix: {lease}")
        return 0
    sync: Json = {"sync": flags.on("sync")}
    if prefix:
        answer = session.client.call("PUT", f"sys/leases/revoke-prefix/{lease}", sync, doing=doing)
    else:
        answer = session.client.call("PUT", "sys/leases/revoke", {"lease_id": lease, **sync}, doing=doing)
    session.warn(answer)
    if not flags.on("sync"):
        if session.format == "table":
            session.line("All revocation operations queued successfully!")
    else:
        session.success(f"Revoked any leases with prefix: {lease}" if prefix else f"Revoked lease: {lease}")
    return 0


COMMANDS = (
    Command("lease lookup", "Shows a lease: when it was issued, when it ends.", _lookup, "LEASE_ID", 1, 1),
    Command(
        "lease renew",
        "Extends a lease. Tokens are renewed with `token renew` instead.",
        _renew,
        "LEASE_ID",
        1,
        1,
        flags=(Flag("increment", "Lifetime to ask for, from now.", "duration"),),
    ),
    Command(
        "lease revoke",
        "Revokes a lease, or with -prefix all leases below a path.",
        _revoke,
        "LEASE_ID",
        1,
        1,
        flags=(
            Flag("prefix", "Treats the argument as a prefix.", "bool"),
            Flag("force", "Forgets leases even if their engine fails. Needs -prefix.", "bool", aliases=("f",)),
            Flag("sync", "Waits until it is done.", "bool"),
        ),
        examples=(("Everybody who logged in with Azure", "lease revoke -prefix auth/azure/login"),),
    ),
)
