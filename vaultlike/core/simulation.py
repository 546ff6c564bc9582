"""Dry runs of logins: the real handler and the real core step, with nothing minted and nothing written."""

from __future__ import annotations

from vaultlike.core import explain
from vaultlike.core.exchange import Exchange
from vaultlike.core.explain import Explanation
from vaultlike.core.handler import invoke
from vaultlike.core.issuing import issue
from vaultlike.core.lockout import Lockouts, own_rules
from vaultlike.core.naming import role_of
from vaultlike.core.passing import seen_by
from vaultlike.core.request import Request
from vaultlike.errors import Invalid, NotFound, VaultlikeError
from vaultlike.sdk import Call, Login
from vaultlike.services import Services


async def simulate(
    services: Services, lockouts: Lockouts, call: Call, path: str, data: dict[str, object]
) -> Explanation:
    """Explains what a login at `path` (e.g. `auth/azure/login`) with `data` would come to, from the caller's address.

    Raises NotFound where no method is mounted, Invalid where the path is no login.
    """
    found = services.router.find(path)
    if found is None:
        raise NotFound(f"nothing is mounted at {path}")
    mount, rest = found
    hit = mount.table.find(rest)
    owned = hit[0].routes.get("write") if hit else None
    if hit is None or owned is None or owned.route.login is None or mount.backend is None:
        raise Invalid(f"{path} is not a login")
    facts = owned.route.login
    headers = seen_by(mount.entry, call.headers, call.caller.token if call.caller is not None else "")
    trial = Call(
        id=call.id, operation="update", path=rest, mount=mount.entry.path, data=data, params=hit[1],
        namespace=call.namespace, remote=call.remote, headers=headers, peer_certificate=call.peer_certificate,
        simulated=True,
    )  # fmt: skip
    request = Request(id=call.id, verb="write", path=path, decode=dict, render=lambda _: None, headers=call.headers)
    exchange = Exchange(request=request, mount=mount, owned=owned, params=hit[1], rest=rest, call=trial)
    role = await role_of(owned, trial.params, data)
    problem: Exception | None = None
    try:
        await lockouts.admit(mount.entry, facts, trial, await own_rules(services.router, mount.entry, role, trial))
        assertion = await invoke(exchange)
        if isinstance(assertion, Login):
            await issue(services, mount.entry, trial, assertion)
    except VaultlikeError as refusal:
        problem = refusal
    return explain.explain(trial, services.clock.now(), mount.entry.kind, role, problem)
