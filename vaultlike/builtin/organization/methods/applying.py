"""Runs the requests that an attachment makes of its plugin, by the plugin's own handlers, over staged storage: what the
plugin refuses is refused, and nothing of it is written before all of it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from vaultlike.builtin.organization.methods.asking import ask
from vaultlike.builtin.organization.methods.method import Step
from vaultlike.builtin.organization.methods.staged import StagedStorage, Staging
from vaultlike.sdk import Backend, Call, Context
from vaultlike.sdk.routes import RouteTable


async def apply(plugin: type[Backend], ctx: Context, staging: Staging, steps: Sequence[Step], call: Call) -> list[str]:
    """The plugin's warnings. `ctx` is what the running mount (or instance) works with. Raises what the plugin raises,
    Invalid for most of what it does not like."""
    if not steps:
        return []
    backend = plugin(structs.replace(ctx, storage=StagedStorage(staging)))
    table = RouteTable(backend.routes())
    warnings: list[str] = []
    try:
        for step in steps:
            warnings += (await ask(table, ctx.mount, step, call)).warnings
    finally:
        await backend.stop()
    return list(dict.fromkeys(warnings))
