"""Canonical paths: one decoding, and nothing that a policy could see differently from a router."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultlike.errors import Invalid
from vaultlike.paths import MAX_PATH, canonical


@pytest.mark.parametrize(
    "raw",
    [
        "secret/../sys/raw",
        "..",
        "secret/%2e%2e/sys",
        "secret/.%2E/x",
        "secret/%2e%2e",
        "secret%2f..%2fsys",
        "secret/a%00b",
        "secret/a%0ab",
        "secret/%7f",
        "secret/%c2%a0",
        "secret/%ff",
        "secret/%e2%82",
        "secret/%ed%a0%80",
        "a" * (MAX_PATH + 1),
    ],
)
def test_refused(raw: str) -> None:
    with pytest.raises(Invalid):
        canonical(raw)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("", ""),
        ("secret/x", "secret/x"),
        ("secret/x/", "secret/x/"),
        ("/secret/x", "secret/x"),
        ("%2f%2fsecret", "secret"),
        ("secret/a%20b", "secret/a b"),
        ("secret/http:/x", "secret/http:/x"),
        ("secret/%252e%252e/x", "secret/%2e%2e/x"),
        ("secret/...", "secret/..."),
        ("secret/..a/b..", "secret/..a/b.."),
        ("secret/%C3%BC", "secret/ü"),
        ("secret/100%", "secret/100%"),
    ],
)
def test_decoded_once(raw: str, path: str) -> None:
    assert canonical(raw) == path


@settings(derandomize=True, deadline=None)
@given(st.text(alphabet="ab./%2eE5f0cC3", max_size=40))
def test_what_is_accepted_is_printable_and_never_climbs(raw: str) -> None:
    try:
        path = canonical(raw)
    except Invalid:
        return
    assert path.isprintable()
    assert not path.startswith("/")
    assert ".." not in path.split("/")
