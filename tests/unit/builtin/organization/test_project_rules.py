"""Permissions of project roles as paths: what a policy cannot say is refused, what it can say means just that."""

from __future__ import annotations

from typing import Any

import pytest

from vaultlike.builtin.organization import organization_rules, project_rules
from vaultlike.builtin.organization.grants import Share, policy_text
from vaultlike.builtin.organization.permissions import read_permissions
from vaultlike.builtin.organization.projects import Environment, Project
from vaultlike.errors import Invalid
from vaultlike.policy.acl import ACL
from vaultlike.policy.compiled import compile_policies
from vaultlike.policy.parse import parse


def environment(slug: str) -> Environment:
    return Environment(id=f"id-{slug}", name=slug, slug=slug, created_at=0, updated_at=0)


PROJECT = Project(
    id="p1", name="Shop", slug="shop", created_at=0, updated_at=0,
    environments=(environment("dev"), environment("prod"), environment("prod-eu")),
)  # fmt: skip
DATA, METADATA = "organization-secrets/data/p1/", "organization-secrets/metadata/p1/"


def custom(*permissions: Any) -> ACL:
    grants = project_rules.grants_of(PROJECT, read_permissions(list(permissions)))
    return compile_policies([parse("test", policy_text((Share(grants),)))], now=0)


def builtin(role: str) -> ACL:
    text = policy_text((Share(project_rules.grants_of_builtin(PROJECT, role)),))
    return compile_policies([parse("test", text)], now=0)


def secrets(*action: str, **conditions: object) -> dict[str, object]:
    return {"subject": "secrets", "action": list(action) or ["read"], "conditions": conditions}


@pytest.mark.parametrize(
    "permission",
    [
        {"subject": "certificates", "action": ["read"]},
        {"subject": "secrets", "action": ["rotate"]},
        {"subject": "secrets"},
        {"subject": "secrets", "action": []},
        {"subject": "", "action": ["read"]},
        {"subject": ["secrets", "tags"], "action": ["read"]},
        {"subject": "secrets", "action": ["read"], "inverted": "yes"},
        {"subject": "secrets", "action": ["read"], "conditions": []},
        {"subject": "settings", "action": ["read"], "conditions": {"environment": "dev"}},
        {"subject": "role", "action": ["read"], "conditions": {"roleSlug": "x"}},
        {"subject": "identity", "action": ["read"], "conditions": {"identityId": {"$ne": "x"}}},
        {"subject": "identity", "action": ["read"], "conditions": {"identityId": "../x"}},
        "secrets",
        secrets(secretTags={"$in": ["a"]}),
        secrets(environment={"$regex": "d.*"}),
        secrets(environment={}),
        secrets(environment={"$eq": ["dev", "prod"]}),
        secrets(environment=7),
        secrets(secretPath={"$glob": "/a/*"}),
        secrets(secretPath={"$glob": "/a*/**"}),
        secrets(secretPath={"$ne": "/a"}),
        secrets(secretPath="app"),
        secrets(secretPath="/a/../b"),
        secrets(secretPath="/a/{{identity.entity.name}}"),
        secrets(secretPath='/a"b'),
        secrets(secretPath="/+"),
        secrets(secretPath="/a*"),
        secrets(secretPath={"$glob": "/a/**", "$eq": "/a"}),
        secrets(secretName="KEY"),
        secrets(secretPath={"$glob": "/a/**"}, secretName="KEY"),
        secrets(secretPath="/a", secretName={"$glob": "DB_*"}),
        secrets(secretPath="/a", secretName={"$ne": "KEY"}),
        secrets(secretPath="/a", secretName="+"),
    ],
)
def test_what_no_policy_can_say_is_refused_with_a_reason(permission: object) -> None:
    with pytest.raises(Invalid) as caught:
        custom(permission)
    assert len(caught.value.messages[0]) > 20


