"""Address bounds."""

from __future__ import annotations

import pytest

from vaultlike.sdk.networks import admits, is_network, within


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


@pytest.mark.parametrize(
    "text", ["10.0.0.1", "10.0.0.0/33", "300.1.2.3/8", "nonsense/8", "", "10.0.0.0/8/8", "10/8", "::1"]
)
def test_what_has_no_mask_or_is_no_address_is_no_network(text: str) -> None:
    assert not is_network(text)


@pytest.mark.parametrize("text", ["10.0.0.0/8", "127.0.0.1/32", "0.0.0.0/0", "::1/128", "2001:db8::/32"])
def test_networks(text: str) -> None:
    assert is_network(text)


@pytest.mark.parametrize(
    ("inner", "outer", "fits"),
    [
        (("10.1.0.0/16",), ("10.0.0.0/8",), True),
        (("10.0.0.0/8",), ("10.0.0.0/8",), True),
        (("10.0.0.0/7",), ("10.0.0.0/8",), False),
        (("10.1.0.0/16", "192.168.0.0/16"), ("10.0.0.0/8",), False),
        (("10.1.0.0/16",), (), False),
        (("::/0",), ("0.0.0.0/0",), False),
        (("127.0.0.1",), ("127.0.0.0/8",), True),
    ],
)
def test_one_list_within_another(inner: tuple[str, ...], outer: tuple[str, ...], fits: bool) -> None:
    assert within(inner, outer) is fits
