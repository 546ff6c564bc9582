"""A request's way through the house: a fixed tuple of small phases, the same for logins and everything else.

Order is the wire contract's (spec/vault-api.md 1.9): token read (which also tells whether the configuration moved, and
judges nothing yet), namespace, route, rate limit, token, ACL, audit, body, handler, login, wrap, audit. A plugin cannot
skip any of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct

from vaultlike.builtin.organization.backend import Organization
from vaultlike.core import audited, login, wrapping
from vaultlike.core.access_tokens import is_signed, namespace_of
from vaultlike.core.core import Core
from vaultlike.core.exchange import Exchange
from vaultlike.core.handler import invoke
from vaultlike.core.naming import role_of
from vaultlike.core.passing import limit_answer, seen_by
from vaultlike.core.pathhelp import mount_help, path_help
from vaultlike.core.request import Outcome, Request
from vaultlike.errors import (
    BadToken,
    Denied,
    Internal,
    Invalid,
    NoRoute,
    PermissionDenied,
    Unavailable,
    UnknownToken,
    UnsupportedOperation,
    UnsupportedPath,
    VaultlikeError,
    WrongAddress,
    WrongMethod,
    WrongPath,
)
from vaultlike.mounts.router import Mount
from vaultlike.sdk import Call, Caller, Login, Raw, Reply
from vaultlike.sdk.networks import admits
from vaultlike.sdk.routes import VERB_OF
from vaultlike.storage.engine import LAST_USE
from vaultlike.system.rate_limits import quotas
from vaultlike.system.restricted import restrict
from vaultlike.tokens.entry import Token

Phase = Callable[[Core, Exchange], Awaitable[None]]


async def handle(core: Core, request: Request) -> Outcome:
    """Runs one request. Raises VaultlikeError for every refusal; `http` renders both."""
    exchange = Exchange(request=request)
    root = core
    try:
        await read_token(root, exchange)
        core = await in_namespace(root, exchange)
        for phase in PHASES:
            await phase(core, exchange)
    except VaultlikeError as problem:
        if exchange.call is not None and exchange.call.checks and not exchange.call.checks[-1].ok:
            problem.check = exchange.call.checks[-1].name
        await audited.refused(core, exchange, problem)
        raise
    except Exception as bug:  # `http` logs it and answers 500; the record of the request must not stay without its end
        await audited.refused(core, exchange, Internal(reason=repr(bug)))
        raise
    finally:
        token = exchange.token
        if token is not None and token.row.uses_left == LAST_USE:
            await root.tokens.revoke(token.row.id)
    return exchange.outcome()


_OF_THE_TOKEN = frozenset(("auth/token/lookup-self", "auth/token/renew-self", "auth/token/revoke-self"))


async def in_namespace(root: Core, exchange: Exchange) -> Core:
    """The core of the namespace that header and path name; the request's path goes on inside it."""
    request, namespaces = exchange.request, root.namespaces
    if namespaces.only_root and not request.namespace:
        return root
    namespace, request.path = namespaces.resolve(request.namespace, request.path)
    if request.path in _OF_THE_TOKEN and exchange.token is not None:
        home = namespaces.by_id(exchange.token.row.namespace)
        if home is not None and not home.covers(namespace):  # about itself, a token is asked where it is from
            namespace, request.path = namespaces.resolve(home.path.strip("/"), request.path)
    if not namespace.id:
        return root
    restrict(request.path, request.verb)
    return await root.branches.at(namespace)


async def read_token(core: Core, exchange: Exchange) -> None:
    """One storage read: the token, and the generation that tells whether anything was configured meanwhile."""
    if exchange.request.token:
        generation = await _present(core, exchange)
    else:
        generation = await core.engine.generation()
    if generation != core.followed:
        await core.refresh(generation)
        if exchange.refusal is not None:  # the key, or the namespace, may be one that is new to this process
            exchange.refusal = None
            await _present(core, exchange)


