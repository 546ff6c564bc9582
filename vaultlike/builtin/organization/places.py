"""Where an organization lives in its namespace: its mounts, made when the second API is first used."""

from __future__ import annotations

from vaultlike.builtin.organization.methods.access import CAP
from vaultlike.mounts.entry import MountConfig, MountEntry
from vaultlike.services import Services

ORGANIZATION = "organization/"  # identities, projects, roles, memberships
SECRETS = "organization-secrets/"  # kv version 2: data/<project id>/<environment>/<folders>/<name>
METHODS = "auth/organization-"  # + plugin + "/": the auth mounts whose roles are identities
FOLDER = "instance/"  # + identity's id + "/": the storage of its instance of a method, in that of the mount


async def furnish(services: Services) -> None:
    """Mounts what an organization needs; safe to repeat and on several nodes at once."""
    if services.router.at(ORGANIZATION) is not None and services.router.at(SECRETS) is not None:
        return
    ttl = MountConfig(default_lease_ttl=CAP, max_lease_ttl=CAP)  # of the tokens of token-auth
    await ensure_mount(
        services, ORGANIZATION, "organization", "identities and projects of the API at /api", config=ttl
    )  # fmt: skip
    await ensure_mount(services, SECRETS, "kv", "secrets of the projects", {"version": "2"})


async def ensure_mount(
    services: Services,
    path: str,
    kind: str,
    description: str,
    options: dict[str, str] | None = None,
    config: MountConfig | None = None,
) -> None:
    """Mounts a backend where nothing is mounted yet. Raises Invalid through a path that is in use otherwise."""
    if services.router.at(path) is not None:
        return
    made = services.table.new(path, kind, description, options=options, config=config or MountConfig())

    def add(entries: list[MountEntry]) -> list[MountEntry]:
        return entries if any(entry.path == path for entry in entries) else [*entries, made]

    await services.table.change(add)
    await services.current()
