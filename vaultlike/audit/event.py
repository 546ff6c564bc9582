"""One audit event, before redaction: what was asked or answered, by whom. Devices never see it unredacted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct


class AuditAuth(Struct, kw_only=True, omit_defaults=True):
    """Whose token it was, or (in a response) the token that was made."""

    client_token: str = ""
    accessor: str = ""
    display_name: str = ""
    policies: tuple[str, ...] = ()
    token_policies: tuple[str, ...] = ()
    identity_policies: tuple[str, ...] = ()
    metadata: Mapping[str, str] | None = None
    entity_id: str = ""
    token_type: str = ""
    token_ttl: int = 0  # seconds
    num_uses: int = 0

    def __repr__(self) -> str:
        return f"AuditAuth(token_type={self.token_type!r})"


class AuditEvent(Struct, kw_only=True):
    """A request, or a request with its response. `at` in Unix seconds; `error` is the public and private reason."""

    type: Literal["request", "response"]
    at: float
    request_id: str
    operation: str
    path: str
    mount_path: str = ""
    mount_type: str = ""
    mount_accessor: str = ""
    namespace: str = ""  # id, "" is the root one
    namespace_path: str = ""
    remote: str = ""
    data: Mapping[str, object] | None = None
    headers: Mapping[str, str]
    wrap_ttl: int = 0
    auth: AuditAuth | None = None
    clear_request_keys: tuple[str, ...] = ()  # audit_non_hmac_request_keys of the mount
    clear_response_keys: tuple[str, ...] = ()
    response_auth: AuditAuth | None = None
    response_data: Mapping[str, object] | None = None
    response_wrap: Mapping[str, object] | None = None
    response_warnings: tuple[str, ...] = ()
    error: str = ""

    def __repr__(self) -> str:
        return f"AuditEvent({self.type} {self.operation} {self.path!r})"
