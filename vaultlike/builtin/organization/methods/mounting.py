"""The mounts of methods: made when the first identity has one, run as `Instances` or as one plugin for all."""

from __future__ import annotations

from typing import Any

from vaultlike.builtin.organization.instances import Instances
from vaultlike.builtin.organization.methods.access import CAP
from vaultlike.builtin.organization.methods.method import Method
from vaultlike.builtin.organization.places import ensure_mount
from vaultlike.errors import Unavailable
from vaultlike.mounts.entry import MountConfig
from vaultlike.mounts.router import Mount
from vaultlike.sdk import Backend, Context
from vaultlike.services import Services


async def mounted(services: Services, method: Method[Any]) -> Mount:
    """The mount of a method, made where there is none. Raises Unavailable where its plugin cannot run."""
    mount = services.router.at(method.mount)
    if mount is not None and mount.backend is not None:
        return mount
    options = {"organization": "instances" if method.instances else "roles", "method": method.name}
    description = f"{method.title} of the identities of the API at /api"
    # without tuning a token of ttl 0 would live as long as the server's default, not as long as allowed
    config = MountConfig(default_lease_ttl=CAP, max_lease_ttl=method.longest)
    await ensure_mount(services, method.mount, method.plugin, description, options, config)
    mount = services.router.at(method.mount)
    if mount is None or mount.backend is None:
        problem = mount.problem if mount is not None else "not mounted"
        raise Unavailable(f"the plugin {method.plugin} is unavailable", reason=problem)
    return mount


def running(mount: Mount, method: Method[Any], identity: str) -> tuple[type[Backend], Context]:
    """The plugin's class, and what it works with for an identity."""
    backend = mount.backend
    assert backend is not None
    if isinstance(backend, Instances):
        return backend.method, backend.context(identity)
    return type(backend), backend.ctx