def test_a_role_cannot_come_to_any_number_of_rules() -> None:
    many = [f"/f{number}" for number in range(100)]
    names = [f"N{number}" for number in range(100)]
    with pytest.raises(Invalid, match="fewer values"):
        custom(secrets(secretPath={"$in": many}, secretName={"$in": names}))
    with pytest.raises(Invalid, match="fewer values"):
        custom(*[secrets("read", "edit", "delete", secretPath={"$in": many})] * 3)


def test_an_environment_is_a_wall() -> None:
    acl = custom(secrets("read", environment="dev"))
    assert acl.check("read", DATA + "dev/KEY").allowed
    assert acl.check("list", METADATA + "dev/").allowed
    assert acl.check("read", DATA + "dev/app/KEY").allowed
    assert not acl.check("read", DATA + "prod/KEY").allowed
    assert not acl.check("list", METADATA + "prod/").allowed
    assert not acl.check("update", DATA + "dev/KEY").allowed
    assert not acl.check("read", "organization-secrets/data/p2/dev/KEY").allowed


@pytest.mark.parametrize(
    ("condition", "admitted"),
    [
        ({"$in": ["dev", "prod"]}, {"dev", "prod"}),
        ({"$ne": "prod"}, {"dev", "prod-eu"}),
        ({"$glob": "prod*"}, {"prod", "prod-eu"}),
        ({"$glob": ["dev", "prod-?u"]}, {"dev", "prod-eu"}),
        ({"$eq": "staging"}, set()),
        ({"$in": ["dev", "prod"], "$ne": "prod"}, {"dev"}),
    ],
)
def test_conditions_on_environments_are_settled_against_the_project(condition: object, admitted: set[str]) -> None:
    acl = custom(secrets("read", environment=condition))
    slugs = ("dev", "prod", "prod-eu", "staging")
    assert {slug for slug in slugs if acl.check("read", f"{DATA}{slug}/KEY").allowed} == admitted


def test_a_folder_by_itself_leaves_those_inside_out() -> None:
    acl = custom(secrets("read", environment="dev", secretPath="/app"))
    assert acl.check("read", DATA + "dev/app/KEY").allowed
    assert acl.check("list", METADATA + "dev/app/").allowed
    assert not acl.check("read", DATA + "dev/app/inner/KEY").allowed
    assert not acl.check("read", DATA + "dev/KEY").allowed
    assert not acl.check("list", METADATA + "dev/").allowed


def test_a_folder_with_all_below() -> None:
    acl = custom(secrets("read", secretPath={"$glob": "/app/**"}))
    assert acl.check("read", DATA + "dev/app/KEY").allowed
    assert acl.check("read", DATA + "prod/app/inner/KEY").allowed
    assert not acl.check("read", DATA + "dev/apple/KEY").allowed
    assert not acl.check("read", DATA + "dev/KEY").allowed


def test_single_names() -> None:
    acl = custom(secrets("read", environment="dev", secretPath="/app", secretName={"$in": ["A", "B"]}))
    assert acl.check("read", DATA + "dev/app/A").allowed
    assert not acl.check("read", DATA + "dev/app/C").allowed
    assert not acl.check("read", DATA + "dev/app/A/inner").allowed


def test_a_wide_and_a_narrow_permission_add_up_and_lists_of_folders_stay() -> None:
    acl = custom(
        secrets("create"), secrets("read", environment="dev", secretPath={"$glob": "/app/**"}),
        {"subject": "secrets", "action": "delete", "inverted": True, "conditions": {"environment": "prod"}},
        {"subject": "secrets", "action": ["delete"]},
    )  # fmt: skip
    assert acl.check("create", DATA + "dev/app/KEY").allowed
    assert acl.check("list", METADATA + "dev/app/").allowed
    assert acl.check("delete", DATA + "dev/KEY").allowed
    assert not acl.check("delete", DATA + "prod/KEY").allowed
    assert not acl.check("update", "organization-secrets/destroy/p1/prod/KEY").allowed


def test_values_and_descriptions_are_apart() -> None:
    acl = custom(secrets("describeSecret"))
    assert acl.check("read", METADATA + "dev/KEY").allowed
    assert not acl.check("read", DATA + "dev/KEY").allowed
    acl = custom(secrets("readValue"))
    assert acl.check("read", DATA + "dev/KEY").allowed
    assert not acl.check("read", METADATA + "dev/KEY").allowed


