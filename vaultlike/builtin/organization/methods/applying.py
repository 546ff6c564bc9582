"""Runs the requests that an attachment makes of its plugin, by the plugin's own handlers, over staged storage: what the
plugin refuses is refused, and nothing of it is written before all of it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from vaultlike.builtin.organization.methods.method import Step
from vaultlike.builtin.organization.methods.staged import StagedStorage, Staging
from vaultlike.sdk import Backend, Call, Context, Login, Raw, Reply
from vaultlike.sdk.fields import fields_of
from vaultlike.sdk.routes import RouteTable


async def apply(plugin: type[Backend], ctx: Context, staging: Staging, steps: Sequence[Step], call: Call) -> list[str]:
    """The plugin's warnings. `ctx` is what the running mount (or instance) works with. Raises what the plugin raises,
    Invalid for most of what it does not like."""
    backend = plugin(structs.replace(ctx, storage=StagedStorage(staging)))
    table = RouteTable(backend.routes())
    warnings: list[str] = []
    try:
        for step in steps:
            warnings += await _run(table, ctx, step, call)
    finally:
        await backend.stop()
    return list(dict.fromkeys(warnings))


async def _run(table: RouteTable, ctx: Context, step: Step, call: Call) -> list[str]:
    hit = table.find(step.path)
    if hit is None or step.verb not in hit[0].routes:
        raise TypeError(f"the plugin has no {step.verb} {step.path}")
    place, params = hit
    owned = place.routes[step.verb]
    inner = Call(
        id=call.id,
        operation="update" if step.verb == "write" else step.verb,
        path=step.path,
        mount=ctx.mount,
        data=dict(step.data),
        params=params,
        namespace=call.namespace,
        remote=call.remote,
        caller=call.caller,
        simulated=call.simulated,
    )
    if step.verb == "write" and owned.route.exists is not None and not await owned.route.exists(owned.owner, inner):
        inner.operation = "create"
    if owned.route.body is None:
        answer = await owned(inner)
    else:
        answer = await owned(inner, fields_of(owned.route.body).convert({**inner.data, **params}))
    assert not isinstance(answer, (Login, Raw))
    return [*inner.warnings, *(answer.warnings if isinstance(answer, Reply) else ())]
