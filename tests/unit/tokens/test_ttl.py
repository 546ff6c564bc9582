"""TTL arithmetic against spec/vault-api.md 3.7."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultlike.errors import Invalid
from vaultlike.tokens.ttl import Limits, lifetime

MAX = 2_764_800


def limits(**facts: int) -> Limits:
    return Limits(**({"mount_default": MAX, "mount_max": MAX} | facts))


def test_a_token_past_its_maximum_cannot_be_renewed() -> None:
    for facts in ({"max_ttl": 60}, {"explicit_max_ttl": 60}, {"explicit_max_ttl": 60, "period": 30}):
        with pytest.raises(Invalid, match="past the max TTL, cannot renew"):
            lifetime(limits(**facts), now=60.0, issued_at=0.0)


@pytest.mark.parametrize(
    ("facts", "increment", "ttl", "warning"),
    [
        ({}, 0, MAX, ""),
        ({"mount_default": 3600}, 0, 3600, ""),
        ({"ttl": 60}, 0, 60, ""),
        ({"ttl": 60}, 90, 90, ""),
        ({"ttl": 7200, "max_ttl": 1800}, 0, 1800, 'TTL of "2h" exceeded the effective max_ttl of "30m"'),
        ({"ttl": 1800, "explicit_max_ttl": 300}, 0, 300, 'TTL of "30m" exceeded the effective max_ttl of "5m"'),
        ({"explicit_max_ttl": 600}, 0, 600, 'TTL of "768h" exceeded the effective max_ttl of "10m"'),
        ({"max_ttl": 900, "explicit_max_ttl": 600}, 0, 600, '"10m"'),
        ({"max_ttl": 600, "explicit_max_ttl": 900}, 0, 600, '"10m"'),
        ({"ttl": 3_600_000, "explicit_max_ttl": 7_200_000}, 0, MAX, '"1000h" exceeded the effective max_ttl of "768h"'),
        ({"period": 1800}, 0, 1800, ""),
        ({"period": 1200, "ttl": 7200}, 10_800, 1200, ""),
        ({"period": 3_600_000}, 0, MAX, 'period of "1000h" exceeded the effective max_ttl of "768h"; period value'),
        ({"period": 1800, "explicit_max_ttl": 600}, 0, 600, 'period of "30m" exceeded the effective max_ttl of "10m"'),
        ({"period": 1800, "max_ttl": 600}, 0, 600, "period of"),
    ],
)
def test_at_creation(facts: dict[str, int], increment: int, ttl: int, warning: str) -> None:
    life = lifetime(limits(**facts), now=1000.0, issued_at=1000.0, increment=increment)
    assert life.ttl == ttl
    assert life.ends_at == 1000.0 + ttl
    assert len(life.warnings) == (1 if warning else 0)
    assert warning in "".join(life.warnings)


def test_what_is_left_shrinks_and_the_end_does_not_move() -> None:
    facts = limits(ttl=600, explicit_max_ttl=1000)
    life = lifetime(facts, now=700.0, issued_at=0.0)
    assert (life.ttl, life.ends_at) == (300, 1000.0)
    assert 'exceeded the effective max_ttl of "5m"' in life.warnings[0]


def test_shown_spans_are_rounded_but_the_end_is_exact() -> None:
    life = lifetime(limits(explicit_max_ttl=300), now=0.4, issued_at=0.0)
    assert (life.ttl, life.ends_at) == (300, 300.0)
    assert lifetime(limits(explicit_max_ttl=300), now=299.9, issued_at=0.0).ttl == 1  # never 0: that means for ever


def test_a_period_without_an_explicit_maximum_has_no_end() -> None:
    life = lifetime(limits(period=60), now=10.0 * MAX, issued_at=0.0)
    assert life.ttl == 60


def test_a_period_with_an_explicit_maximum_runs_into_it() -> None:
    facts = limits(period=60, explicit_max_ttl=100)
    assert lifetime(facts, now=50.0, issued_at=0.0).ttl == 50


spans = st.integers(0, 5000)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    ttl=spans,
    max_ttl=spans,
    period=spans,
    explicit=spans,
    mount_max=st.integers(1, 5000),
    steps=st.lists(st.tuples(st.integers(-16_000, 16_000), st.integers(-10, 9000)), max_size=12),
)
def test_no_token_outlives_its_maximum_whatever_the_renewals_and_the_clock(
    ttl: int, max_ttl: int, period: int, explicit: int, mount_max: int, steps: list[tuple[int, int]]
) -> None:
    """Each step sets the clock on or back and renews with some increment, as long as the token is valid."""
    bounds = Limits(
        mount_default=4000, mount_max=mount_max, ttl=ttl, max_ttl=max_ttl, period=period, explicit_max_ttl=explicit
    )
    issued_at = now = 10_000.0
    ends_at = lifetime(bounds, now=now, issued_at=issued_at).ends_at
    hard = [explicit] if explicit else []
    if not period:
        hard += [mount_max] + ([max_ttl] if max_ttl else [])
    for step, increment in steps:
        now += step / 4  # quarters of a second are exact in binary
        if now >= ends_at:
            break
        try:
            life = lifetime(bounds, now=now, issued_at=issued_at, increment=increment)
        except Invalid:
            break
        ends_at = life.ends_at
        assert life.ttl >= 1
        assert ends_at <= now + life.ttl
        assert all(ends_at <= issued_at + span for span in hard)
        if period:
            assert ends_at - now <= min(period, mount_max)
