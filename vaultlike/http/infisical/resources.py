"""The endpoints about the organization itself: its identities, projects, roles and memberships."""

from __future__ import annotations

from types import ModuleType

from vaultlike.http.infisical import bootstrap, identities, members, organization, projects, roles

RESOURCES: tuple[ModuleType, ...] = (bootstrap, organization, identities, projects, roles, members)
