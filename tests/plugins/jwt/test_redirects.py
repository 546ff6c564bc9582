"""Where a provider may send the browser."""

from __future__ import annotations

import pytest

from vaultlike_jwt.redirects import allowed, without_namespace


@pytest.mark.parametrize(
    ("uri", "fits"),
    [
        ("https://app.test/cb", True),
        ("https://app.test/cb/", False),
        ("https://APP.test/cb", False),
        ("https://app.test:443/cb", False),
        ("https://app.test/cb?x=1", False),
        ("https://app.test.evil.test/cb", False),
        ("http://localhost:1/cb", True),
        ("http://localhost/cb", True),
        ("http://127.0.0.1:9/cb", True),
        ("http://[::1]:9/cb", True),
        ("https://localhost:1/cb", False),
        ("http://localhost:1/other", False),
        ("http://localhost.evil.test:1/cb", False),
        ("http://user@localhost:1/cb", False),
        ("http://localhost:1/cb#x", False),
        ("http://localhost:x/cb", False),
        ("http://localhost\\@evil.test/cb", False),
        ("http://127.0.0.2:9/cb", False),
        ("", False),
        ("javascript:alert(1)", False),
    ],
)
def test_redirect_addresses(uri: str, fits: bool) -> None:
    known = ("https://app.test/cb", "http://localhost:8250/cb", "http://127.0.0.1/cb", "http://[::1]/cb")
    assert allowed(uri, known) is fits


@pytest.mark.parametrize(
    ("uri", "rest", "namespace"),
    [
        ("http://localhost/cb?namespace=team", "http://localhost/cb", "team"),
        ("https://a.test/cb?x=1&namespace=a%2Fb&y=", "https://a.test/cb?x=1&y=", "a/b"),
        ("https://a.test/cb?namespace=", "https://a.test/cb?namespace=", ""),
        ("https://a.test/cb", "https://a.test/cb", ""),
        ("http://[::1/cb?namespace=x", "http://[::1/cb?namespace=x", ""),
    ],
)
def test_the_namespace_is_taken_off(uri: str, rest: str, namespace: str) -> None:
    assert without_namespace(uri) == (rest, namespace)
