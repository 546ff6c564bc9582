"""One audit event as a line of JSON, in the shape that readers of Vault's audit logs expect."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from vaultlike.audit.event import AuditAuth, AuditEvent
from vaultlike.audit.redact import Redactor
from vaultlike.clock import rfc3339

ALWAYS_HASHED = frozenset(("x-vault-token", "authorization", "proxy-authorization", "cookie"))
_encode = msgspec.json.Encoder(enc_hook=str).encode


def line(event: AuditEvent, redactor: Redactor, headers: Mapping[str, bool]) -> bytes:
    """The event with its newline. `headers`: which request headers to record, by lower-case name; true hashes them."""
    record: dict[str, object] = {"time": rfc3339(event.at), "type": event.type}
    auth = event.auth
    token = redactor.secret(auth.client_token) if auth is not None else ""
    accessor = redactor.accessor(auth.accessor) if auth is not None else ""
    if auth is not None:
        record["auth"] = _auth(auth, token, accessor)
    record["request"] = _request(event, redactor, headers, token, accessor)
    if event.type == "response":
        record["response"] = _response(event, redactor)
    if event.error:
        record["error"] = redactor.text(event.error)
    return _encode(record) + b"\n"


def _auth(auth: AuditAuth, token: str, accessor: str) -> dict[str, object]:
    shown: dict[str, object] = {}
    if token:
        shown["client_token"] = token
    if accessor:
        shown["accessor"] = accessor
    for name, value in (
        ("display_name", auth.display_name),
        ("policies", auth.policies),
        ("token_policies", auth.token_policies),
        ("identity_policies", auth.identity_policies),
        ("metadata", auth.metadata),
        ("entity_id", auth.entity_id),
        ("token_type", auth.token_type),
        ("token_ttl", auth.token_ttl),
        ("num_uses", auth.num_uses),
    ):
        if value:
            shown[name] = value
    return shown


def _request(
    event: AuditEvent, redactor: Redactor, headers: Mapping[str, bool], token: str, accessor: str
) -> dict[str, object]:
    shown: dict[str, object] = {"id": event.request_id, "operation": event.operation}
    if event.auth is not None and event.auth.entity_id:
        shown["client_id"] = event.auth.entity_id
    if token:
        shown["client_token"] = token
    if accessor:
        shown["client_token_accessor"] = accessor
    _mount(shown, event)
    shown["namespace"] = {"id": event.namespace, "path": event.namespace_path} if event.namespace else {"id": "root"}
    shown["path"] = redactor.text(event.path)
    if event.data:
        shown["data"] = redactor.data(event.data, event.clear_request_keys)
    if event.remote:
        shown["remote_address"] = event.remote
    if event.wrap_ttl:
        shown["wrap_ttl"] = event.wrap_ttl
    if headers:
        found = _headers(event.headers, headers, redactor)
        if found:
            shown["headers"] = found
    return shown


def _response(event: AuditEvent, redactor: Redactor) -> dict[str, object]:
    shown: dict[str, object] = {}
    _mount(shown, event)
    auth = event.response_auth
    if auth is not None:
        shown["auth"] = _auth(auth, redactor.secret(auth.client_token), redactor.accessor(auth.accessor))
    if event.response_data:
        listing = event.operation in ("list", "scan")
        shown["data"] = redactor.data(event.response_data, event.clear_response_keys, listing=listing)
    if event.response_wrap:
        wrap = dict(event.response_wrap)
        wrap["token"] = redactor.secret(str(wrap.get("token", "")))
        for name in ("accessor", "wrapped_accessor"):
            if wrap.get(name):
                wrap[name] = redactor.accessor(str(wrap[name]))
        shown["wrap_info"] = wrap
    if event.response_warnings:
        shown["warnings"] = list(event.response_warnings)
    return shown


def _mount(shown: dict[str, object], event: AuditEvent) -> None:
    if event.mount_path:
        shown["mount_point"] = event.mount_path
        shown["mount_type"] = event.mount_type
        shown["mount_accessor"] = event.mount_accessor
        shown["mount_class"] = "auth" if event.mount_path.startswith("auth/") else "secret"


def _headers(sent: Mapping[str, str], wanted: Mapping[str, bool], redactor: Redactor) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in sent.items():
        low = name.lower()
        if low in wanted:
            hashed = wanted[low] or low in ALWAYS_HASHED
            found.setdefault(low, []).append(redactor.secret(value) if hashed else value)
    return found
