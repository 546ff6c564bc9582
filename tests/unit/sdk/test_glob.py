"""Patterns with `*`: nothing else is special, and no pattern costs more than its length."""

from __future__ import annotations

import pytest

from vaultlike.sdk.glob import fits_glob


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("", "a", False),
        ("a", "ab", False),
        ("a*", "b", False),
        ("*-admin", "admin", False),
        ("a*a", "a", False),
        ("a*b*c", "acb", False),
        ("a*bc*c", "abc", False),
        ("a?", "ab", False),
        ("[a]", "a", False),
        ("a.c", "abc", False),
        ("*ab*ba*", "aba", False),
        ("*", "", True),
        ("*", "anything", True),
        ("a*", "a", True),
        ("*-admin", "dev-admin", True),
        ("a*b*c", "axxbxxc", True),
        ("a**c", "abc", True),
        ("a", "a", True),
        ("", "", True),
        ("a*a", "aa", True),
        ("*a*", "bab", True),
        ("*ab*ba*", "abba", True),
        ("a**b", "ab", True),
        ("[a]*?", "[a]x?", True),
    ],
)
def test_globs_know_only_stars(pattern: str, text: str, fits: bool) -> None:
    assert fits_glob(pattern, text) is fits


def test_globs_do_not_blow_up() -> None:
    assert not fits_glob("*a" * 2000 + "b", "a" * 20_000)
