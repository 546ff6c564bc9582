"""How identities, memberships and projects look on both faces (spec/infisical.md 3). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from vaultlike.builtin.organization.identities import Identity
from vaultlike.builtin.organization.memberships import HeldRole, Membership
from vaultlike.builtin.organization.organization_rules import BUILT_IN as ORGANIZATION_ROLES
from vaultlike.builtin.organization.organizations import OrganizationRecord
from vaultlike.builtin.organization.project_rules import BUILT_IN as PROJECT_ROLES
from vaultlike.builtin.organization.projects import Environment, Project
from vaultlike.builtin.organization.roles import Role
from vaultlike.builtin.organization.wire import moment

Shown = dict[str, object]


def show_organization(found: OrganizationRecord) -> Shown:
    """The organization."""
    return {
        "id": found.id,
        "name": found.name,
        "slug": found.slug,
        "createdAt": moment(found.created_at),
        "updatedAt": moment(found.updated_at),
    }


def show_identity(found: Identity, organization: OrganizationRecord, methods: Sequence[str] = ()) -> Shown:
    """An identity by itself, as creation, change and deletion answer."""
    return {
        "id": found.id,
        "name": found.name,
        "orgId": organization.id,
        "hasDeleteProtection": found.delete_protection,
        "authMethods": list(methods),
        "createdAt": moment(found.created_at),
        "updatedAt": moment(found.updated_at),
        "metadata": [{"id": one.id, "key": one.key, "value": one.value} for one in found.metadata],
    }


def show_member(
    found: Identity, organization: OrganizationRecord, role: Role | None, methods: Sequence[str] = ()
) -> Shown:
    """An identity's place in the organization, as reading, lists and searches answer; `role` is its custom role."""
    custom = found.role not in ORGANIZATION_ROLES
    shown: Shown = {
        "id": found.membership,
        "role": "custom" if custom else found.role,
        "roleId": role.id if custom and role is not None else None,
        "orgId": organization.id,
        "identityId": found.id,
        "createdAt": moment(found.created_at),
        "updatedAt": moment(found.updated_at),
        "metadata": [{"id": one.id, "key": one.key, "value": one.value} for one in found.metadata],
        "identity": _brief(found, methods),
    }
    if custom and role is not None:
        shown["customRole"] = {
            "id": role.id,
            "name": role.name,
            "slug": role.slug,
            "description": role.description,
            "permissions": [one.shown() for one in role.permissions],
        }
    return shown


def _brief(found: Identity, methods: Sequence[str]) -> Shown:
    return {
        "id": found.id,
        "name": found.name,
        "hasDeleteProtection": found.delete_protection,
        "authMethods": list(methods),
    }


def show_membership(
    found: Membership, roles: tuple[Role, ...], identity: Identity, methods: Sequence[str] = ()
) -> Shown:
    """An identity in a project; `roles` are the custom ones of the project."""
    return {
        "id": found.id,
        "projectId": found.project,
        "identityId": found.identity,
        "createdAt": moment(found.created_at),
        "updatedAt": moment(found.updated_at),
        "roles": [show_held(one, found, roles) for one in found.roles],
        "identity": _brief(identity, methods),
    }


def show_held(held: HeldRole, membership: Membership, roles: tuple[Role, ...]) -> Shown:
    """One role of a membership."""
    custom = next((one for one in roles if one.slug == held.role), None) if held.role not in PROJECT_ROLES else None
    return {
        "id": held.id,
        "projectMembershipId": membership.id,
        "role": held.role if held.role in PROJECT_ROLES else "custom",
        "customRoleId": custom.id if custom is not None else None,
        "customRoleName": custom.name if custom is not None else None,
        "customRoleSlug": held.role if held.role not in PROJECT_ROLES else None,
        "isTemporary": held.temporary,
        "temporaryMode": "relative" if held.temporary else None,
        "temporaryRange": held.range or None,
        "temporaryAccessStartTime": None if held.starts_at is None else moment(held.starts_at),
        "temporaryAccessEndTime": None if held.ends_at is None else moment(held.ends_at),
        "createdAt": moment(membership.created_at),
        "updatedAt": moment(membership.updated_at),
    }


def show_environment(found: Environment, project: Project) -> Shown:
    """An environment; its position counts from 1."""
    return {
        "id": found.id,
        "name": found.name,
        "slug": found.slug,
        "position": 1 + next(at for at, one in enumerate(project.environments) if one.id == found.id),
        "projectId": project.id,
        "createdAt": moment(found.created_at),
        "updatedAt": moment(found.updated_at),
    }


def show_project(found: Project, organization: str) -> Shown:
    """A project with its environments; `_id` and `version` are what older clients look for."""
    return {
        "id": found.id,
        "_id": found.id,
        "name": found.name,
        "slug": found.slug,
        "description": found.description or None,
        "type": found.kind,
        "orgId": organization,
        "organization": organization,
        "hasDeleteProtection": found.delete_protection,
        "autoCapitalization": False,
        "pitVersionLimit": 10,
        "version": 3,
        "createdAt": moment(found.created_at),
        "updatedAt": moment(found.updated_at),
        "environments": [{"id": one.id, "name": one.name, "slug": one.slug} for one in found.environments],
    }
