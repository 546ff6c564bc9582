"""The user lockout settings of a mount on the wire (spec/vault-api.md 2.2, 2.11). Does not decide who is locked out."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from vaultlike.durations import parse_duration
from vaultlike.errors import Invalid
from vaultlike.mounts.entry import LockoutSettings
from vaultlike.sdk.conversion import Misfit, strict_bool, strict_text

KINDS = frozenset(("userpass", "ldap", "approle"))  # methods with users to lock out
TEXTS = ("lockout_threshold", "lockout_duration", "lockout_counter_reset_duration")


def apply_lockout(kind: str, now: LockoutSettings | UnsetType, given: Mapping[str, object]) -> LockoutSettings:
    """`now` with the given settings replaced. Raises Invalid for a method without users, or an unreadable value."""
    try:
        texts = {name: strict_text(given.get(name)) for name in TEXTS}
        disable = None if given.get("lockout_disable") is None else strict_bool(given["lockout_disable"])
    except Misfit:
        raise Invalid("unable to convert given user lockout config information") from None
    if kind not in KINDS:
        raise Invalid(f'tuning of user lockout configuration for auth type "{kind}" not allowed')
    settings = LockoutSettings() if now is UNSET else now
    if text := texts["lockout_threshold"]:
        settings = replace(settings, threshold=_threshold(text))
    if text := texts["lockout_duration"]:
        settings = replace(settings, duration=parse_duration(text))
    if text := texts["lockout_counter_reset_duration"]:
        settings = replace(settings, counter_reset=parse_duration(text))
    if disable is not None:
        settings = replace(settings, disable=disable)
    return settings


def flattened(settings: LockoutSettings | UnsetType) -> dict[str, object]:
    """The settings as a tune shows them, spans in seconds; nothing where none was ever set."""
    if settings is UNSET:
        return {}
    return {
        "user_lockout_threshold": 0 if settings.threshold is UNSET else settings.threshold,
        "user_lockout_duration": 0 if settings.duration is UNSET else settings.duration,
        "user_lockout_counter_reset_duration": 0 if settings.counter_reset is UNSET else settings.counter_reset,
        "user_lockout_disable": False if settings.disable is UNSET else settings.disable,
    }


def _threshold(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise Invalid(
            f'unable to parse user lockout threshold: strconv.ParseUint: parsing "{text[:64]}": invalid syntax'
        )
    return int(text)