async def _present(core: Core, exchange: Exchange) -> int:
    """Reads the token, or says why there is none; the generation of the configuration."""
    text = exchange.request.token
    if is_signed(text):
        try:
            text = await _opened(core, text)
        except BadToken as problem:
            exchange.refusal, text = problem, ""
    generation, exchange.token = await core.tokens.present(text)
    return generation


async def _opened(root: Core, text: str) -> str:
    """The token that a signed one stands for. Raises BadToken."""
    known = root.access_tokens.opened.find(text)  # whose namespace need not be read out of it again
    if known is not None:
        return known
    namespace = root.namespaces.by_id(namespace_of(text))
    if namespace is None:
        raise BadToken(reason="an access token of a namespace that is not there")
    return await (await root.branches.at(namespace)).access_tokens.open(text)


async def knows(root: Core, text: str) -> bool:
    """Whether this is a valid token, wherever and for whatever it may be used. Spends nothing."""
    if is_signed(text):
        try:
            text = await _opened(root, text)
        except BadToken:
            return False
    return bool(text) and (await root.tokens.present(text))[1] is not None


async def route(core: Core, exchange: Exchange) -> None:
    """Finds mount, path and operation; what is missing is told only after token and policy have been judged."""
    request = exchange.request
    path = request.path
    if request.verb in ("list", "scan") and not path.endswith("/"):
        path = request.path = path + "/"
    if request.verb in ("write", "patch") and path.endswith("/"):  # told to anybody, as by the reference
        raise Invalid("cannot write to a path ending in '/'")
    found = core.router.find(path)
    if found is None:
        return
    exchange.mount, exchange.rest = found
    hit = exchange.mount.table.find(exchange.rest)
    if hit is None:
        return
    exchange.place, exchange.params = hit
    verb = VERB_OF.get(request.verb, request.verb)
    exchange.owned = exchange.place.routes.get("header" if request.verb == "header" else verb)
    if exchange.owned is None and request.verb == "header":
        exchange.owned = exchange.place.routes.get("read")
    if request.verb == "scan" and exchange.owned is not None and not exchange.owned.route.scans:
        exchange.owned = None


async def limit(core: Core, exchange: Exchange) -> None:
    """Refuses a caller that asks too often, before anything is done for it (`sys/quotas`)."""
    found = await quotas(core.root_storage)
    if not found.rules:
        return
    request = exchange.request
    path = core.namespace.path + request.path
    rule = found.rule_of(path, await _role(exchange) if found.ask_role else "")
    if rule is not None:
        entity = exchange.token.row.entity if exchange.token is not None else ""
        core.throttle.count(rule, path, request.remote, entity, found)


async def _role(exchange: Exchange) -> str:
    if exchange.owned is None or exchange.owned.route.login is None:
        return ""
    exchange.request.modest()  # a login: counted before anybody has shown a token
    return await role_of(exchange.owned, exchange.params, exchange.request.decode())


async def admit(core: Core, exchange: Exchange) -> None:
    """The token must be valid where one is needed, from an admitted address, with a use left, its entity enabled."""
    request, token = exchange.request, exchange.token
    if exchange.open:
        exchange.token = None  # a bad token on an open path is ignored, a good one spends no use
        return
    if token is None:
        if exchange.refusal is not None:
            raise exchange.refusal
        raise _unknown(exchange, "the token is unknown, expired or used up" if request.token else "no token")
    exchange.token = None  # until admitted: a refusal by address costs no use
    if not core.admits(token):
        raise Denied(reason="the token is of another namespace")
    home = await core.home(token)
    maker = home.router.by_accessor(token.row.mount) if token.row.mount and not token.batch else None
    if token.row.mount and not token.batch and maker is None:
        raise UnknownToken(reason="the mount that made the token is gone")  # a login that raced with disabling it
    if token.entry.jti:
        await _admit_signed(maker, token, request.remote)
    if token.entry.bound_cidrs and not admits(token.entry.bound_cidrs, request.remote):
        raise WrongAddress(reason=f"address {request.remote} is not in {list(token.entry.bound_cidrs)}")
    if token.row.uses_left is not None and not request.uncounted:
        used = await core.tokens.use(token)
        if used is None:
            raise _unknown(exchange, "the token's last use is spent")
        token = used
    exchange.token = token
    if token.row.entity:
        exchange.entity = await home.identity.standing(token.row.entity)
        if exchange.entity is None or exchange.entity.body.disabled:
            raise UnknownToken(reason="the token's entity is disabled or gone")
    if token.entry.jti and maker is not None and isinstance(maker.backend, Organization) and not request.uncounted:
        maker.backend.used(token)
    row = token.row
    core.clients.note(row.namespace, row.entity, token.entry.policies, row.mount)


