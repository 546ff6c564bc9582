"""Address bounds."""

from __future__ import annotations

import pytest

from vaultlike.tokens.cidr import admits


@pytest.mark.parametrize(
    ("cidrs", "address", "inside"),
    [
        ((), "127.0.0.1", False),
        (("10.0.0.0/8",), "", False),
        (("10.0.0.0/8",), "not an address", False),
        (("",), "10.0.0.1", False),
        (("nonsense", "10.0.0.0/8"), "10.0.0.1", False),
        (("10.0.0.0/8",), "11.0.0.1", False),
        (("0.0.0.0/0",), "::1", False),
        (("10.0.0.0/8",), "10.255.0.1", True),
        (("10.0.0.0/8", "192.0.2.7"), "192.0.2.7", True),
        (("10.0.0.0/8",), "::ffff:10.0.0.1", True),
        (("2001:db8::/32",), "2001:db8::1", True),
        (("2001:db8::/32",), "2001:db9::1", False),
    ],
)
def test_admits(cidrs: tuple[str, ...], address: str, inside: bool) -> None:
    assert admits(cidrs, address) is inside