def test_folders_and_imports_have_paths_of_their_own() -> None:
    acl = custom({"subject": "secret-folders", "action": ["create"], "conditions": {"environment": "dev"}})
    assert acl.check("update", "organization/projects/p1/folders/dev/app").allowed
    assert not acl.check("update", "organization/projects/p1/folders/prod/app").allowed
    assert not acl.check("update", "organization/projects/p1/imports/dev/app").allowed


def test_changing_members_is_not_taking_them_in() -> None:
    acl = custom({"subject": "identity", "action": ["edit"]})
    assert acl.check("patch", "organization/projects/p1/members/i1").allowed
    assert not acl.check("update", "organization/projects/p1/members/i1").allowed
    acl = custom({"subject": "environments", "action": ["edit"]})
    assert not acl.check("update", "organization/projects/p1/environments").allowed


def test_built_in_roles() -> None:
    for role in ("admin", "member", "viewer"):
        assert builtin(role).check("read", DATA + "dev/KEY").allowed
        assert builtin(role).check("list", METADATA + "dev/").allowed
        assert builtin(role).check("read", "organization/projects/p1").allowed
    assert builtin("member").check("update", DATA + "dev/KEY").allowed
    assert builtin("member").check("create", "organization/projects/p1/folders/dev/x").allowed
    assert not builtin("member").check("update", "organization/projects/p1/members/i").allowed
    assert not builtin("viewer").check("create", DATA + "dev/KEY").allowed
    assert not builtin("viewer").check("update", "organization/projects/p1").allowed
    assert builtin("admin").check("update", "organization/projects/p1/members/i").allowed
    assert not builtin("admin").check("read", DATA.replace("p1", "p2") + "dev/KEY").allowed
    assert not builtin("no-access").check("read", "organization/projects/p1").allowed


def test_nothing_generated_gives_sudo_or_leaves_the_organization() -> None:
    texts = [policy_text((Share(project_rules.grants_of_builtin(PROJECT, role)),)) for role in project_rules.BUILT_IN]
    texts += [policy_text((Share(organization_rules.grants_of_builtin(r)),)) for r in organization_rules.BUILT_IN]
    for text in texts:
        assert "sudo" not in text and "root" not in text
        paths = [rule.path for rule in parse("test", text).rules]
        assert all(path.startswith(("organization/", "organization-secrets/", "auth/organization-")) for path in paths)
        written = [rule for rule in parse("test", text).rules if rule.path.startswith("auth/")]
        assert all(rule.capabilities <= {"read", "list"} for rule in written)  # roles of methods name policies


@pytest.mark.parametrize(
    "permission",
    [
        {"subject": "billing", "action": ["read"]},
        {"subject": "identity", "action": ["revoke-auth"]},
        {"subject": "identity", "action": ["read"], "conditions": {"identityId": "x"}},
    ],
)
def test_organization_permissions_that_are_refused(permission: object) -> None:
    with pytest.raises(Invalid):
        organization_rules.grants_of(read_permissions([permission]))


def test_organization_permissions() -> None:
    grants = organization_rules.grants_of(
        read_permissions([{"subject": "identity", "action": ["read", "create"]}, {"subject": "role", "action": "read"}])
    )
    acl = compile_policies([parse("test", policy_text((Share(grants),)))], now=0)
    assert acl.check("update", "organization/identities").allowed
    assert acl.check("list", "organization/identities/").allowed
    assert not acl.check("update", "organization/identities/x").allowed
    assert not acl.check("delete", "organization/identities/x").allowed
    assert not acl.check("update", "organization/roles").allowed


def test_permissions_are_shown_as_they_were_given() -> None:
    given = [
        {"subject": "secrets", "action": ["read"], "conditions": {"environment": {"$in": ["dev"]}}, "inverted": True},
        {"subject": "secrets", "action": ["edit"], "conditions": {"secretPath": {"$glob": "/a/**"}}},
    ]
    assert [one.shown() for one in read_permissions(given)] == given
