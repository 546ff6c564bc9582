"""TTL arithmetic, the only one: logins, token creation and renewals (spec/vault-api.md 3.7). Pure; all in seconds."""

from __future__ import annotations

from msgspec import Struct

from vaultlike.durations import compact_duration
from vaultlike.errors import Invalid


class Limits(Struct, frozen=True, kw_only=True):
    """What bounds a token's life. 0 means "no such limit"; `mount_*` are the effective values of the mount."""

    mount_default: int
    mount_max: int
    ttl: int = 0
    max_ttl: int = 0
    period: int = 0
    explicit_max_ttl: int = 0


class Lifetime(Struct, frozen=True):
    """How long from now (what the caller is told, at least 1), when exactly it ends (Unix seconds), and warnings."""

    ttl: int
    ends_at: float
    warnings: tuple[str, ...] = ()


def lifetime(limits: Limits, *, now: float, issued_at: float, increment: int = 0) -> Lifetime:
    """The life from `now` of a token issued at `issued_at`; it never ends after issue plus the smallest maximum.

    Raises Invalid when the end of its life is already past.
    """
    cap = limits.mount_max
    for bound in (limits.max_ttl, limits.explicit_max_ttl):
        if 0 < bound < cap:
            cap = bound
    warnings: list[str] = []
    if limits.period > 0:
        ttl = limits.period
        if ttl > cap:
            warnings.append(
                f'period of "{compact_duration(ttl)}" exceeded the effective max_ttl of "{compact_duration(cap)}"; '
                "period value is capped accordingly"
            )
            ttl = cap
        if not limits.explicit_max_ttl:
            return Lifetime(ttl, now + ttl, tuple(warnings))
        end = issued_at + limits.explicit_max_ttl
    else:
        ttl = increment if increment > 0 else limits.ttl or limits.mount_default
        end = issued_at + cap
    if end <= now:
        raise Invalid("past the max TTL, cannot renew")
    left = max(1, round(end - now))
    if ttl > left:
        warnings.append(
            f'TTL of "{compact_duration(ttl)}" exceeded the effective max_ttl of "{compact_duration(left)}"; '
            "TTL value is capped accordingly"
        )
        ttl = left
    return Lifetime(ttl, min(now + ttl, end), tuple(warnings))
