"""operator key-status, rotate: the key that encrypts what is stored."""

from __future__ import annotations

from vaultlike.cli import output
from vaultlike.cli.command import Command
from vaultlike.cli.session import Session
from vaultlike.cli.shapes import as_int, as_text


def _key_status(session: Session) -> int:
    status = session.client.call("GET", "sys/key-status", doing="reading key status").content
    rows = [["Key Term", str(as_int(status.get("term")))], ["Install Time", as_text(status.get("install_time"))]]
    if "encryptions" in status:
        rows.append(["Encryption Count", str(as_int(status.get("encryptions")))])
    return session.show_data(status, output.columns(rows))


def _rotate(session: Session) -> int:
    session.client.call("PUT", "sys/rotate", doing="rotating key")
    session.success("Rotated key")
    if session.format == "table":
        session.line("")
    return _key_status(session)


COMMANDS = (
    Command("operator key-status", "Shows the term, age and use of the encryption key.", _key_status),
    Command(
        "operator rotate", "Makes a new encryption key. Old data stays readable; unseal keys stay the same.", _rotate
    ),
)
