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


def granted(answer: Fetched, now: float) -> tuple[Secret, float]:
    """Token and life in seconds of a token endpoint's answer. Raises Upstream with Entra's error code, no more."""
    if answer.status != 200:
        raise Upstream(reason=f"{answer.where}: status {answer.status}, {refusal(answer)}")
    body = answer.json(_Granted)
    try:
        life = float(body.expires_in) if body.expires_in else float(body.expires_on) - now
    except ValueError:
        life = UNKNOWN_LIFE
    if not body.access_token or not 0 < life < 10**8:
        raise Upstream(reason=f"{answer.where}: an answer without a usable token")
    return Secret(body.access_token), life


def refusal(answer: Fetched) -> str:
    """What Entra says of a refused token request: its first line, without our own input beyond ids."""
    try:
        body = answer.json(_Refused)
    except Upstream:
        return "not JSON"
    return f"{body.error[:64]}: {body.error_description.partition(chr(10))[0].strip()[:300]}"
