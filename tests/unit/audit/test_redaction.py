"""No secret stands in a record: canaries everywhere, every option, and the shape that readers of the log expect."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import msgspec
import pytest

from tests.unit.audit.conftest import request, response
from vaultlike.audit.event import AuditEvent
from vaultlike.audit.record import line
from vaultlike.audit.redact import MAX_DEPTH, Redactor

KEY = bytes(range(32))


def shown(event: AuditEvent, redactor: Redactor | None = None, headers: dict[str, bool] | None = None) -> Any:
    raw = line(event, redactor or Redactor(KEY), headers or {})
    assert raw.endswith(b"\n") and raw.count(b"\n") == 1
    return msgspec.json.decode(raw)


def hashed(text: str) -> str:
    return "hmac-sha256:" + hmac.digest(KEY, text.encode(), hashlib.sha256).hex()


@pytest.mark.parametrize("text", ["", "a", "x" * 1000, "ü\ud800"])
def test_the_hash_is_hmac_sha256(text: str) -> None:
    expected = hmac.digest(KEY, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()
    assert Redactor(KEY).hash(text) == f"hmac-sha256:{expected}"


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Redactor(b"short")


@pytest.mark.parametrize("make", [request, response])
@pytest.mark.parametrize("headers", [{}, {"x-vault-token": False, "user-agent": True}])
def test_no_canary_is_in_clear(make: Any, headers: dict[str, bool]) -> None:
    raw = line(make(), Redactor(KEY), headers)
    assert b"CANARY" not in raw and b"987654321" not in raw


def test_values_below_any_depth_are_hashed() -> None:
    value: object = "CANARY"
    for _ in range(MAX_DEPTH * 4):
        value = {"x": [value]}
    raw = line(request(data={"top": value}), Redactor(KEY), {})
    assert b"CANARY" not in raw and b"hmac-sha256:" in raw


def test_tokens_in_paths_and_errors_are_hashed() -> None:
    token = "hvs.CANARYabc_-def"
    record = shown(request(path=f"auth/token/lookup/{token}", error=f'no handler for route "nope/{token}"'))
    assert record["request"]["path"] == f"auth/token/lookup/{hashed(token)}"
    assert "CANARY" not in record["error"] and hashed(token) in record["error"]


def test_the_shape_of_a_request() -> None:
    record = shown(request(wrap_ttl=60, error="permission denied"))
    token, accessor = hashed("hvs.CANARYtoken"), hashed("CANARYaccessor")
    assert record["time"] == "2026-01-01T00:00:00.250000Z" and record["type"] == "request"
    assert record["error"] == "permission denied" and "response" not in record
    assert record["auth"] == {
        "client_token": token, "accessor": accessor, "display_name": "bob", "policies": ["default", "dev"],
        "token_policies": ["default"], "identity_policies": ["dev"], "metadata": {"user": "bob"},
        "entity_id": "entity-1", "token_type": "service", "token_ttl": 3600,
    }  # fmt: skip
    assert record["request"] == {
        "id": "id-1", "operation": "update", "client_id": "entity-1", "client_token": token,
        "client_token_accessor": accessor, "mount_point": "secret/", "mount_type": "kv", "mount_accessor": "kv_1",
        "mount_class": "secret", "namespace": {"id": "root"}, "path": "secret/data/x", "remote_address": "127.0.0.1",
        "wrap_ttl": 60,
        "data": {
            "password": hashed("CANARY"), "pin": hashed("987654321"), "on": True, "no": None,
            "deep": {"l": [hashed("CANARY"), {"k": hashed("CANARY")}]},
        },
    }  # fmt: skip


def test_the_shape_of_a_response() -> None:
    record = shown(response())
    answer = record["response"]
    assert record["request"]["id"] == "id-1"
    assert answer["auth"]["client_token"] == hashed("hvs.CANARYnew")
    assert answer["auth"]["accessor"] == hashed("CANARYaccessor2")
    assert answer["data"]["data"] == {"password": hashed("CANARY"), "pin": hashed("987654321")}
    assert answer["wrap_info"] == {
        "token": hashed("hvs.CANARYwrap"), "accessor": hashed("CANARYa"), "wrapped_accessor": hashed("CANARYb"),
        "ttl": 60,
    }  # fmt: skip


def test_exempt_keys_are_exempt_at_the_top_only() -> None:
    data = {"name": "clear", "deep": {"name": "CANARY"}, "password": "CANARY"}
    record = shown(request(data=data, clear_request_keys=("name",)))
    assert record["request"]["data"]["name"] == "clear"
    assert record["request"]["data"]["deep"]["name"] == hashed("CANARY")
    record = shown(response(response_data=data, clear_response_keys=("name",), clear_request_keys=("password",)))
    assert record["response"]["data"]["name"] == "clear"
    assert record["response"]["data"]["password"] == hashed("CANARY")


def test_headers_are_recorded_only_when_asked_for() -> None:
    assert "headers" not in shown(request())["request"]
    record = shown(request(), headers={"x-trace": False, "user-agent": True, "x-vault-token": False, "absent": True})
    assert record["request"]["headers"] == {
        "x-trace": ["trace-7"], "user-agent": [hashed("CANARYagent")], "x-vault-token": [hashed("hvs.CANARYtoken")],
    }  # fmt: skip


def test_options() -> None:
    record = shown(response(), Redactor(KEY, accessors=False))
    assert record["auth"]["accessor"] == "CANARYaccessor"
    assert record["response"]["wrap_info"]["accessor"] == "CANARYa"
    assert record["auth"]["client_token"] == hashed("hvs.CANARYtoken")
    record = shown(response(), Redactor(KEY, raw=True))
    assert record["request"]["data"]["password"] == "CANARY" and record["response"]["data"]["data"]["pin"] == 987654321
    assert record["auth"]["client_token"] == "hvs.CANARYtoken"
    listing = response(operation="list", response_data={"keys": ["CANARY", "b"], "key_info": {"CANARY": {"n": "x"}}})
    record = shown(listing, Redactor(KEY, elide_lists=True))
    assert record["response"]["data"] == {"keys": 2, "key_info": 1}
    record = shown(response(response_data={"keys": ["CANARY"]}), Redactor(KEY, elide_lists=True))
    assert record["response"]["data"] == {"keys": [hashed("CANARY")]}
