"""operator generate-root: a root token from unseal keys, hidden by a one-time pad (spec/vault-api.md 2.13)."""

from __future__ import annotations

from vaultlike.cli import output
from vaultlike.cli.command import Command
from vaultlike.cli.commands.operator_init import pgp_keys
from vaultlike.cli.failures import CommandError, UsageError
from vaultlike.cli.flags import Flag
from vaultlike.cli.session import Session
from vaultlike.cli.shapes import Json, as_int, as_text

_ATTEMPT = "sys/generate-root/attempt"
_UPDATE = "sys/generate-root/update"
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _generate_root(session: Session) -> int:
    flags = session.flags
    if flags.given("decode"):
        return _decode(session)
    if flags.on("generate-otp"):
        session.terminal.line(_new_otp(_otp_length(session)))
        return 0
    if flags.on("status"):
        return _show(session, session.client.call("GET", _ATTEMPT, doing="getting root generation status").body)
    if flags.on("cancel"):
        session.client.call("DELETE", _ATTEMPT, doing="canceling root token generation")
        session.success("Root token generation canceled (if it was started)")
        return 0
    if flags.on("init"):
        return _start(session)
    return _give_key(session)


def _decode(session: Session) -> int:
    encoded, otp = session.flags.text("decode"), session.flags.text("otp")
    if encoded == "-":
        encoded = session.terminal.stdin.text().strip()
    if not encoded or not otp:
        raise UsageError("Missing value: -decode ENCODED_TOKEN needs -otp OTP as well")
    token = decoded(encoded, otp)
    return session.show_data({"token": token}, token)


def decoded(encoded: str, otp: str) -> str:
    """The token: base64 (padding optional) XOR one-time pad. Raises CommandError when they do not fit together."""
    import base64
    import binascii

    try:
        masked = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error as problem:
        raise CommandError(f"Error decoding root token: not base64: {problem}") from None
    pad = otp.encode()
    if len(masked) != len(pad):
        raise CommandError(f"Error decoding root token: it has {len(masked)} bytes and the OTP {len(pad)}")
    try:
        return bytes(a ^ b for a, b in zip(masked, pad, strict=True)).decode("ascii")
    except UnicodeDecodeError:
        raise CommandError("Error decoding root token: this OTP does not belong to it") from None


def _new_otp(length: int) -> str:
    import secrets

    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _otp_length(session: Session) -> int:
    status = session.client.call("GET", _ATTEMPT, doing="getting root generation status", preview=False).body
    return as_int(status.get("otp_length")) or 28


def _start(session: Session) -> int:
    body: Json = {}
    if session.flags.text("pgp-key"):
        body["pgp_key"] = pgp_keys([session.flags.text("pgp-key")])[0]
    if session.flags.text("otp"):
        body["otp"] = session.flags.text("otp")
    status = session.client.call("PUT", _ATTEMPT, body, doing="initializing root generation").body
    shown = _show(session, status)
    if status.get("otp") and session.format == "table":
        session.terminal.note("Keep the OTP: the resulting root token is decoded with it, and it is shown only now.")
    return shown


def _give_key(session: Session) -> int:
    nonce = session.flags.text("nonce")
    if not nonce:
        status = session.client.call("GET", _ATTEMPT, doing="getting root generation status", preview=False).body
        if status.get("started") is not True:
            raise CommandError("No root generation is in progress. Start one by adding the -init flag.")
        nonce = as_text(status.get("nonce"))
    key = unseal_key(session, nonce)
    return _show(
        session, session.client.call("PUT", _UPDATE, {"key": key, "nonce": nonce}, doing="posting unseal key").body
    )


def unseal_key(session: Session, nonce: str) -> str:
    """The key from the argument, standard input (`-`) or the terminal. Raises UsageError."""
    given = session.args[0].strip() if session.args else ""
    if given == "-":
        return session.terminal.stdin.text().strip()
    if given:
        return given
    session.terminal.note(f"Operation nonce: {nonce}")
    return session.terminal.ask_secret("Unseal Key", "give it as the argument, or - to read standard input")


def _show(session: Session, status: Json) -> int:
    rows = [
        ["Nonce", as_text(status.get("nonce"))],
        ["Started", output.value_text(status.get("started") is True)],
        ["Progress", f"{as_int(status.get('progress'))}/{as_int(status.get('required'))}"],
        ["Complete", output.value_text(status.get("complete") is True)],
    ]
    for title, key in (("PGP Fingerprint", "pgp_fingerprint"), ("Encoded Token", "encoded_token"), ("OTP", "otp")):
        if as_text(status.get(key)):
            rows.append([title, as_text(status.get(key))])
    if as_int(status.get("otp_length")):
        rows.append(["OTP Length", str(as_int(status.get("otp_length")))])
    return session.show_data(status, output.columns(rows))


COMMANDS = (
    Command(
        "operator generate-root",
        "Makes a root token from unseal keys. -init starts and shows a one-time pad (OTP); then each holder of a key\n"
        "gives it; the last one gets the encoded token, which -decode turns into the token.",
        _generate_root,
        "[KEY]",
        0,
        1,
        flags=(
            Flag("init", "Starts.", "bool"),
            Flag("status", "Shows the progress.", "bool"),
            Flag("cancel", "Gives up the attempt in progress.", "bool"),
            Flag("generate-otp", "Prints a new OTP and does nothing else.", "bool"),
            Flag("decode", "Decodes this encoded token with -otp, without a server."),
            Flag("otp", "OTP, with -decode or -init."),
            Flag("pgp-key", "PGP public key file: the token comes encrypted instead of with an OTP."),
            Flag("nonce", "Nonce of the attempt that the key is for."),
        ),
        examples=(
            ("Start", "operator generate-root -init"),
            ("Decode the result", "operator generate-root -decode=ENCODED -otp=OTP"),
        ),
    ),
)