async def _admit_signed(maker: Mount | None, token: Token, remote: str) -> None:
    """A token of the second API may come from the addresses that its method names now (ADR 7)."""
    backend = maker.backend if maker is not None else None
    allowed = await backend.addresses(token.row.role) if backend is not None else None
    if allowed is None:
        raise UnknownToken(reason="the method that made the token is gone")
    if allowed and not admits(allowed, remote):
        raise WrongAddress(reason=f"address {remote} is not in {list(allowed)}")


def _unknown(exchange: Exchange, reason: str) -> VaultlikeError:
    """The refusal of a token that is none: mostly a 403, on some paths their own (Route.stranger)."""
    stranger = exchange.owned.route.stranger if exchange.owned is not None and exchange.request.token else None
    return (stranger or UnknownToken)(reason=reason)


async def prepare(core: Core, exchange: Exchange) -> None:
    """Builds the Call: body decoded to an object, operation settled (create or update)."""
    request, mount = exchange.request, exchange.mount
    token = exchange.token
    caller = None
    if token is not None:
        exchange.acl = await core.acl(token, exchange.entity)
        caller = Caller(
            id=token.row.id,
            accessor=token.entry.accessor,
            entity_id=exchange.entity.id if exchange.entity is not None else "",
            display_name=token.entry.display_name,
            policies=await (await core.home(token)).policies_of(token, exchange.entity),
            token_policies=token.entry.policies,
            kind="batch" if token.batch else "service",
            is_root=token.is_root,
            token=token.text,
            record=token,
            acl=exchange.acl,
        )
    if token is None:
        request.modest()
    data = request.decode()
    exchange.call = Call(
        id=request.id,
        operation="update" if request.verb == "write" else request.verb,
        path=exchange.rest if mount is not None else request.path,
        mount=mount.entry.path if mount is not None else "",
        data=data,
        params=exchange.params,
        remote=request.remote,
        namespace=core.namespace.id,
        headers=seen_by(mount.entry, request.headers, request.token) if mount is not None else {},
        peer_certificate=request.peer_certificate,
        caller=caller,
        wrap_ttl=request.wrap_ttl,
        simulated=request.simulated,
    )
    if request.verb == "write" and exchange.owned is not None:
        exists = exchange.owned.route.exists
        if exists is not None and not await exists(exchange.owned.owner, exchange.call):
            exchange.call.operation = "create"


async def authorize(core: Core, exchange: Exchange) -> None:
    """The policies must allow the operation; protected paths need sudo too. Open paths are nobody's to forbid."""
    if exchange.open or (exchange.owned is not None and exchange.owned.route.judged):
        return
    call, acl = exchange.call, exchange.acl
    assert call is not None and acl is not None
    path = exchange.request.path
    decision = acl.check(call.operation, path, call.data, call.wrap_ttl)
    if not decision.allowed:
        raise PermissionDenied(reason=f"policies do not allow {call.operation} on {path}: {decision.reason}")
    if exchange.owned is not None and exchange.owned.route.sudo and not decision.sudo:
        raise PermissionDenied(reason=f"{path} needs the sudo capability")


