"""Patterns: their kinds, and which of two is the more specific."""

from __future__ import annotations

import pytest

from vaultlike.policy.patterns import PatternIndex, classify, overlaps


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a/b", "exact"), ("", "exact"), ("a+b", "exact"), ("a/b+", "exact"), ("a/s+/", "exact"), ("a*b", "exact"),
        ("*", "prefix"), ("a/*", "prefix"), ("a/b*", "prefix"), ("a**", "prefix"), ("a+/b*", "prefix"),
        ("+", "segments"), ("+/a", "segments"), ("a/+", "segments"), ("a/+/", "segments"), ("a/+/b*", "segments"),
    ],
)  # fmt: skip
def test_kinds(text: str, kind: str) -> None:
    assert classify(text).kind == kind


@pytest.mark.parametrize(
    ("better", "worse", "path"),
    [
        ("foo/a*", "foo/+", "foo/ab"),
        ("foo/bar/+/baz", "foo/+/bar/baz", "foo/bar/bar/baz"),
        ("foo/+/bar", "foo/+/ba*", "foo/x/bar"),
        ("foo/+", "foo/*", "foo/x"),
        ("foo/bar/+/baz", "foo/bar/+/+", "foo/bar/x/baz"),
        ("a/+/+/+/+", "a/+/prod/keys/*", "a/x/prod/keys/main"),
        ("foo/+/bar/ba*", "foo/+/bar/b*", "foo/x/bar/baz"),
        ("foo/+/b/+", "foo/+/+/c", "foo/a/b/c"),  # equal but for their text
        ("foo/ab*", "foo/a*", "foo/abc"),
    ],
)
def test_the_more_specific_wins(better: str, worse: str, path: str) -> None:
    for order in ((better, worse), (worse, better)):
        assert PatternIndex((classify(text), text) for text in order).find(path) == better
    assert PatternIndex([(classify(worse), worse)]).find(path) == worse


@pytest.mark.parametrize(
    ("text", "matching", "others"),
    [
        ("a*", ("a", "ab", "ab/c", "a/"), ("", "b", "/a")),
        ("*", ("", "a", "a/b"), ()),
        ("a/*", ("a/", "a/b", "a/b/c"), ("a", "ab", "b/a/")),
        ("a/b*", ("a/b", "a/bc/d"), ("a/", "a/c", "a")),
        ("+", ("a", ""), ("a/", "a/b")),
        ("a/+", ("a/b", "a/"), ("a", "a/b/", "a/b/c")),
        ("+/a", ("x/a", "/a"), ("a", "x/a/", "x/y/a")),
        ("a/+/b*", ("a/x/b", "a//b", "a/x/bc/d"), ("a/x/", "a/x", "a/x/y/b")),
        ("a/+/*", ("a/x/", "a/x/y/z"), ("a/x", "a/")),
        ("a/x+/+", ("a/x+/z",), ("a/xy/z",)),
    ],
)
def test_what_matches(text: str, matching: tuple[str, ...], others: tuple[str, ...]) -> None:
    index = PatternIndex([(classify(text), True)])
    assert [path for path in matching if not index.find(path)] == []
    assert [path for path in others if index.find(path)] == []


@pytest.mark.parametrize(
    ("text", "prefix", "expected"),
    [
        ("+/a", "m/", True), ("m/+/b", "m/", True), ("+/+/b*", "m/", True), ("+/*", "m/", True),
        ("+/m*", "a/mn/", True),
        ("+/a", "m/n/", False), ("m/+", "m/n/o/", False), ("n/+", "m/", False), ("+", "m/", False),
        ("x/+/a", "m/", False), ("+/n*", "a/mn/", False),
    ],
)  # fmt: skip
def test_overlap_with_a_mount(text: str, prefix: str, expected: bool) -> None:
    witness = overlaps(classify(text), prefix)
    assert (witness is not None) is expected
    if witness is not None:
        assert witness.startswith(prefix)
        assert PatternIndex([(classify(text), True)]).find(witness)


def test_an_index_of_many_patterns_stays_quick() -> None:
    """A path visits one node per segment, not every pattern: counted, not timed."""
    seen = 0

    class Counted(str):
        def __hash__(self) -> int:
            nonlocal seen
            seen += 1
            return super().__hash__()

    index = PatternIndex((classify(f"kv/team{number}/*"), number) for number in range(5000))
    assert index.find("kv/team4999/x") == 4999

    class Path(str):
        def split(self, *_: object) -> list[str]:
            return [Counted(part) for part in str(self).split("/")]

    assert index.find(Path("kv/team77/x")) == 77
    assert seen <= 6
