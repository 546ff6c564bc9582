"""`sys/leases`: tokens seen as leases."""

from __future__ import annotations

from typing import Any

import pytest

from vaultlike.testing.server import TestServer


async def _login(server: TestServer, name: str) -> str:
    await server.post(f"auth/m/users/{name}", {"password": "pw", "token_ttl": "1h"})
    token: str = (await server.post(f"auth/m/login/{name}", {"password": "pw"}, token="")).auth["client_token"]
    return token


async def _alive(server: TestServer, token: str) -> bool:
    return (await server.get("auth/token/lookup-self", token=token)).status == 200


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ("lookup", {}, "lease_id must be specified"),
        ("lookup", {"lease_id": "auth/m/login/bob/nothing"}, "invalid lease"),
        ("lookup", {"lease_id": "auth/m/login/bob/h" + "0" * 64}, "invalid lease"),
        ("renew", {}, "lease_id must be specified"),
        ("renew", {"lease_id": "x"}, "lease not found"),
        ("renew/x/y", {}, "lease not found"),
        ("revoke", {}, "lease_id must be specified"),
        ("revoke", {"lease_id": 5}, "invalid lease ID"),
    ],
)
async def test_what_is_refused(server: TestServer, path: str, body: dict[str, Any], text: str) -> None:
    answer = await server.post(f"sys/leases/{path}", body)
    assert (answer.status, answer.errors) == (400, [text])


@pytest.mark.parametrize("verb", ["revoke-prefix", "revoke-force"])
async def test_ending_by_prefix_needs_sudo(server: TestServer, verb: str) -> None:
    await server.post("sys/auth/m", {"type": "people"})
    bob = await _login(server, "bob")
    policy = 'path "sys/leases/*" { capabilities = ["update", "list"] }'
    await server.post("sys/policies/acl/x", {"policy": policy})
    token = await server.token("x")
    assert (await server.post(f"sys/leases/{verb}/auth/m", token=token)).status == 403
    assert (await server.list("sys/leases/lookup/auth", token=token)).status == 403
    assert await _alive(server, bob)
    assert (await server.post(f"sys/leases/{verb}/", {})).status == 400


async def test_leases_are_found_where_they_were_made(server: TestServer) -> None:
    await server.post("sys/auth/m", {"type": "people"})
    await _login(server, "bob")
    assert (await server.list("sys/leases/lookup/auth/m")).data["keys"] == ["login/"]
    assert (await server.list("sys/leases/lookup/auth/m/login/")).data["keys"] == ["bob/"]
    (leaf,) = (await server.list("sys/leases/lookup/auth/m/login/bob")).data["keys"]
    lease = f"auth/m/login/bob/{leaf}"
    server.clock.advance(600)
    shown = (await server.post("sys/leases/lookup", {"lease_id": lease})).data
    assert (shown["id"], shown["ttl"], shown["last_renewal"]) == (lease, 3000, None)
    for path in ("sys/leases/renew", "sys/renew", f"sys/leases/renew/{lease}"):
        answer = await server.post(path, {"lease_id": lease})
        assert answer.errors == ["tokens cannot be renewed through this endpoint"]
    assert (await server.list("sys/leases/lookup/auth/none")).status == 404
    assert (await server.post("sys/leases/lookup", {"lease_id": lease.replace("bob", "eve")})).status == 400


@pytest.mark.parametrize(("sync", "status"), [(True, 204), (False, 202), (None, 204)])
async def test_revoking_one(server: TestServer, sync: bool | None, status: int) -> None:
    await server.post("sys/auth/m", {"type": "people"})
    bob, eve = await _login(server, "bob"), await _login(server, "eve")
    (leaf,) = (await server.list("sys/leases/lookup/auth/m/login/bob")).data["keys"]
    body = {"lease_id": f"auth/m/login/bob/{leaf}"} | ({} if sync is None else {"sync": sync})
    assert (await server.post("sys/leases/revoke", body)).status == status
    assert (await _alive(server, bob), await _alive(server, eve)) == (False, True)
    assert (await server.post("sys/leases/revoke", body)).status == status


async def test_a_prefix_ends_at_a_slash(server: TestServer) -> None:
    await server.post("sys/auth/m", {"type": "people"})
    bob, bobby = await _login(server, "bob"), await _login(server, "bobby")
    assert (await server.post("sys/leases/revoke-prefix/auth/m/login/bob")).status == 204
    assert (await _alive(server, bob), await _alive(server, bobby)) == (False, True)
    assert (await server.post("sys/revoke-force/auth/m")).status == 204
    assert not await _alive(server, bobby)


async def test_counts_and_tidy(server: TestServer) -> None:
    assert (await server.post("sys/leases/tidy")).status == 202
    assert (await server.get("sys/leases/count?type=irrevocable")).data == {"lease_count": 0, "counts": {}}
    assert (await server.get("sys/leases?type=irrevocable")).data == {"lease_count": 0, "leases": []}
    for path in ("leases/count", "leases", "leases/count?type=all", "leases?type=all"):
        assert (await server.get(f"sys/{path}")).status == 404, path
    assert (await server.get("sys/leases?type=irrevocable&limit=none")).status == 200
    assert (await server.get("sys/leases?type=irrevocable&limit=x")).status == 400
