"""Deleting what a project or an environment holds: secrets with all their versions, folders, tags."""

from __future__ import annotations

from vaultlike.builtin.organization.places import SECRETS
from vaultlike.engines.kv import Kv
from vaultlike.engines.kv.documents import Secrets, documents
from vaultlike.sdk import Context
from vaultlike.services import Services
from vaultlike.storage.view import View

PAGE = 500  # secrets listed at once


async def empty_project(ctx: Context, services: Services, project: str) -> None:
    """Deletes everything in a project; nobody has rights in it any more."""
    await _empty(ctx, services, f"{project}/")
    await ctx.storage.delete(f"tags/{project}")


async def empty_environment(ctx: Context, services: Services, project: str, environment: str) -> None:
    """Deletes everything in an environment."""
    await _empty(ctx, services, f"{project}/{environment}/")


async def _empty(ctx: Context, services: Services, folder: str) -> None:
    mount = services.router.at(SECRETS)
    backend = mount.backend if mount is not None else None
    if isinstance(backend, Kv):
        secrets = Secrets(documents(backend.ctx), ctx.random)
        while names := await secrets.keys(folder, limit=PAGE):
            for name in names:
                await secrets.remove(folder + name)
    view = ctx.storage
    assert isinstance(view, View)  # the core's own backends have one
    await view.below("folders/", bump=False).delete_all(folder)