async def audit_request(core: Core, exchange: Exchange) -> None:
    """Records the request before anything happens; a device that cannot write stops the request."""
    await audited.request(core, exchange)


async def reach(core: Core, exchange: Exchange) -> None:
    """Now that the caller may know: is there such a mount, path and operation?"""
    request, mount = exchange.request, exchange.mount
    if mount is None:
        raise NoRoute(request.path)
    if mount.backend is None:
        raise Unavailable(f"the plugin {mount.entry.kind} is unavailable", reason=mount.problem)
    if exchange.place is None and (request.verb != "help" or exchange.rest):
        raise WrongPath if exchange.open else UnsupportedPath
    if exchange.owned is None and request.verb != "help":
        raise WrongMethod if exchange.open else UnsupportedOperation


async def run(core: Core, exchange: Exchange) -> None:
    """Decodes the body into the handler's Struct and runs the handler; a Login becomes a token."""
    call, mount = exchange.call, exchange.mount
    assert call is not None and mount is not None and mount.backend is not None
    if call.operation == "help":
        exchange.reply = path_help(exchange.rest, exchange.place) if exchange.rest else mount_help(mount)
        return
    assert exchange.owned is not None
    declared = exchange.owned.route
    if declared.login is not None:
        exchange.reply = await login.log_in(core, exchange)
    else:
        answer = await invoke(exchange)
        assert not isinstance(answer, Login)
        exchange.reply = _reply(answer)
        _add_warnings(exchange)
    limit_answer(mount.entry, exchange.reply)
    _add_unknown(exchange)


def _reply(answer: object) -> Reply | Raw | None:
    if answer is None or isinstance(answer, (Reply, Raw)):
        return answer
    if isinstance(answer, (Struct, dict)):
        return Reply(data=answer)
    raise TypeError(f"a handler answered a {type(answer).__name__}")


def _add_warnings(exchange: Exchange) -> None:
    call, reply = exchange.call, exchange.reply
    assert call is not None
    if call.warnings and not isinstance(reply, Raw):
        reply = exchange.reply = reply or Reply()
        reply.warnings = (*reply.warnings, *call.warnings)


def _add_unknown(exchange: Exchange) -> None:
    """Names the fields of the body that mean nothing here; logins are told too."""
    call, owned, reply = exchange.call, exchange.owned, exchange.reply
    assert call is not None and owned is not None
    if isinstance(reply, Raw):
        return
    if reply is None or owned.route.free or not call.data:
        return
    assert exchange.place is not None
    known = exchange.place.declared()
    expected = {*call.params, *_LISTING} if call.operation in ("list", "scan") else call.params
    unknown = sorted(name for name in call.data if name not in known and name not in expected)
    if unknown:
        text = f"Endpoint ignored these unrecognized parameters: [{' '.join(unknown)}]"
        reply.warnings = (*reply.warnings, text)
    if replaced := [name for name in sorted(call.params) if call.data.get(name) is not None]:
        text = "Endpoint replaced the value of these parameters with the values captured from the endpoint's path: "
        reply.warnings = (*reply.warnings, f"{text}[{' '.join(replaced)}]")


_LISTING = ("list", "scan")  # query parameters of every list


async def wrap(core: Core, exchange: Exchange) -> None:
    """Puts the answer behind a single-use token where the caller asked for that."""
    if exchange.request.wrap_ttl > 0:
        await wrapping.wrap(core.tokens, exchange)


async def audit_response(core: Core, exchange: Exchange) -> None:
    """Records the answer before it leaves."""
    await audited.response(core, exchange, None)


PHASES: tuple[Phase, ...] = (
    route,
    limit,
    admit,
    prepare,
    authorize,
    audit_request,
    reach,
    run,
    wrap,
    audit_response,
)
