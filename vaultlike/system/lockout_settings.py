"""The user lockout settings of a mount on the wire (spec/vault-api.md 2.2, 2.11). Does not decide who is locked out."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from vaultlike.durations import parse_duration
from vaultlike.errors import Invalid
from vaultlike.mounts.entry import LockoutSettings
from vaultlike.sdk.conversion import Misfit, go_text, to_bool, to_text

KINDS = frozenset(("userpass", "ldap", "approle"))  # methods with users to lock out


def apply_lockout(kind: str, now: LockoutSettings | UnsetType, given: Mapping[str, object]) -> LockoutSettings:
    """`now` with the given settings replaced. Raises Invalid for a method without users, or an unreadable value."""
    if kind not in KINDS:
        raise Invalid(f'tuning of user lockout configuration for auth type "{kind}" not allowed')
    settings = LockoutSettings() if now is UNSET else now
    if given.get("lockout_threshold") not in (None, ""):
        settings = replace(settings, threshold=_threshold(given["lockout_threshold"]))
    if given.get("lockout_duration") not in (None, ""):
        settings = replace(settings, duration=parse_duration(given["lockout_duration"]))
    if given.get("lockout_counter_reset_duration") not in (None, ""):
        settings = replace(settings, counter_reset=parse_duration(given["lockout_counter_reset_duration"]))
    if given.get("lockout_disable") is not None:
        try:
            settings = replace(settings, disable=to_bool(given["lockout_disable"]))
        except Misfit as misfit:
            raise Invalid(f"unable to parse user lockout disable: {misfit}") from None
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


def _threshold(value: object) -> int:
    try:
        text = to_text(value)
    except Misfit:
        text = go_text(value)
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise Invalid(
            f'unable to parse user lockout threshold: strconv.ParseUint: parsing "{text[:64]}": invalid syntax'
        )
    return int(text)
