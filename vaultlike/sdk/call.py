"""What a handler is given and what it answers: Call in, Reply (or a Struct, a mapping, None) out.

Knows nothing of HTTP: the wire renders replies, the core decides everything around the handler.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct, field

from vaultlike.errors import Denied
from vaultlike.sdk.networks import admits

Operation: TypeAlias = Literal["read", "list", "create", "update", "patch", "delete", "help", "scan", "header"]


class Check(Struct, frozen=True, gc=False):
    """One step of a login's judgement, for `sys/explain`: never holds a token or a secret."""

    name: str
    expected: object
    received: object
    ok: bool


class Caller(Struct, frozen=True, kw_only=True, gc=False):
    """Who calls, as the core established it; absent on unauthenticated paths."""

    id: bytes  # keyed HMAC of the token: the row, the cubbyhole, the lease
    accessor: str
    entity_id: str
    display_name: str
    policies: tuple[str, ...]  # all that count: the token's and the identity's
    token_policies: tuple[str, ...]
    kind: str  # "service" or "batch"
    is_root: bool
    token: str = ""  # the presented token; only the token store may look at it
    record: object = None  # what the core read of the token, for the core's own backends
    acl: object = None  # what the token may do here, likewise

    def __repr__(self) -> str:
        return f"Caller(accessor=..., entity_id={self.entity_id!r}, is_root={self.is_root})"


class Call(Struct, kw_only=True, gc=False):
    """One request as a backend sees it. `path` is relative to the mount, `data` is the raw body or query."""

    id: str  # request id, a UUID
    operation: Operation
    path: str
    mount: str  # mount path with its trailing slash, e.g. "auth/azure/"
    data: dict[str, object]
    params: dict[str, str] = field(default_factory=dict)  # captured from the path
    namespace: str = ""  # id of the namespace, "" is the root one
    remote: str = ""  # address of the caller
    headers: Mapping[str, str] = field(default_factory=dict)
    peer_certificate: bytes | None = None  # DER of the TLS client certificate
    caller: Caller | None = None
    wrap_ttl: int = 0  # seconds asked for by X-Vault-Wrap-TTL
    checks: list[Check] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    simulated: bool = False  # a dry run: nothing may be written
    bound_at_use: bool = False  # a login whose token is bound to addresses that are judged when it is used

    @property
    def name(self) -> str:
        """The captured `{name}`."""
        return self.params["name"]

    def check(self, name: str, expected: object, received: object, ok: bool) -> bool:
        """Records one check of a login in order; returns `ok`."""
        self.checks.append(Check(name, expected, received, ok))
        return ok

    def require(
        self, name: str, expected: object, received: object, ok: bool, refusal: Exception | None = None
    ) -> None:
        """Records a check and raises when it failed: `refusal`, or Denied with the reason for the operator."""
        self.checks.append(Check(name, expected, received, ok))
        if not ok:
            raise refusal or Denied(reason=f"{name}: expected {expected}, received {received}")

    def require_address(self, cidrs: tuple[str, ...]) -> None:
        """Records whether the caller's address lies in one of `token_bound_cidrs`; none bound is no check.

        For logins that refuse a wrong address before they do what costs something. Raises Denied.
        """
        if cidrs and not self.bound_at_use:
            self.require("token_bound_cidrs", list(cidrs), self.remote or "unknown", admits(cidrs, self.remote))

    def warn(self, text: str) -> None:
        """Adds a warning to the answer (shown only where an answer has a body)."""
        self.warnings.append(text)

    def __repr__(self) -> str:
        return f"Call({self.operation} {self.mount}{self.path}, id={self.id!r})"


class WrapInfo(Struct, kw_only=True):
    """The wrap_info block (spec/vault-api.md 1.8); `ttl` in seconds."""

    token: str
    accessor: str
    ttl: int
    creation_time: str
    creation_path: str
    wrapped_accessor: str = ""

    def __repr__(self) -> str:
        return f"WrapInfo(creation_path={self.creation_path!r})"


class AuthInfo(Struct, kw_only=True, gc=False):
    """The auth block (spec/vault-api.md 1.7)."""

    client_token: str
    accessor: str
    policies: tuple[str, ...]
    token_policies: tuple[str, ...]
    identity_policies: tuple[str, ...] = ()
    metadata: Mapping[str, str] | None = None
    lease_duration: int = 0
    renewable: bool = False
    entity_id: str = ""
    token_type: str = "service"
    orphan: bool = True
    num_uses: int = 0
    signed: str = ""  # the same token as the second API shows it (ADR 7)
    max_ttl: int = 0  # seconds from its creation that a signed one can be renewed to; 0: without an end

    def __repr__(self) -> str:
        return f"AuthInfo(token_type={self.token_type!r})"


class Reply(Struct, kw_only=True, gc=False):
    """An answer with all that the envelope can carry (spec/vault-api.md 1.6). Most handlers return less: see Answer."""

    data: Struct | Mapping[str, object] | None = None
    auth: AuthInfo | None = None
    wrap_info: WrapInfo | None = None
    lease_id: str = ""
    lease_duration: int = 0
    renewable: bool = False
    warnings: tuple[str, ...] = ()
    status: int = 0  # 0: the wire's rule decides (200, 204, 404)
    headers: tuple[tuple[str, str], ...] = ()
    wrapped_accessor: str = ""  # for wrap_info when data is wrapped (approle secret ids)

    def __repr__(self) -> str:
        return f"Reply(status={self.status})"


class Raw(Struct, kw_only=True):
    """A bare body outside the envelope: discovery documents, unwrap, health, metrics."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Raw({len(self.body)} bytes, status={self.status})"


Answer: TypeAlias = "Reply | Raw | Struct | Mapping[str, object] | None"
