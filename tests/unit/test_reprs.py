"""What carries tokens, bodies or headers through the house shows none of them when it is printed."""

from __future__ import annotations

import pytest
from msgspec import Struct

from vaultlike.audit.event import AuditAuth, AuditEvent
from vaultlike.http.message import Incoming, Outgoing
from vaultlike.sdk import AuthInfo, Call, Caller, Raw, Reply, WrapInfo
from vaultlike.tokens.store import NewToken

S = "canary-7731"
HEADERS = {"X-Vault-Token": S}
AUTH = AuthInfo(client_token=S, accessor=S, policies=(), token_policies=())
WRAP = WrapInfo(token=S, accessor=S, ttl=1, creation_time="", creation_path="p")
CALLER = Caller(
    id=S.encode(), accessor=S, entity_id="", display_name="", policies=(), token_policies=(), kind="service",
    is_root=False, token=S,
)  # fmt: skip
AUDITED = AuditAuth(client_token=S, accessor=S)


@pytest.mark.parametrize(
    "carrier",
    [
        AUTH,
        WRAP,
        CALLER,
        Call(
            id="i", operation="update", path="login", mount="auth/x/", data={"jwt": S}, headers=HEADERS, caller=CALLER
        ),
        Reply(data={"secret": S}, auth=AUTH, wrap_info=WRAP),
        Raw(body=S.encode()),
        AUDITED,
        AuditEvent(
            type="request", at=0.0, request_id="i", operation="read", path="p", headers=HEADERS, auth=AUDITED,
            data={"a": S}, response_data={"a": S},
        ),
        Incoming("POST", "/v1/x", S, HEADERS, S.encode(), "", None, True),
        Outgoing(200, S.encode()),
        NewToken(path="p", policies=(), display_name="", ttl=1, text=S),
    ],
    ids=lambda carrier: type(carrier).__name__,
)  # fmt: skip
def test_no_secret_is_printed(carrier: Struct) -> None:
    assert S not in repr(carrier)
    assert type(carrier).__name__ in repr(carrier)
