"""From an assertion to a token: everything after a plugin has said who it is (STYLE.md, rule 1).

Refused logins write nothing but an explanation. A simulated login is the same code with nothing minted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultlike.core import explain
from vaultlike.core.exchange import Exchange
from vaultlike.core.lockout import Attempt
from vaultlike.errors import Denied, Invalid, InvalidCredentials, Unavailable, VaultlikeError
from vaultlike.identity.store import Recognised
from vaultlike.mounts.entry import MountEntry
from vaultlike.sdk import AuthInfo, Call, Login, Raw, Reply
from vaultlike.sdk.networks import admits
from vaultlike.storage.engine import Conflict
from vaultlike.tokens.store import NewToken
from vaultlike.tokens.ttl import Lifetime, Limits, lifetime

if TYPE_CHECKING:
    from vaultlike.core.core import Core

INTERNAL_POLICIES = frozenset(("response-wrapping", "control-group"))
MAX_ALIAS = 512  # characters


async def log_in(core: Core, exchange: Exchange) -> Reply | Raw | None:
    """Runs the login handler and mints the token; records the explanation of either end."""
    from vaultlike.core.pipeline import invoke

    call, mount, owned = exchange.call, exchange.mount, exchange.owned
    assert call is not None and mount is not None and owned is not None
    facts = owned.route.login
    assert facts is not None
    role = str(call.data.get(facts.role, ""))
    problem: Exception | None = None
    attempt: Attempt | None = None
    try:
        attempt = await core.lockouts.admit(mount.entry, facts, call)
        assertion = await invoke(exchange)
        if not isinstance(assertion, Login):  # a step of a longer exchange, e.g. the address to visit
            return assertion if isinstance(assertion, (Reply, Raw)) else Reply(data=assertion)  # type: ignore[arg-type]
        if attempt is not None:
            await core.lockouts.passed(attempt, call)
        return await issue(core, mount.entry, call, assertion)
    except VaultlikeError as refusal:
        problem = refusal
        if attempt is not None and isinstance(refusal, InvalidCredentials):
            await core.lockouts.failed(attempt)
        raise
    finally:
        core.explanations.add(explain.explain(call, core.clock.now(), mount.entry.kind, role, problem))


async def issue(core: Core, mount: MountEntry, call: Call, login: Login) -> Reply:
    """Turns an assertion into a token. Raises Denied or Invalid; then nothing was written."""
    params = login.token
    name = login.alias.name
    if not name or len(name) > MAX_ALIAS or not name.isprintable():
        raise Denied(reason="the login names nobody: its alias is empty, too long or unprintable")
    if params.token_bound_cidrs and not login.bound_at_use:
        inside = admits(params.token_bound_cidrs, call.remote)
        call.require("token_bound_cidrs", list(params.token_bound_cidrs), call.remote, inside)
    policies = token_policies(params.token_policies, default=not params.token_no_default_policy)
    life = lifetime(limits_of(core, mount, login), now=core.clock.now(), issued_at=core.clock.now())
    batch = token_type(mount, params.token_type) == "batch"
    if batch and params.token_num_uses:  # the mount forces batch tokens: dropping the limit would lift it
        raise Invalid('batch tokens cannot have "num_uses" set')
    if params.token_strictly_bind_ip:
        call.require("token_strictly_bind_ip", "a known address", call.remote or "none", bool(call.remote))
    groups = (await core.groups.index()).matching(mount.accessor, login.groups) if login.groups else set()
    for _ in range(3):
        who = await core.identity.recognise(call.namespace, mount.accessor, name, dict(login.alias.metadata), groups)
        call.require("entity enabled", True, not who.entity.body.disabled, not who.entity.body.disabled)
        new = _new_token(mount, call, login, policies, life, who, batch)
        if call.simulated:
            return Reply(warnings=(*call.warnings, *life.warnings))
        await core.groups.note_members(who.entity.id, who.joined)
        try:
            token = await core.tokens.mint(new, who.ops)
        except Conflict:
            continue  # another first login of the same alias was faster: it is known now
        if who.ops:
            core.identity.forget()
        await core.groups.note_members(who.entity.id, (), who.left)
        extra = await core.identity_policies(who.entity)
        auth = AuthInfo(
            client_token=token.text,
            accessor=token.entry.accessor,
            policies=tuple(sorted({*policies, *extra})),
            token_policies=policies,
            identity_policies=extra,
            metadata=dict(login.metadata) or None,
            lease_duration=life.ttl,
            renewable=new.renewable,
            entity_id=who.entity.id,
            token_type="batch" if batch else "service",
            num_uses=params.token_num_uses,
        )
        return Reply(auth=auth, warnings=life.warnings)
    raise Unavailable("too many concurrent first logins of one alias", reason=f"alias {name} at {mount.path}")


def _new_token(
    mount: MountEntry, call: Call, login: Login, policies: tuple[str, ...], life: Lifetime, who: Recognised, batch: bool
) -> NewToken:
    params = login.token
    prefix = mount.path.removeprefix("auth/").replace("/", "-")
    cidrs = params.token_bound_cidrs
    if params.token_strictly_bind_ip:
        cidrs = (call.remote,)
    return NewToken(
        path=call.mount + call.path,
        policies=policies,
        display_name=(prefix + login.display_name).strip("-"),
        ttl=life.ttl,
        mount=mount.accessor,
        role=login.role,
        entity=who.entity.id,
        renewable=login.renewable and not batch,
        meta=dict(login.metadata) or None,
        explicit_max_ttl=params.token_explicit_max_ttl,
        period=params.token_period,
        num_uses=params.token_num_uses,
        bound_cidrs=cidrs,
        memo=dict(login.memo),
        alias=login.alias.name,
        groups=login.groups,
        max_ttl=params.token_max_ttl,
        batch=batch,
    )


def token_policies(names: tuple[str, ...], *, default: bool) -> tuple[str, ...]:
    """The sanitized policies of a login: lower case, each once, sorted; never root, never an internal one."""
    clean = {name.strip().lower() for name in names} - {""}
    if default:
        clean.add("default")
    if "root" in clean:
        raise Invalid("auth methods cannot create root tokens")
    if internal := clean & INTERNAL_POLICIES:
        raise Invalid(f"auth methods cannot assign the internal policies {sorted(internal)}")
    return tuple(sorted(clean))


def token_type(mount: MountEntry, of_role: str) -> str:
    """`service` or `batch`: the mount's fixed type wins, then the role's, then the mount's default (spec 4)."""
    fixed = mount.config.token_type
    if fixed in ("service", "batch"):
        return fixed
    if of_role in ("service", "batch"):
        return of_role
    return "batch" if fixed == "default-batch" else "service"


def limits_of(core: Core, mount: MountEntry, login: Login) -> Limits:
    """What bounds the life of a login's token."""
    params = login.token
    return Limits(
        mount_default=core.default_ttl(mount),
        mount_max=core.max_ttl(mount),
        ttl=params.token_ttl,
        max_ttl=params.token_max_ttl,
        period=params.token_period,
        explicit_max_ttl=params.token_explicit_max_ttl,
    )
