"""A login, from its handler's assertion to the token, with its lockout and its explanation around it.

Refused logins write nothing but an explanation.
"""

from __future__ import annotations

from vaultlike.core import explain
from vaultlike.core.core import Core
from vaultlike.core.exchange import Exchange
from vaultlike.core.handler import invoke
from vaultlike.core.issuing import issue
from vaultlike.core.lockout import Attempt, own_rules
from vaultlike.core.naming import role_of
from vaultlike.errors import InvalidCredentials, VaultlikeError
from vaultlike.sdk import Login, Raw, Reply


async def log_in(core: Core, exchange: Exchange) -> Reply | Raw | None:
    """Runs the login handler and mints the token; records the explanation of either end."""
    call, mount, owned = exchange.call, exchange.mount, exchange.owned
    assert call is not None and mount is not None and owned is not None
    facts = owned.route.login
    assert facts is not None
    role = await role_of(owned, call.params, call.data)
    problem: Exception | None = None
    attempt: Attempt | None = None
    try:
        attempt = await core.lockouts.admit(
            mount.entry, facts, call, await own_rules(core.router, mount.entry, role, call)
        )
        assertion = await invoke(exchange)
        if not isinstance(assertion, Login):  # a step of a longer exchange, e.g. the address to visit
            return assertion if isinstance(assertion, (Reply, Raw)) else Reply(data=assertion)  # type: ignore[arg-type]
        if attempt is not None:
            await core.lockouts.passed(attempt, call, settled=assertion.spent)
        reply = await issue(core, mount.entry, call, assertion)
        if reply.auth is not None:
            core.clients.note(core.namespace.id, reply.auth.entity_id, reply.auth.policies, mount.entry.accessor)
        return reply
    except VaultlikeError as refusal:
        problem = refusal
        if attempt is not None and isinstance(refusal, InvalidCredentials):
            await core.lockouts.failed(attempt)
        raise
    finally:
        core.explanations.add(explain.explain(call, core.clock.now(), mount.entry.kind, role, problem))
