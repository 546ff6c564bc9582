"""From an assertion to a token: a plugin proves who somebody is, everything after that is decided here.

A simulated login goes through the same code, with nothing minted.
"""

from __future__ import annotations

from msgspec import structs

from vaultlike.builtin.organization.instances import METHOD
from vaultlike.errors import Denied, Invalid, Unavailable
from vaultlike.identity.store import Recognised
from vaultlike.mounts.entry import MountEntry
from vaultlike.sdk import Alias, AuthInfo, Call, Login, Reply
from vaultlike.services import Services
from vaultlike.storage.engine import Conflict, InsertEntity
from vaultlike.tokens.store import NewToken
from vaultlike.tokens.ttl import Lifetime, Limits, lifetime

INTERNAL_POLICIES = frozenset(("response-wrapping", "control-group"))
MAX_ALIAS = 512  # characters
ATTEMPTS = 3  # first logins of one alias at the same moment: all but one begin again


async def issue(services: Services, mount: MountEntry, call: Call, login: Login) -> Reply:
    """Turns an assertion into a token. Raises Denied or Invalid; then nothing was written."""
    if mount.of_organization and not mount.instances:  # an instance has said so itself
        login = _of_identity(mount, login)
    params = login.token
    name = login.alias.name
    if not name or len(name) > MAX_ALIAS or not name.isprintable():
        raise Denied(reason="the login names nobody: its alias is empty, too long or unprintable")
    if not login.bound_at_use and not mount.of_organization:
        call.require_address(params.token_bound_cidrs)
    policies = token_policies(params.token_policies, default=not params.token_no_default_policy)
    life = lifetime(limits_of(services, mount, login), now=services.clock.now(), issued_at=services.clock.now())
    batch = token_type(mount, params.token_type) == "batch"
    if batch and params.token_num_uses:  # the mount forces batch tokens: dropping the limit would lift it
        raise Invalid('batch tokens cannot have "num_uses" set')
    if params.token_strictly_bind_ip:
        call.require("token_strictly_bind_ip", "a known address", call.remote or "none", bool(call.remote))
    groups = (await services.groups.index()).matching(mount.accessor, login.groups) if login.groups else set()
    for _ in range(ATTEMPTS):
        who = await services.identity.recognise(
            call.namespace, mount.accessor, name, dict(login.alias.metadata), groups
        )
        call.require("entity enabled", True, not who.entity.body.disabled, not who.entity.body.disabled)
        if mount.of_organization:
            known = not any(isinstance(op, InsertEntity) for op in who.ops)
            call.require("identity", "a known one", "known" if known else "unknown", known)
        new = _new_token(mount, call, login, policies, life, who, batch)
        if mount.of_organization and not batch:
            new = services.named(new)
        if call.simulated:
            return Reply(warnings=(*call.warnings, *life.warnings))
        await services.groups.note_members(who.entity.id, who.joined)
        try:
            token = await services.tokens.mint(new, who.ops)
        except Conflict:
            continue  # another first login of the same alias was faster: it is known now
        if who.changed:
            services.identity.forget()
        await services.groups.note_members(who.entity.id, (), who.left)
        extra = await services.identity_policies(who.entity)
        signed = await services.signed(token, life.ttl) if token.entry.jti else ""
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
            signed=signed,
            max_ttl=0 if params.token_period else params.token_max_ttl,
        )
        return Reply(auth=auth, warnings=life.warnings)
    raise Unavailable("too many concurrent first logins of one alias", reason=f"alias {name} at {mount.path}")


def _of_identity(mount: MountEntry, login: Login) -> Login:
    """A login by a role that has an identity's name is the identity's, whatever the method proved."""
    memo = {**login.memo, METHOD: (mount.options or {}).get(METHOD, "")}
    return structs.replace(login, alias=Alias(login.role, login.alias.metadata), groups=(), memo=memo)


def _new_token(
    mount: MountEntry, call: Call, login: Login, policies: tuple[str, ...], life: Lifetime, who: Recognised, batch: bool
) -> NewToken:
    params = login.token
    prefix = mount.path.removeprefix("auth/").replace("/", "-")
    cidrs = params.token_bound_cidrs
    if params.token_strictly_bind_ip:
        cidrs = (call.remote,)
    elif mount.of_organization and not batch:
        cidrs = ()  # judged at each use by the role of that time
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


def limits_of(services: Services, mount: MountEntry, login: Login) -> Limits:
    """What bounds the life of a login's token."""
    params = login.token
    return Limits(
        mount_default=services.default_ttl(mount),
        mount_max=services.max_ttl(mount),
        ttl=params.token_ttl,
        max_ttl=params.token_max_ttl,
        period=params.token_period,
        explicit_max_ttl=params.token_explicit_max_ttl,
    )
