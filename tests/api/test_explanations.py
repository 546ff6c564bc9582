"""What strangers send to a login is explained and kept, whatever it is, and never stops the keeping of the next."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from vaultlike.testing.server import TestServer

TENANT = "7ad5f1f4-5a3c-4a2b-9f6e-0d6c2f6a9b11"


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).rstrip(b"=").decode()


def _forged(**claims: object) -> str:
    """A token of the right issuer and audience by its own account; nobody signed it."""
    said = {"iss": f"https://sts.windows.net/{TENANT}/", "aud": "api://here", "exp": 4_000_000_000, **claims}
    return f"{_part({'alg': 'RS256', 'kid': 'k'})}.{_part(said)}.AAAA"


async def _explained(server: TestServer, **claims: object) -> Any:
    body = {"role": "r", "jwt": _forged(**claims)}
    refused = await server.post("auth/azure/login", body, token="")
    assert refused.status == 403
    assert server.server.core is not None
    await server.server.core.explanations.flush()
    found = await server.get(f"sys/explain/{refused.headers['X-Request-Id']}")
    assert found.status == 200
    return found.data


@pytest.mark.parametrize(
    "exp",
    [10**30, -(10**30), 10**4000, True, None, "1", [10**30], {"a": 10**30}],
    ids=lambda value: repr(value)[:12],
)
async def test_dates_of_any_size_and_type_are_explained(exp: object) -> None:
    async with TestServer() as server:
        await server.post("sys/auth/azure", {"type": "azure"})
        await server.post("auth/azure/config", {"tenant_id": TENANT, "resource": "api://here"})
        await server.post("auth/azure/role/r", {"bound_service_principal_ids": "*"})
        seen = await _explained(server, exp=exp)
        assert [check["name"] for check in seen["checks"] if not check["ok"]] == ["jwt.exp"]
        after = await _explained(server, exp=1)
        assert after["checks"][-1]["received"] == "1970-01-01T00:00:01Z"
