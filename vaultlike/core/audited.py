"""What the pipeline tells the audit broker. Costs nothing where no device is enabled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import UNSET, Struct

from vaultlike.audit.event import AuditAuth, AuditEvent
from vaultlike.core.core import Core
from vaultlike.core.exchange import Exchange
from vaultlike.core.throttle import RateLimited
from vaultlike.errors import AuditFailed, VaultlikeError
from vaultlike.sdk import AuthInfo, Reply


async def request(core: Core, exchange: Exchange) -> None:
    """Records the request; raises AuditFailed when no required device takes it."""
    if core.audit.enabled:
        exchange.audited = True
        await core.audit.record(_event(core, exchange, "request"))


async def response(core: Core, exchange: Exchange, problem: VaultlikeError | None) -> None:
    """Records the answer (or refusal); raises AuditFailed when no required device takes it."""
    if not core.audit.enabled:
        return
    event = _event(core, exchange, "response")
    if problem is not None:
        event.error = problem.reason
    reply = exchange.reply
    if isinstance(reply, Reply) and problem is None:
        event.response_data = _mapping(reply.data)
        event.response_auth = _auth(reply.auth) if reply.auth else None
        event.response_wrap = msgspec.to_builtins(reply.wrap_info) if reply.wrap_info else None
        event.response_warnings = reply.warnings
    await core.audit.record(event)


async def refused(core: Core, exchange: Exchange, problem: VaultlikeError) -> None:
    """Records a refusal: the request too if it was refused before it could be recorded.

    When the audit itself is what failed, that failure is the answer already.
    """
    if not core.audit.enabled or isinstance(problem, AuditFailed):
        return
    if isinstance(problem, RateLimited) and not problem.recorded:
        return
    if not exchange.audited:
        await core.audit.record(_event(core, exchange, "request", problem.reason))
    await response(core, exchange, problem)


def _event(core: Core, exchange: Exchange, kind: Literal["request", "response"], error: str = "") -> AuditEvent:
    incoming, mount, call = exchange.request, exchange.mount, exchange.call
    event = AuditEvent(
        type=kind,
        at=core.clock.now(),
        request_id=incoming.id,
        operation=call.operation if call is not None else incoming.verb,
        path=incoming.path,
        namespace=core.namespace.id,
        namespace_path=core.namespace.path,
        remote=incoming.remote,
        data=call.data if call is not None else None,
        headers=incoming.headers,
        wrap_ttl=incoming.wrap_ttl,
        error=error,
    )
    if mount is not None:
        entry = mount.entry
        event.mount_path, event.mount_type, event.mount_accessor = entry.path, entry.kind, entry.accessor
        config = entry.config
        if config.audit_non_hmac_request_keys is not UNSET:
            event.clear_request_keys = config.audit_non_hmac_request_keys
        if config.audit_non_hmac_response_keys is not UNSET:
            event.clear_response_keys = config.audit_non_hmac_response_keys
    token = exchange.token
    if token is not None and call is not None and call.caller is not None:
        event.auth = AuditAuth(
            client_token=token.text,
            accessor=token.entry.accessor,
            display_name=token.entry.display_name,
            policies=call.caller.policies,
            token_policies=token.entry.policies,
            metadata=token.entry.meta,
            entity_id=token.row.entity,
            token_type=call.caller.kind,
            token_ttl=token.entry.creation_ttl,
        )
    return event


def _auth(auth: AuthInfo) -> AuditAuth:
    return AuditAuth(
        client_token=auth.client_token,
        accessor=auth.accessor,
        policies=auth.policies,
        token_policies=auth.token_policies,
        identity_policies=auth.identity_policies,
        metadata=auth.metadata,
        entity_id=auth.entity_id,
        token_type=auth.token_type,
        token_ttl=auth.lease_duration,
        num_uses=auth.num_uses,
    )


def _mapping(data: Struct | Mapping[str, object] | None) -> Mapping[str, object] | None:
    if isinstance(data, Struct):
        found: Mapping[str, object] = msgspec.to_builtins(data)
        return found
    return data
