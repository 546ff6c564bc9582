"""How the server proves itself to Azure, and what it remembers of that."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import RSAKey

from vaultlike.testing.azure import Fault
from vaultlike.testing.azure import world as w
from vaultlike.testing.azure.model import FederatedCredential
from vaultlike_azure import identity

PLACE = {"subscription_id": w.SUBSCRIPTION_ID, "resource_group_name": w.RESOURCE_GROUP, "vm_name": w.VM}
AUDIENCE = "api://AzureADTokenExchange"
SUBJECT = "plugin-identity:root:auth:auth_azure_1"


async def login(mount: Any) -> Any:
    await mount.role(bound_subscription_ids=w.SUBSCRIPTION_ID)
    return await mount.login(**PLACE)


async def without_secret(mount: Any, **fields: Any) -> None:
    await mount.delete("config")
    base = {"tenant_id": w.TENANT_ID, "resource": "https://management.azure.com/", "environment": "Emulated"}
    answer = await mount.post("config", {**base, **fields})
    assert answer.status == 204, answer


async def test_a_wrong_secret_is_the_operators_problem(mount: Any) -> None:
    await mount.post("config", {"client_secret": "canary-secret"})
    answer = await login(mount)
    assert (answer.status, answer.errors) == (502, ["upstream service failed"])
    assert "7000215" in answer.reason
    assert "canary" not in answer.reason + mount.logged() + repr(answer.call.checks)


async def test_one_token_serves_many_logins_and_is_renewed_early(mount: Any) -> None:
    await login(mount)
    await asyncio.gather(*(login(mount) for _ in range(5)))
    assert mount.counters()["token"] == 1
    mount.clock.advance(3600 - 200)
    assert (await login(mount)).status == 200
    assert mount.counters()["token"] == 2


async def test_concurrent_first_logins_ask_for_one_token(mount: Any) -> None:
    await mount.role(bound_subscription_ids=w.SUBSCRIPTION_ID)
    jwt = mount.mint()
    answers = await asyncio.gather(*(mount.login(jwt, **PLACE) for _ in range(10)))
    assert {answer.status for answer in answers} == {200}
    assert mount.counters()["token"] == 1


async def test_a_revoked_token_is_replaced_once(mount: Any) -> None:
    await login(mount)
    mount.emulator.control.fault(Fault(endpoint="arm", status=401))
    assert (await login(mount)).status == 200
    assert mount.counters()["token"] == 2


async def test_no_client_id(mount: Any) -> None:
    await without_secret(mount, client_secret="s")
    answer = await login(mount)
    assert answer.status == 502
    assert "client_id" in answer.reason


async def test_the_servers_own_identity(mount: Any) -> None:
    mount.emulator.control.ask_as(w.SERVER_VM)
    await without_secret(mount)
    jwt = mount.emulator.control.mint(type_order(host=w.VM))
    await mount.role(bound_subscription_ids=w.SUBSCRIPTION_ID)
    assert (await mount.login(jwt, **PLACE)).status == 200
    assert mount.counters()["imds"] == 1
    assert "token" not in mount.counters()


def type_order(**more: Any) -> Any:
    from vaultlike.testing.azure import TokenOrder

    return TokenOrder(audience="https://management.azure.com/", **more)


async def test_an_identity_chosen_by_client_id_that_is_not_there(mount: Any) -> None:
    mount.emulator.control.ask_as(w.SERVER_VM)
    await without_secret(mount, client_id=w.GROUP_ID, auth_type="msi")
    await mount.role(bound_subscription_ids=w.SUBSCRIPTION_ID)
    answer = await mount.login(mount.emulator.control.mint(type_order(host=w.VM)), **PLACE)
    assert answer.status == 502
    assert "Identity not found" in answer.reason


async def test_app_service(mount: Any) -> None:
    control = mount.emulator.control
    control.settings().default_site = w.SERVER_VM
    mount.system.environment = {
        "IDENTITY_ENDPOINT": f"{mount.emulator.metadata_url}/msi/token",
        "IDENTITY_HEADER": control.settings().identity_header,
    }
    await without_secret(mount)
    await mount.role(bound_subscription_ids=w.SUBSCRIPTION_ID)
    jwt = control.mint(type_order(host=w.VM))
    answer = await mount.login(jwt, **PLACE)
    assert answer.status == 200, answer
    assert mount.counters()["app_service"] == 1
    mount.system.environment["IDENTITY_HEADER"] = "wrong"
    await mount.post("config", {"max_retries": 1})
    assert (await mount.login(jwt, **PLACE)).status == 502


async def test_arc(mount: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mount.emulator.control.ask_as(w.SERVER_VM)
    mount.system.environment = {
        "IDENTITY_ENDPOINT": f"{mount.emulator.metadata_url}/arc/metadata/identity/oauth2/token",
        "IMDS_ENDPOINT": mount.emulator.metadata_url,
    }
    await without_secret(mount)
    await mount.role(bound_subscription_ids=w.SUBSCRIPTION_ID)
    jwt = mount.emulator.control.mint(type_order(host=w.VM))
    answer = await mount.login(jwt, **PLACE)
    assert answer.status == 502
    assert "outside of its own folder" in answer.reason
    monkeypatch.setattr(identity, "ARC_KEYS", Path(mount.emulator.ca_file).parent)
    assert (await mount.login(jwt, **PLACE)).status == 200


@pytest.fixture
async def issuer(mount: Any) -> Any:
    """An issuer of identity tokens, as the server's own would be."""
    key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
    app = web.Application()
    server = TestServer(app)

    async def document(request: web.Request) -> web.Response:
        base = f"http://127.0.0.1:{server.port}"
        return web.json_response({"issuer": base, "jwks_uri": f"{base}/keys"})

    async def keys(request: web.Request) -> web.Response:
        return web.json_response({"keys": [key.as_dict(private=False)]})

    app.add_routes([web.get("/.well-known/openid-configuration", document), web.get("/keys", keys)])
    await server.start_server()
    base = f"http://127.0.0.1:{server.port}"

    def token(audience: str, ttl: int) -> str:
        now = int(mount.clock.now())
        claims = {"iss": base, "sub": SUBJECT, "aud": [audience], "iat": now, "nbf": now, "exp": now + ttl}
        return joserfc_jwt.encode({"alg": "RS256", "kid": "k1"}, claims, key)

    mount.system.identity = token
    mount.emulator.control.add_federated(
        w.SERVER_CLIENT_ID, FederatedCredential(issuer=base, subject=SUBJECT, audiences=[AUDIENCE])
    )
    yield token
    await server.close()


