"""One request to a plugin by one of its own handlers, as part of a request to the organization's mount."""

from __future__ import annotations

from vaultlike.builtin.organization.methods.method import Step
from vaultlike.sdk import Call, Login, Raw, Reply
from vaultlike.sdk.fields import fields_of
from vaultlike.sdk.routes import RouteTable


async def ask(table: RouteTable, mount: str, step: Step, call: Call) -> Reply:
    """What the plugin with these paths, mounted there, answers. Raises what it raises."""
    hit = table.find(step.path)
    if hit is None or step.verb not in hit[0].routes:
        raise TypeError(f"the plugin has no {step.verb} {step.path}")
    place, params = hit
    owned = place.routes[step.verb]
    inner = Call(
        id=call.id,
        operation="update" if step.verb == "write" else step.verb,
        path=step.path,
        mount=mount,
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
    reply = answer if isinstance(answer, Reply) else Reply(data=answer)
    reply.warnings = (*inner.warnings, *reply.warnings)
    return reply
