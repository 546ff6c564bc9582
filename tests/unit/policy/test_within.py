"""A parent's policies about paths of a namespace inside."""

from __future__ import annotations

import pytest

from vaultlike.policy.acl import ACL
from vaultlike.policy.compiled import Compiled
from vaultlike.policy.parse import parse
from vaultlike.policy.within import NOTHING, Within

TEXT = """
path "ns1/secret/*" { capabilities = ["read", "list"] }
path "ns1/secret/no" { capabilities = ["deny"] }
path "secret/*" { capabilities = ["delete"] }
path "+/sys/mounts" { capabilities = ["update", "sudo"] }
"""


def acl(text: str = TEXT) -> ACL:
    return Compiled([parse("p", text)], now=0.0).fitted(None, now=0.0)


@pytest.mark.parametrize(
    ("operation", "path"), [("read", "secret/no"), ("delete", "secret/a"), ("read", "ns1/secret/a"), ("read", "a")]
)
def test_what_is_refused(operation: str, path: str) -> None:
    assert not Within(acl(), "ns1/").check(operation, path).allowed
    assert not NOTHING.check(operation, path).allowed


def test_what_is_allowed() -> None:
    inside = Within(acl(), "ns1/")
    assert inside.check("read", "secret/a").allowed
    assert inside.check("list", "secret/a/").allowed
    assert inside.check("update", "sys/mounts").sudo
    assert inside.capabilities("secret/a") == ["list", "read"]
    assert inside.capabilities("/secret/no") == ["deny"]
    assert inside.any_access_below("secret/")
    assert not inside.any_access_below("other/")
    assert [rule.pattern for rule in inside.rules()] == ["secret/*", "secret/no"]


def test_root_stays_root() -> None:
    root = Within(ACL((), is_root=True), "ns1/")
    assert root.is_root
    assert root.check("delete", "sys/x").allowed
    assert root.capabilities("a") == ["root"]
    assert root.any_access_below("a/")
