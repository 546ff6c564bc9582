"""operator rekey: new unseal keys (spec/vault-api.md 2.13)."""

from __future__ import annotations

from vaultlike.cli import output
from vaultlike.cli.command import Command
from vaultlike.cli.commands.operator_init import pgp_keys
from vaultlike.cli.commands.operator_root import unseal_key
from vaultlike.cli.failures import CommandError, UsageError
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session
from vaultlike.cli.shapes import Json, as_int, as_text, as_texts


def _rekey(session: Session) -> int:
    base = _base(session)
    status_path = f"{base}/verify" if session.flags.on("verify") else f"{base}/init"
    if session.flags.on("status"):
        return _show(session, session.client.call("GET", status_path, doing="reading rekey status").body)
    if session.flags.on("cancel"):
        session.client.call("DELETE", status_path, doing="canceling rekey")
        session.success("Canceled rekeying (if it was started)")
        return 0
    if session.flags.on("init"):
        return _start(session, base)
    return _give_key(session, base, status_path)


def _base(session: Session) -> str:
    target = session.flags.text("target").lower()
    if target not in ("barrier", "recovery"):
        raise UsageError(f'invalid -target "{target}": choose barrier or recovery')
    return "sys/rekey" if target == "barrier" else "sys/rekey-recovery-key"


def _start(session: Session, base: str) -> int:
    flags = session.flags
    body: Json = {
        "secret_shares": flags.number("key-shares"),
        "secret_threshold": flags.number("key-threshold"),
        "backup": flags.on("backup"),
        "require_verification": flags.on("verify"),
    }
    if flags.items("pgp-keys"):
        body["pgp_keys"] = pgp_keys(flags.items("pgp-keys"))
    return _show(session, session.client.call("PUT", f"{base}/init", body, doing="initializing rekey").body)


def _give_key(session: Session, base: str, status_path: str) -> int:
    nonce = session.flags.text("nonce")
    if not nonce:
        status = session.client.call("GET", status_path, doing="reading rekey status", preview=False).body
        if status.get("started") is not True:
            raise CommandError("No rekey is in progress. Start one by adding the -init flag.")
        nonce = as_text(status.get("nonce"))
    verify = session.flags.on("verify")
    path = f"{base}/verify" if verify else f"{base}/update"
    body = {"key": unseal_key(session, nonce), "nonce": nonce}
    answer = session.client.call("PUT", path, body, doing="posting unseal key").body
    if answer.get("complete") is not True:
        return _show(session, answer)
    if verify:
        session.success("Rekey verification successful: the new keys are in force.")
        return 0
    return session.show_data(answer, _keys_text(answer))


def _keys_text(answer: Json) -> str:
    lines = [f"Key {number}: {key}" for number, key in enumerate(as_texts(answer.get("keys_base64")), 1)]
    lines += ["", f"Operation nonce: {as_text(answer.get('nonce'))}", ""]
    if answer.get("verification_required") is True:
        lines.append(f"Verification nonce: {as_text(answer.get('verification_nonce'))}")
        lines.append("The new keys are not in force yet: give them back with `vaultlike operator rekey -verify`.")
    else:
        lines.append("The new keys are in force; the old ones are worthless. They are shown only this once.")
    return "\n".join(lines)


def _show(session: Session, status: Json) -> int:
    rows = [["Nonce", as_text(status.get("nonce"))], ["Started", output.value_text(status.get("started") is True)]]
    if status.get("started") is True:
        needed = status.get("required") if "required" in status else status.get("t")
        rows += [
            ["Rekey Progress", f"{as_int(status.get('progress'))}/{as_int(needed)}"],
            ["New Shares", str(as_int(status.get("n")))],
            ["New Threshold", str(as_int(status.get("t")))],
            ["Verification Required", output.value_text(status.get("verification_required") is True)],
        ]
    if as_text(status.get("verification_nonce")):
        rows.append(["Verification Nonce", as_text(status.get("verification_nonce"))])
    return session.show_data(status, output.table(("Key", "Value"), rows))


COMMANDS = (
    Command(
        "operator rekey",
        "Makes new unseal keys. -init starts with the wanted numbers; then holders of the present keys give them,\n"
        "and the last one gets the new keys.",
        _rekey,
        "[KEY]",
        0,
        1,
        flags=(
            Flag("init", "Starts.", "bool"),
            Flag("status", "Shows the progress.", "bool"),
            Flag("cancel", "Gives up the rekey in progress.", "bool"),
            Flag("verify", "With -init: new keys must be verified. Else: gives a new key back.", "bool"),
            Flag("key-shares", "Number of new keys.", "int", "5", aliases=("n",)),
            Flag("key-threshold", "Number of new keys needed.", "int", "3", aliases=("t",)),
            Flag("nonce", "Nonce of the rekey that the key is for."),
            Flag("target", "barrier or recovery.", default="barrier"),
            Flag("pgp-keys", "PGP public key files, one for each new key.", "list"),
            Flag("backup", "Keeps a backup of PGP encrypted keys on the server.", "bool"),
        ),
    ),
)
