"""The end of a method of an identity: attachment, plugin's configuration and alias in one commit, after which nobody
logs in by it and none of its tokens is good; then the tokens go. A crash in between leaves tokens that let nobody in,
and the next attachment removes them.
"""

from __future__ import annotations

from typing import Any

from vaultlike.builtin.organization.instances import Instances
from vaultlike.builtin.organization.methods import attachments
from vaultlike.builtin.organization.methods.applying import apply
from vaultlike.builtin.organization.methods.listing import BY_NAME
from vaultlike.builtin.organization.methods.method import Method
from vaultlike.builtin.organization.methods.mounting import running
from vaultlike.builtin.organization.methods.staged import Staging
from vaultlike.errors import Unavailable
from vaultlike.mounts.router import Mount
from vaultlike.sdk import Call, Context
from vaultlike.services import Services
from vaultlike.storage.engine import Conflict, DeleteAlias
from vaultlike.storage.view import Delete, Put


async def withdraw_all(services: Services, ctx: Context, call: Call, identity: str) -> None:
    """Ends every method of an identity that is to be deleted. `ctx` is the organization's."""
    for name in await attachments.names(ctx.storage, identity):
        method = BY_NAME.get(name)
        if method is not None:
            await withdraw(services, ctx, call, method, identity)


async def withdraw(
    services: Services, ctx: Context, call: Call, method: Method[Any], identity: str, version: int | None = None
) -> None:
    """Ends one, if its attachment is still at `version` (None: whatever it is). Raises Unavailable where it is not."""
    own = services.router.at(ctx.mount)
    assert own is not None
    place = own.entry.storage_prefix + attachments.key(identity, method.name)
    changes: list[Put | Delete] = [Delete(place, version)]
    mount = services.router.at(method.mount)
    if mount is not None:
        changes += await _of_plugin(services, mount, method, identity, call)
    aliases = await services.identity.fresh_aliases(identity) if mount is not None else []
    of_method = [
        DeleteAlias(one.row.id) for one in aliases if mount is not None and one.row.mount == mount.entry.accessor
    ]
    try:
        await services.documents.commit(changes, of_method)
    except Conflict:
        raise Unavailable("the method was changed at the same time, try again") from None
    finally:
        services.identity.forget()
    if mount is None:
        return
    if isinstance(mount.backend, Instances):
        await mount.backend.close(identity)
    await services.tokens.revoke_matching(call.namespace, mount=mount.entry.accessor, entity=identity)


async def _of_plugin(
    services: Services, mount: Mount, method: Method[Any], identity: str, call: Call
) -> list[Put | Delete]:
    folder = mount.entry.storage_prefix + method.folder(identity)
    view = services.documents.below(folder)
    staging = Staging(view, fresh=method.instances)
    if not method.instances and mount.backend is not None:
        plugin, ctx = running(mount, method, identity)
        await apply(plugin, ctx, staging, method.removal(identity), call)
    return await staging.changes(folder)
