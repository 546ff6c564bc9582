"""Infisical's patterns: a table of what picomatch 4.0.7 answers, and that no pattern and no text takes long."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vaultlike.sdk.picomatch import (
    MAX_PATTERN,
    MAX_STEPS,
    MAX_TEXT,
    Effort,
    Exhausted,
    compile_pattern,
    fits_any,
    fits_picomatch,
    remark,
)

# [pattern, text, whether it fits, whether it fits with the bash option]
TABLE: list[tuple[str, str, int, int]] = json.loads((Path(__file__).parent / "picomatch_cases.json").read_text())
GITHUB = "repo:org/app:ref:refs/heads/main"


def test_the_table_of_what_picomatch_answers() -> None:
    wrong = [
        (pattern, text, bash)
        for pattern, text, *wanted in TABLE
        for bash in (False, True)
        if fits_picomatch(pattern, text, bash=bash) is not bool(wanted[bash])
    ]
    assert wrong == []
    assert len(TABLE) > 500
    assert {wanted for case in TABLE for wanted in case[2:]} == {0, 1}


@pytest.mark.parametrize(
    ("pattern", "text", "fits", "with_bash"),
    [  # spec/infisical.md 1, "Pattern matching"
        ("a(", "a(", True, True),  # exact equality is tried first
        ("spiffe://e/*", "spiffe://e/a/b", False, True),
        ("*", ".a", False, False),
        ("spiffe://e/**", "spiffe://e/a/b", True, True),
        ("spiffe://e/**", "spiffe://e", True, True),
        ("repo:org/app:*", GITHUB, False, True),
        ("repo:org/app:**", GITHUB, False, True),
        ("a?c", "abc", True, True),
        ("[a-c]", "b", True, True),
        ("{a,b}", "b", True, True),
        ("!(x)", "y", True, True),
        ("+(a|b)", "abba", True, True),
        ("!b", "a", True, True),
        ("!b", "b", False, False),
        ("A", "a", False, False),
        ("a/b", "a/b/", False, False),
        ("a/*", "a/b/", True, True),
    ],
)
def test_what_the_specification_says(pattern: str, text: str, fits: bool, with_bash: bool) -> None:
    assert fits_picomatch(pattern, text) is fits
    assert fits_picomatch(pattern, text, bash=True) is with_bash


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("", ""),
        ("", "a"),
        ("*", ""),
        ("**", ""),
        ("!a", ""),
        ("*", None),
        ("*", 1),
        ("*", True),
        ("*", ["a"]),
        (None, "a"),
        (1, "1"),
        (None, None),
        (b"a", b"a"),
        (r"(a)\1", "aa"),  # a back reference cannot be decided in linear time
        ("a)|(b", "xb"),  # picomatch would look for it anywhere in the text
        (")):|b{:", "a):b:"),
        ("!a)|(b", "c"),
        ("(" * 100 + "a*" + ")" * 100, "a"),
        ("a*" + "?" * MAX_PATTERN, "a" * 2000),
        ("*", "a" * (MAX_TEXT + 1)),
        ("!a", "b" * (MAX_TEXT + 1)),
        ("*\ud800", "a"),
        ("[", "a"),
        ("\\", "a"),
    ],
)
def test_what_cannot_be_judged_fits_nothing(pattern: object, text: object) -> None:
    assert fits_picomatch(pattern, text) is False
    assert fits_picomatch(pattern, text, bash=True) is False
    assert fits_any([pattern], [text]) is False


def test_a_long_literal_still_equals_itself() -> None:
    long = "spiffe://e/" + "a" * 2000
    assert fits_picomatch(long, long)
    assert not fits_picomatch(long, long + "/")


SIZE = 128  # of the hostile patterns; a backtracking engine would not see the end of them
HOSTILE = [
    "*a" * (SIZE // 2),
    "+(a|aa)*" * (SIZE // 8),
    "*(a|b)" * (SIZE // 6) + "c",
    "+(a*|*b)" * (SIZE // 8) + "c",
    "@(" * 40 + "a*" + ")+" * 40 + "b",
    "(" * 40 + "a*" + ")*" * 40 + "b",
    "+(+(a|b)c|*(d*))" * (SIZE // 16),
    "!(a*b)" * (SIZE // 6),
    "!(" * 20 + "a*b" + ")" * 20,
    "!(!(a*)*b)*" * (SIZE // 11),
    "**/" * (SIZE // 3) + "b",
    "{a*,*b}" * (SIZE // 7),
    "(?=.*a.*b)" * (SIZE // 10) + "*",
    "(?<=a*b*)" * (SIZE // 9) + "b",
    "(?!(?=a*b)a*)" * (SIZE // 13) + "*c",
    "?" * SIZE,
    "[[:alpha:]]*" * (SIZE // 12),
]


@pytest.mark.parametrize("pattern", HOSTILE)
@pytest.mark.parametrize("bash", [False, True])
def test_steps_grow_with_pattern_times_text_and_no_faster(pattern: str, bash: bool) -> None:
    compiled = compile_pattern(pattern, bash)
    assert compiled is not None
    for size in (50, 100, 200):
        for text in ("a" * size + "!", "ab" * (size // 2), "a/" * (size // 2)):
            effort = Effort(10**9)
            compiled.fits(text, effort)
            assert 0 < effort.spent <= len(compiled.graph) * (len(text) + 1)
    assert len(compiled.graph) < 12 * len(pattern)


@pytest.mark.parametrize("pattern", HOSTILE)
def test_the_effort_of_one_judgement_is_capped(pattern: str) -> None:
    effort = Effort(2000)
    text = "ab" * (MAX_TEXT // 2)
    assert not fits_any([pattern], [text], effort=effort) or effort.spent < 2000
    assert effort.spent <= 2000 + 64  # each walk that is given up may have been one step over
    compiled = compile_pattern("!" + "*a" * 60, False)
    assert compiled is not None
    with pytest.raises(Exhausted):
        compiled.fits("a" * 4000, Effort(2000))
    # what is given up does not fit, a negation included
    assert not fits_picomatch("!" + "*a" * 60, "a" * 4000 + "!")


def test_what_a_writer_of_a_pattern_is_told() -> None:
    assert remark("a*") == remark("!(a)*") == remark("!!a") == ""
    assert "but what the rest of it fits" in remark("!a*")
    for pattern in ("", "{a", "a)|(b", r"(a)\1", "x" * (MAX_PATTERN + 1)):
        assert "nothing but itself" in remark(pattern, bash=True)


def test_many_patterns_and_many_texts_share_one_effort() -> None:
    patterns = ["*a" * 30 + str(number) for number in range(50)]
    texts = ["a" * 60 + str(number) + "b" for number in range(50)]
    assert not fits_any([*patterns, "x*"], [*texts, "x1"])  # 2500 pairs use up what there is before the last one
    assert fits_any(["x*", *patterns], ["x1", *texts])
    alone = Effort(MAX_STEPS)
    assert not fits_any(patterns[:1], texts[:1], effort=alone)
    assert alone.spent * 2500 > MAX_STEPS


def test_compiled_patterns_are_kept_and_not_for_ever() -> None:
    compile_pattern.cache_clear()
    for _ in range(3):
        assert fits_picomatch("kept-*", "kept-1")
    assert compile_pattern.cache_info().misses == 1
    for number in range(1500):
        fits_picomatch(f"{number}-*", "x")
    assert compile_pattern.cache_info().currsize == compile_pattern.cache_info().maxsize == 1024
