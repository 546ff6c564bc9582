"""operator init (spec/vault-api.md 2.1)."""

from __future__ import annotations

from vaultlike.cli import data
from vaultlike.cli.answer import Answer
from vaultlike.cli.command import Command
from vaultlike.cli.failures import CommandError
from vaultlike.cli.flags import Flag, Flags
from vaultlike.cli.session import Session
from vaultlike.cli.shapes import Json, as_text, as_texts


def _init(session: Session) -> int:
    if session.flags.on("status"):
        return _status(session)
    flags = session.flags
    keys = flags.given("key-shares") or flags.given("key-threshold")
    recovery = flags.given("recovery-shares") or flags.given("recovery-threshold")
    if not keys and not recovery:
        recovery = _opens_itself(session)
    body: Json = {}
    if keys or not recovery:
        body |= {"secret_shares": flags.number("key-shares"), "secret_threshold": flags.number("key-threshold")}
    if recovery:
        body["recovery_shares"] = flags.number("recovery-shares")
        body["recovery_threshold"] = flags.number("recovery-threshold")
    if flags.items("pgp-keys"):
        body["pgp_keys"] = pgp_keys(flags.items("pgp-keys"))
    if flags.items("recovery-pgp-keys"):
        body["recovery_pgp_keys"] = pgp_keys(flags.items("recovery-pgp-keys"))
    if flags.text("root-token-pgp-key"):
        body["root_token_pgp_key"] = pgp_keys([flags.text("root-token-pgp-key")])[0]
    answer = session.client.call("PUT", "sys/init", body, doing="initializing")
    return session.show_data(_document(answer, flags), _text(answer, flags))


def _opens_itself(session: Session) -> bool:
    """Whether the server's seal needs nobody: then it makes recovery keys instead of unseal keys."""
    try:
        status = session.client.call("GET", "sys/seal-status", doing="checking seal status", preview=False).body
    except CommandError:  # initializing will say what is wrong with the server
        return False
    return status.get("recovery_seal") is True


def pgp_keys(files: list[str]) -> list[str]:
    """Public keys for the server, base64: from binary or armored files, or given as they are. Raises UsageError."""
    return [_pgp_key(part.strip()) for item in files for part in item.split(",") if part.strip()]


def _pgp_key(source: str) -> str:
    import base64
    import os

    name = source.removeprefix("@")
    if not os.path.isfile(name):
        return source
    with open(name, "rb") as file:
        raw = file.read(data.MAX_INPUT)
    if b"BEGIN PGP PUBLIC KEY BLOCK" not in raw:
        return base64.b64encode(raw).decode()
    body = raw.decode("ascii", "ignore").split("\n\n", 1)[-1] if b"\n\n" in raw else raw.decode("ascii", "ignore")
    lines = [line.strip() for line in body.splitlines() if line.strip() and not line.startswith(("-----", "="))]
    return "".join(lines)


def _status(session: Session) -> int:
    initialized = session.client.call("GET", "sys/init", doing="checking init status").body.get("initialized") is True
    session.show_data(
        {"Initialized": initialized}, "The server is initialized" if initialized else "The server is not initialized"
    )
    return 0 if initialized else 2


def _document(answer: Answer, flags: Flags) -> Json:
    body = answer.body
    return {
        "unseal_keys_b64": as_texts(body.get("keys_base64")),
        "unseal_keys_hex": as_texts(body.get("keys")),
        "unseal_shares": flags.number("key-shares"),
        "unseal_threshold": flags.number("key-threshold"),
        "recovery_keys_b64": as_texts(body.get("recovery_keys_base64")),
        "recovery_keys_hex": as_texts(body.get("recovery_keys")),
        "recovery_keys_shares": flags.number("recovery-shares"),
        "recovery_keys_threshold": flags.number("recovery-threshold"),
        "root_token": as_text(body.get("root_token")),
    }


def _text(answer: Answer, flags: Flags) -> str:
    keys, recovery = as_texts(answer.body.get("keys_base64")), as_texts(answer.body.get("recovery_keys_base64"))
    lines = [f"Unseal Key {number}: {key}" for number, key in enumerate(keys, 1)]
    lines += [f"Recovery Key {number}: {key}" for number, key in enumerate(recovery, 1)]
    lines += ["", f"Initial Root Token: {as_text(answer.body.get('root_token'))}", ""]
    if keys:
        shares, threshold = len(keys), flags.number("key-threshold")
        lines += [
            f"The server is initialized with {shares} key shares and a key threshold of {threshold}.",
            "Hand each key share to another person and keep them safe: they are shown only this once.",
            f"After every start the server is sealed and needs {threshold} of them (vaultlike operator unseal).",
            "Without them nothing that it stores can ever be read again.",
        ]
    else:
        lines += ["The server unseals itself with its configured seal. Keep the recovery keys safe."]
    return "\n".join(lines)


COMMANDS = (
    Command(
        "operator init",
        "Initializes a new server: makes its keys and the first root token, and shows them once.",
        _init,
        flags=(
            Flag("status", "Only asks: exit code 0 if initialized, 2 if not.", "bool"),
            Flag("key-shares", "Number of unseal keys.", "int", "5", aliases=("n",)),
            Flag("key-threshold", "Number of unseal keys needed to unseal.", "int", "3", aliases=("t",)),
            Flag("pgp-keys", "PGP public key files, one for each share: shares come encrypted.", "list"),
            Flag("root-token-pgp-key", "PGP public key file for the root token."),
            Flag("recovery-shares", "Number of recovery keys, with a seal that unseals itself.", "int", "5"),
            Flag("recovery-threshold", "Number of recovery keys needed.", "int", "3"),
            Flag("recovery-pgp-keys", "PGP public key files for the recovery keys.", "list"),
        ),
        examples=(("One key, for a small installation", "operator init -key-shares=1 -key-threshold=1"),),
    ),
)
