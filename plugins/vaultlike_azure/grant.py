"""The answer of a token endpoint, Entra's or a managed identity's: a token and its life, or why not."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from vaultlike.errors import Upstream
from vaultlike.sdk.egress import Fetched
from vaultlike.types import Secret

UNKNOWN_LIFE: Final = 300.0  # seconds for which a token of unknown life is used


class _Granted(Struct):
    access_token: str
    expires_in: int | float | str = ""  # seconds
    expires_on: int | float | str = ""  # Unix seconds: all that App Service says


class _Refused(Struct):
    error: str = ""
    error_description: str = ""


def granted(answer: Fetched, now: float, proof: str = "") -> tuple[Secret, float]:
    """Token and life in seconds of a token endpoint's answer. Raises Upstream with Entra's error code, no more.

    `proof` is the secret that was sent: an answer that repeats it must not bring it into logs and explanations.
    """
    if answer.status != 200:
        text = refusal(answer)
        if proof and _repeats(text, proof):
            text = "a refusal that repeats the secret it was sent, and is not shown"
        raise Upstream(reason=f"{answer.where}: status {answer.status}, {text}")
    body = answer.json(_Granted)
    try:
        life = float(body.expires_in) if body.expires_in else float(body.expires_on) - now
    except ValueError:
        life = UNKNOWN_LIFE
    if not body.access_token or not 0 < life < 10**8:
        raise Upstream(reason=f"{answer.where}: an answer without a usable token")
    return Secret(body.access_token), life


def _repeats(text: str, secret: str) -> bool:
    """Whether a piece of the secret stands in the text, which may have been cut."""
    piece = min(16, len(secret))
    return any(secret[at : at + piece] in text for at in range(0, len(secret) - piece + 1, max(piece // 2, 1)))


def refusal(answer: Fetched) -> str:
    """What Entra says of a refused token request: its first line, without our own input beyond ids."""
    try:
        body = answer.json(_Refused)
    except Upstream:
        return "not JSON"
    return f"{body.error[:64]}: {body.error_description.partition(chr(10))[0].strip()[:300]}"
