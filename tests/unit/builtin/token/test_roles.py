"""Token roles: the choice of policies, globs and what a role refuses, without a server."""

from __future__ import annotations

import pytest

from vaultlike.builtin.token.roles import TokenRole, admits_alias, least, role_policies, sanitized
from vaultlike.errors import Invalid

ALLOW = TokenRole(allowed_policies=("alpha", "beta"))
GLOB = TokenRole(
    allowed_policies_glob=("dev-*",), disallowed_policies_glob=("*-admin",), disallowed_policies=("dev-secret",)
)
DENY = TokenRole(disallowed_policies=("never",))
NO_DEFAULT = TokenRole(allowed_policies=("alpha",), disallowed_policies=("default",))
PARENT = ("caller", "default")


@pytest.mark.parametrize(
    ("role", "asked", "text"),
    [
        (
            ALLOW,
            ("gamma",),
            """token policies (["default" "gamma"]) must be subset of the role's allowed policies """
            """(["alpha" "beta" "default"]) or glob policies ([])""",
        ),
        (ALLOW, ("alpha", "gamma"), "must be subset"),
        (ALLOW, ("root",), 'token policies (["root"]) must be subset'),
        (ALLOW, ("ROOT", "alpha"), 'token policies (["root"]) must be subset'),
        (GLOB, ("dev-admin",), 'token policy "dev-admin" is disallowed by this role'),
        (GLOB, ("DEV-Secret",), 'token policy "dev-secret" is disallowed by this role'),
        (GLOB, ("prod-web",), 'or glob policies (["dev-*"])'),
        (DENY, ("never",), 'token policy "never" is disallowed'),
        (DENY, (" Never ",), 'token policy "never" is disallowed'),
        (NO_DEFAULT, ("default",), "must be subset"),
    ],
)
def test_policies_that_a_role_refuses(role: TokenRole, asked: tuple[str, ...], text: str) -> None:
    with pytest.raises(Invalid) as refused:
        role_policies(role, asked, PARENT, no_default=False)
    assert text in refused.value.messages[0]


@pytest.mark.parametrize(
    ("role", "asked", "no_default", "names"),
    [
        (TokenRole(), ("x",), False, None),
        (ALLOW, (), False, ("alpha", "beta", "default")),
        (ALLOW, ("ALPHA",), False, ("alpha", "default")),
        (ALLOW, ("alpha",), True, ("alpha",)),
        (GLOB, ("dev-web",), False, ("default", "dev-web")),
        (GLOB, (), False, ("default",)),
        (DENY, ("anything",), False, ("anything", "default")),
        (DENY, (), False, PARENT),
        (NO_DEFAULT, ("alpha",), False, ("alpha",)),
        (TokenRole(allowed_policies=("alpha",), token_no_default_policy=True), (), False, ("alpha",)),
    ],
)
def test_policies_that_a_role_gives(
    role: TokenRole, asked: tuple[str, ...], no_default: bool, names: tuple[str, ...] | None
) -> None:
    assert role_policies(role, asked, PARENT, no_default=no_default) == names


def test_root_stands_alone() -> None:
    assert sanitized(("Root", "a"), default=True) == ("root",)


def test_aliases_are_admitted_by_pattern_whatever_their_case() -> None:
    role = TokenRole(allowed_entity_aliases=("web-*", "db"))
    assert admits_alias(role, "WEB-1") and admits_alias(role, "db")
    assert not admits_alias(role, "other")
    assert not admits_alias(TokenRole(), "anything")


def test_the_lesser_limit_counts_and_zero_is_none() -> None:
    assert [least(0, 0), least(0, 5), least(5, 0), least(5, 3), least(3, 5)] == [0, 5, 5, 3, 3]