async def test_federation(mount: Any, issuer: Any) -> None:
    await without_secret(
        mount, client_id=w.SERVER_CLIENT_ID, identity_token_audience=AUDIENCE, identity_token_ttl="500s"
    )
    shown = (await mount.get("config")).data
    assert (shown["identity_token_audience"], shown["identity_token_ttl"]) == (AUDIENCE, 500)
    mount.system.environment = {"AZURE_CLIENT_SECRET": "a stray secret does not switch federation off"}
    assert (await login(mount)).status == 200
    assert (await mount.post("config", {"client_secret": "x"})).status == 400
    assert (await mount.post("rotate-root")).status == 400
    await mount.post("config", {"identity_token_audience": "other"})
    answer = await login(mount)
    assert answer.status == 502
    assert "700212" in answer.reason


async def test_federation_that_this_server_cannot_do_is_refused_at_once(mount: Any) -> None:
    answer = await mount.post("config", {"client_secret": "", "identity_token_audience": AUDIENCE})
    assert answer.status == 500
    assert (await mount.get("config")).data["identity_token_audience"] == ""


@pytest.mark.parametrize("auth_type", ["", "aks_wi"])
async def test_a_projected_token_file(mount: Any, issuer: Any, tmp_path: Path, auth_type: str) -> None:
    file = tmp_path / "token"
    mount.system.environment = {"AZURE_FEDERATED_TOKEN_FILE": str(file), "AZURE_CLIENT_ID": w.SERVER_CLIENT_ID}
    await without_secret(mount, auth_type=auth_type)
    answer = await login(mount)
    assert answer.status == 502
    assert "FileNotFoundError" in answer.reason
    file.write_text(issuer(AUDIENCE, 600) + "\n")
    assert (await login(mount)).status == 200
    assert (await mount.post("rotate-root")).status == 400


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"auth_type": "root_creds"}, 400),
        ({"auth_type": "plugin_wif"}, 400),
        ({"auth_type": "msi", "client_secret": "s"}, 400),
        ({"auth_type": "aks_wi", "identity_token_audience": "a"}, 400),
        ({"auth_type": "msi", "client_id": "c"}, 204),
        ({"auth_type": "root_creds", "client_id": "c", "client_secret": "s"}, 204),
    ],
)
async def test_auth_types(bare: Any, fields: dict[str, str], status: int) -> None:
    answer = await bare.post("config", {"tenant_id": "t", "resource": "r", **fields})
    assert answer.status == status, answer
    if status == 204:
        assert (await bare.get("config")).data["auth_type"] == fields["auth_type"]


async def test_the_config_counts_before_the_environment(mount: Any) -> None:
    mount.system.environment = {
        "AZURE_TENANT_ID": "other.test",
        "AZURE_AD_RESOURCE": "other",
        "AZURE_ENVIRONMENT": "AzureChinaCloud",
        "AZURE_CLIENT_ID": "other",
        "AZURE_CLIENT_SECRET": "other",
    }
    assert (await login(mount)).status == 200
    await mount.delete("config")
    mount.system.environment = {
        "AZURE_TENANT_ID": w.TENANT_ID,
        "AZURE_AD_RESOURCE": "https://management.azure.com/",
        "AZURE_ENVIRONMENT": "emulated",
        "AZURE_CLIENT_ID": w.SERVER_CLIENT_ID,
        "AZURE_CLIENT_SECRET": w.SERVER_CLIENT_SECRET,
    }
    assert (await login(mount)).status == 200
    assert (await mount.get("config")).status == 404


async def test_clouds_of_the_servers_config(mount: Any) -> None:
    bad = dict(mount.system.clouds[0])
    del bad["resource_manager"]
    mount.system.clouds = (bad,)
    answer = await mount.post("config", {"environment": "EMULATED"})
    assert answer.status == 400
    assert "resource_manager" in answer.errors[0]
    assert (await mount.post("config", {"environment": "Elsewhere"})).status == 400


@pytest.mark.parametrize("loud", [True, False])
async def test_requests_to_azure_are_logged_without_secrets(mount: Any, loud: bool) -> None:
    mount.system.environment = {"AZURE_SDK_GO_LOGGING": "all"} if loud else {}
    jwt = mount.mint()
    await mount.role(bound_subscription_ids=w.SUBSCRIPTION_ID)
    assert (await mount.login(jwt, **PLACE)).status == 200
    levels = {call.method_name for call in mount.log.calls}
    assert levels == ({"info"} if loud else {"debug"})
    text = mount.logged()
    for part in ("azure request", "azure answer", "/oauth2/v2.0/token", "openid-configuration", "virtualMachines"):
        assert part in text
    for secret in (w.SERVER_CLIENT_SECRET, jwt, "Bearer", "eyJ", "client_secret"):
        assert secret not in text
