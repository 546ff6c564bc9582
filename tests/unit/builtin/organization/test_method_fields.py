"""What attachments say of tokens, addresses and lists: read strictly, for an empty list must never come to mean all."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import UNSET, structs

from vaultlike.builtin.organization.methods.access import (
    AccessFields,
    TrustedIp,
    checked_access,
    entries,
    partial,
    read_networks,
    token_fields,
)
from vaultlike.builtin.organization.methods.azure import AzureFields
from vaultlike.builtin.organization.methods.bounds import pointer
from vaultlike.errors import Invalid


@pytest.mark.parametrize(
    "text",
    ["", "x", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/33", "10.0.0.0/8/8", "::/129", "10.0.0", "0x7f000001", "fe80::1%1",
     "10.0.0.0/255.0.0.0", "10.0.0.0/٨", "localhost", "010.0.0.1"],
)  # fmt: skip
def test_what_is_no_network(text: str) -> None:
    with pytest.raises(Invalid):
        read_networks((TrustedIp(text),), "accessTokenTrustedIps")


def test_no_network_at_all() -> None:
    with pytest.raises(Invalid, match="accessTokenTrustedIps"):
        read_networks((), "accessTokenTrustedIps")
    with pytest.raises(Invalid):
        read_networks((TrustedIp("10.0.0.1"),) * 257, "accessTokenTrustedIps")


@pytest.mark.parametrize(
    ("sent", "kept", "cidr"),
    [
        (TrustedIp("10.0.0.1"), TrustedIp("10.0.0.1", "ipv4"), "10.0.0.1"),
        (TrustedIp(" 10.0.0.0/8 "), TrustedIp("10.0.0.0", "ipv4", 8), "10.0.0.0/8"),
        (TrustedIp("10.0.0.0", "ipv4", 8), TrustedIp("10.0.0.0", "ipv4", 8), "10.0.0.0/8"),  # as it was read back
        (TrustedIp("2001:DB8::/32"), TrustedIp("2001:db8::", "ipv6", 32), "2001:db8::/32"),
        (TrustedIp("::1", "ipv4"), TrustedIp("::1", "ipv6"), "::1"),
        (TrustedIp("0.0.0.0/0"), TrustedIp("0.0.0.0", "ipv4", 0), "0.0.0.0/0"),
    ],
)
def test_networks_as_they_are_kept(sent: TrustedIp, kept: TrustedIp, cidr: str) -> None:
    (found,) = read_networks((sent,), "f")
    assert (found, found.cidr) == (kept, cidr)
    assert ("prefix" in msgspec.to_builtins(found)) == (kept.prefix is not UNSET)


def test_a_role_never_lacks_its_networks() -> None:
    fields = checked_access(AccessFields())
    assert token_fields(fields)["token_bound_cidrs"] == ["0.0.0.0/0", "::/0"]


@pytest.mark.parametrize(
    "wrong",
    [{"access_token_ttl": 2, "access_token_max_ttl": 1}, {"access_token_ttl": 1, "access_token_max_ttl": 0},
     {"access_token_ttl": -1}, {"access_token_max_ttl": 315_360_001}, {"access_token_num_uses_limit": -1}],
)  # fmt: skip
def test_lives_and_uses_within_their_ranges(wrong: dict[str, int]) -> None:
    with pytest.raises(Invalid):
        checked_access(AccessFields(**wrong))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", [",", " , ", "a,", ",a", "a,,b"])
def test_lists_with_entries_that_say_nothing(text: str) -> None:
    with pytest.raises(Invalid, match="empty entry"):
        entries(text, "f")


@pytest.mark.parametrize(("text", "found"), [("", ()), ("  ", ()), ("a", ("a",)), (" a,b , c", ("a", "b", "c"))])
def test_lists(text: str, found: tuple[str, ...]) -> None:
    assert entries(text, "f") == found


def test_an_update_needs_nothing_and_knows_the_same_names() -> None:
    update = partial(AzureFields)
    assert [info.encode_name for info in structs.fields(update)] == [
        info.encode_name for info in structs.fields(AzureFields)
    ]
    assert msgspec.to_builtins(update()) == {}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"accessTokenTTL": -1}, update)


@pytest.mark.parametrize(
    ("path", "found"),
    [("team", "team"), ("a.b", "/a/b"), ("a/b", "a/b"), ("a/b.c~d", "/a~1b/c~0d"), ("/a", "/~1a")],
)
def test_dotted_paths_as_pointers(path: str, found: str) -> None:
    assert pointer(path) == found
