"""Durations: what is refused, what is read as how many seconds, and Go's two ways of printing them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultlike.durations import (
    MAX_SECONDS,
    BadDuration,
    compact_duration,
    go_duration,
    parse_duration,
    parse_nanoseconds,
    parse_signed_duration,
)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3600.0, 'time: missing unit in duration "3600.0"'),
        (1.5, 'time: missing unit in duration "1.5"'),
        (True, "could not parse duration from input"),
        (None, "could not parse duration from input"),
        ([], "could not parse duration from input"),
        ({}, "could not parse duration from input"),
        (b"1h", "could not parse duration from input"),
        ("soon", 'time: invalid duration "soon"'),
        ("1.5", 'time: missing unit in duration "1.5"'),
        ("3600.0", 'time: missing unit in duration "3600.0"'),
        ("1h30", 'time: missing unit in duration "1h30"'),
        ("1H", 'time: unknown unit "H" in duration "1H"'),
        ("1d12h", 'time: unknown unit "d" in duration "1d12h"'),
        ("1w", 'time: unknown unit "w" in duration "1w"'),
        ("1 h", 'time: unknown unit " h" in duration "1 h"'),
        (" 1h", 'time: invalid duration " 1h"'),
        (" ", 'time: invalid duration " "'),
        ("h", 'time: invalid duration "h"'),
        (".h", 'time: invalid duration ".h"'),
        ("+", 'time: invalid duration "+"'),
        ("--1h", 'time: invalid duration "--1h"'),
        ("1h-1m", 'time: unknown unit "h-" in duration "1h-1m"'),
        ("1.5d", 'time: unknown unit "d" in duration "1.5d"'),
        ("١h", 'time: invalid duration "١h"'),
        ('"\n\\', r'time: invalid duration "\"?\\"'),
        ("9" * 100, f'time: missing unit in duration "{"9" * 64}"'),
        ("9" * 5000, "time: invalid duration: too long"),
        (2**63, 'time: missing unit in duration "9223372036854775808"'),
        (99999999999, "multiplication of durations resulted in overflow, one operand may be too large"),
        ("106752d", "multiplication of durations resulted in overflow, one operand may be too large"),
        ("2562048h", 'time: invalid duration "2562048h"'),
        (-1, "cannot provide negative value"),
        ("-1h", "cannot provide negative value"),
        ("-1ns", "cannot provide negative value"),
        ("-1d", "cannot provide negative value"),
    ],
)
def test_refused(value: object, message: str) -> None:
    with pytest.raises(BadDuration) as refused:
        parse_duration(value)
    assert refused.value.messages == (message,)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (0, 0),
        (3600, 3600),
        ("", 0),
        ("0", 0),
        ("3600", 3600),
        ("+5", 5),
        ("010", 10),
        ("90s", 90),
        ("1h30m", 5400),
        ("1.5h", 5400),
        (".5m", 30),
        ("1.h", 3600),
        ("+1m", 60),
        ("1m1m", 120),
        ("7d", 604_800),
        ("1500ms", 1),
        ("999999us", 0),
        ("1000000µs", 1),
        ("1000000μs", 1),
        ("1000000000ns", 1),
        (MAX_SECONDS, MAX_SECONDS),
    ],
)
def test_read_as(value: object, seconds: int) -> None:
    assert parse_duration(value) == seconds
    assert parse_signed_duration(value) == seconds


@pytest.mark.parametrize(("value", "seconds"), [(-5, -5), ("-5", -5), ("-1m", -60), ("-1d", -86_400), ("-1500ms", -1)])
def test_signed(value: object, seconds: int) -> None:
    assert parse_signed_duration(value) == seconds


def test_less_than_a_second_is_not_lost() -> None:
    assert parse_nanoseconds("1.5ms") == 1_500_000


@pytest.mark.parametrize(
    ("seconds", "long", "short"),
    [
        (0, "0s", "0s"),
        (5, "5s", "5s"),
        (60, "1m0s", "1m"),
        (65, "1m5s", "1m5s"),
        (1800, "30m0s", "30m"),
        (3600, "1h0m0s", "1h"),
        (3601, "1h0m1s", "1h0m1s"),
        (5400, "1h30m0s", "1h30m"),
        (36_000, "10h0m0s", "10h"),
        (2_764_800, "768h0m0s", "768h"),
        (-60, "-1m0s", "-1m"),
    ],
)
def test_printed(seconds: int, long: str, short: str) -> None:
    assert (go_duration(seconds), compact_duration(seconds)) == (long, short)


@given(st.integers(-MAX_SECONDS, MAX_SECONDS))
def test_what_is_printed_reads_back(seconds: int) -> None:
    assert parse_signed_duration(go_duration(seconds)) == seconds
    assert parse_signed_duration(compact_duration(seconds)) == seconds


@given(st.text(st.sampled_from("0123456789.hmsnuµd+- x"), max_size=140))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert abs(parse_signed_duration(text)) <= MAX_SECONDS
    except BadDuration as refused:
        assert len(refused.messages[0]) < 250
