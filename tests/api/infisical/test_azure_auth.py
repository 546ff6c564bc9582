"""azure-auth beside an imaginary Azure: which tokens let in, and with what status the others do not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.api.infisical.conftest import NOW, ON
from tests.api.infisical.enrolment import Enrolled, enrol, explained, failed
from vaultlike.clock import FakeClock
from vaultlike.settings import Settings
from vaultlike.testing.azure import AzureEmulator, TokenOrder
from vaultlike.testing.azure import world as w
from vaultlike.testing.azure.keys import STRANGER
from vaultlike.testing.server import TestServer

AUD = "https://management.azure.com/"
CONFIG = {"tenantId": w.TENANT_ID, "resource": AUD, "allowedServicePrincipalIds": w.VM_PRINCIPAL_ID}


class World:
    """A server, and the only Azure that it knows besides the real ones."""

    def __init__(self, server: TestServer, emulator: AzureEmulator) -> None:
        self.server, self.emulator = server, emulator

    def mint(self, **more: Any) -> str:
        return self.emulator.control.mint(TokenOrder(audience=more.pop("audience", AUD), **more))

    async def enrol(self, **fields: object) -> Enrolled:
        one = await enrol(self.server, "azure-auth")
        answer = await one.manage("POST", {**CONFIG, "environment": "Emulated", **fields})
        assert answer.status == 200, answer
        return one


def stanza(emulator: AzureEmulator) -> dict[str, str]:
    where = emulator.addresses
    return {
        "name": "Emulated", "active_directory": where.authority, "issuer": where.issuer_base, "graph": where.graph,
        "resource_manager": where.resource_manager, "audience": where.audience, "metadata": where.metadata,
        "ca_file": str(emulator.ca_file),
    }  # fmt: skip


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    """Private addresses are forbidden to methods: those of the server's own configuration are the operator's word."""
    clock = FakeClock(NOW)
    face = {name: value for name, value in ON.items() if name != "allow_internal_ip_connections"}
    async with AzureEmulator(clock=clock) as emulator:
        settings = Settings(stanzas={"infisical": (face,), "azure_cloud": (stanza(emulator),)})
        async with TestServer(clock=clock, settings=settings) as server:
            yield World(server, emulator)


REFUSED: dict[str, tuple[dict[str, Any], str, int, str]] = {
    "a stranger's key": ({"key": STRANGER}, "jwt.signature", 403, "TokenError"),
    "a key nobody knows": ({"kid": "nobody"}, "jwt.kid", 401, "UnauthorizedError"),
    "no signature": ({"alg": "none"}, "jwt.form", 403, "TokenError"),
    "a symmetric one": ({"alg": "HS256"}, "jwt.form", 403, "TokenError"),
    "an algorithm of others": ({"alg": "RS512"}, "jwt.alg", 403, "TokenError"),
    "expired": ({"lifetime": -60}, "jwt.exp", 403, "TokenError"),
    "not yet valid": ({"claims": {"nbf": NOW + 60}}, "jwt.nbf", 403, "TokenError"),
    "another audience": ({"claims": {"aud": "https://vault.azure.net"}}, "jwt.aud", 403, "TokenError"),
    "audiences of others": ({"claims": {"aud": ["a", "b"]}}, "jwt.aud", 403, "TokenError"),
    "an audience that is no text": ({"claims": {"aud": [1]}}, "jwt.aud", 403, "TokenError"),
    "an audience that is an object": ({"claims": {"aud": {"x": 1}}}, "jwt.aud", 403, "TokenError"),
    "no audience": ({"drop": ["aud"]}, "jwt.aud", 403, "TokenError"),
    "another issuer": ({"claims": {"iss": "https://evil.test/"}}, "jwt.iss", 403, "TokenError"),
    "another tenant": ({"claims": {"tid": w.GROUP_ID}}, "token.tid", 401, "UnauthorizedError"),
    "no principal": ({"drop": ["oid"]}, "token.oid", 401, "UnauthorizedError"),
    "another principal": ({"claims": {"oid": w.GROUP_ID}}, "bound_service_principal_ids", 401, "UnauthorizedError"),
    "its application's id": (
        {"claims": {"oid": w.GROUP_ID, "appid": w.VM_PRINCIPAL_ID}}, "bound_service_principal_ids", 401,
        "UnauthorizedError",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
async def test_refused(world: World, name: str) -> None:
    one = await world.enrol()
    order, check, status, error = REFUSED[name]
    token = world.mint(**order)
    answer = await one.log_in(token)
    assert (answer.status, answer.body["statusCode"], answer.body["error"]) == (status, status, error), answer
    explanation = await explained(world.server, answer)
    assert (failed(explanation), explanation["outcome"]) == ([check], "refused")
    assert token not in repr(explanation)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "..", "{}"])
async def test_what_is_no_token(world: World, text: str) -> None:
    answer = await (await world.enrol()).log_in(text)
    assert answer.status in (401, 403) and answer.body["error"] in ("UnauthorizedError", "TokenError")


BAD: dict[str, tuple[dict[str, object], int]] = {
    "no tenant": ({"tenantId": " "}, 400),
    "a tenant that is a path": ({"tenantId": "a/../b"}, 400),
    "no resource": ({"resource": ""}, 400),
    "nobody in the list": ({"allowedServicePrincipalIds": " , "}, 400),
    "an entry that is empty": ({"allowedServicePrincipalIds": f"{w.VM_PRINCIPAL_ID},"}, 400),
    "the plugin's wildcard": ({"allowedServicePrincipalIds": "*"}, 400),
    "a cloud nobody knows": ({"environment": "AzureMoonCloud"}, 400),
    "a list": ({"allowedServicePrincipalIds": [w.VM_PRINCIPAL_ID]}, 422),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_fields(world: World, name: str) -> None:
    one = await enrol(world.server, "azure-auth")
    fields, status = BAD[name]
    answer = await one.manage("POST", {**CONFIG, "environment": "Emulated", **fields})
    assert answer.status == status, answer
    assert (await one.log_in(world.mint())).status == 404


async def test_both_issuers_let_in(world: World) -> None:
    one = await world.enrol()
    for version in (1, 2):
        answer = await one.log_in(world.mint(version=version))
        assert answer.status == 200, answer
        assert answer.body == {
            "accessToken": answer.body["accessToken"], "expiresIn": 2592000, "accessTokenMaxTTL": 2592000,
            "tokenType": "Bearer",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("resource", "audience", "status"),
    [
        (AUD, AUD, 200),
        (AUD, AUD[:-1], 200),  # the resource loses its slash where the token has none
        (AUD[:-1], AUD[:-1], 200),
        (AUD[:-1], AUD, 403),  # never the other way round
        (AUD, AUD + "/", 403),
        (AUD, AUD.upper(), 403),
    ],
)
async def test_the_audience_s_slash(world: World, resource: str, audience: str, status: int) -> None:
    one = await world.enrol(resource=resource)
    assert (await one.log_in(world.mint(claims={"aud": audience}))).status == status


async def test_the_other_api_s_mounts_know_no_such_rule(world: World) -> None:
    server = world.server
    await server.post("sys/auth/azure", {"type": "azure"})
    assert (
        await server.post("auth/azure/config", {"tenant_id": w.TENANT_ID, "resource": AUD, "environment": "Emulated"})
    ).status == 204
    assert "resource_without_slash" not in (await server.get("auth/azure/config")).data
    await server.post("auth/azure/role/r", {"bound_service_principal_ids": w.VM_PRINCIPAL_ID})
    refused = {"role": "r", "jwt": world.mint(claims={"aud": AUD[:-1]})}
    assert (await server.post("auth/azure/login", refused, token="")).status == 403
    assert (await server.post("auth/azure/login", {"role": "r", "jwt": world.mint()}, token="")).status == 200


async def test_an_empty_list_is_everybody_and_says_so(world: World) -> None:
    one = await world.enrol(allowedServicePrincipalIds="")
    assert (await one.log_in(world.mint(claims={"oid": w.GROUP_ID}))).status == 200
    shown = await world.server.get(f"organization/identities/{one.id}/methods/azure-auth")
    assert shown.body["warnings"] == ["allowedServicePrincipalIds is empty: every identity of the tenant can log in"]
    answer = await one.manage("PATCH", {"allowedServicePrincipalIds": f"{w.GROUP_ID} ,{w.VM_PRINCIPAL_ID}"})
    assert answer.body["identityAzureAuth"]["allowedServicePrincipalIds"] == f"{w.GROUP_ID}, {w.VM_PRINCIPAL_ID}"
    shown = await world.server.get(f"organization/identities/{one.id}/methods/azure-auth")
    assert shown.body["warnings"] is None
    assert (await one.log_in(world.mint())).status == 200
    assert (await one.log_in(world.mint(claims={"oid": w.USER_VM_ID}))).status == 401


async def test_the_environment_of_the_server_counts_where_none_is_said() -> None:
    clock = FakeClock(NOW)
    async with AzureEmulator(clock=clock) as emulator:
        stanzas = {"infisical": (ON,), "azure_cloud": (stanza(emulator),)}
        settings = Settings(stanzas=stanzas, environment={"AZURE_ENVIRONMENT": "emulated"})
        async with TestServer(clock=clock, settings=settings) as server:
            one = await World(server, emulator).enrol(environment="")
            proof = emulator.control.mint(TokenOrder(audience=AUD))
            assert (await one.log_in(proof)).status == 200
            public = await one.manage("PATCH", {"environment": "AzurePublicCloud"})
            assert public.body["identityAzureAuth"]["environment"] == "AzurePublicCloud"
            refused = await one.log_in(proof)  # by its issuer, before anything is asked of the real Azure
            assert failed(await explained(server, refused)) == ["jwt.iss"]


async def test_what_an_access_token_says_and_its_renewal(world: World) -> None:
    from tests.api.infisical.test_access_tokens import claims_of

    one = await world.enrol(accessTokenTTL=600, accessTokenMaxTTL=1000)
    token = await one.access(world.mint())
    claims = claims_of(token)
    assert (claims["identityId"], claims["authMethod"]) == (one.id, "azure-auth")
    world.server.clock.advance(500)
    renewed = await world.server.post("/api/v1/auth/token/renew", {"accessToken": token}, token="")
    assert (renewed.status, renewed.body["expiresIn"]) == (200, 500)
    # who is no longer in the list is not given more time
    assert (await one.manage("PATCH", {"allowedServicePrincipalIds": w.GROUP_ID})).status == 200
    refused = await world.server.post("/api/v1/auth/token/renew", {"accessToken": token}, token="")
    assert refused.status in (401, 403)
