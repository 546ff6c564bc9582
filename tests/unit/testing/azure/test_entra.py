"""The authority: discovery, keys and the token endpoint (spec/azure.md 7.1)."""

from __future__ import annotations

import base64

import pytest

from vaultlike.clock import FakeClock
from vaultlike.testing.azure import AzureEmulator
from vaultlike.testing.azure import world as w
from vaultlike.testing.azure.control import SettingsChange
from vaultlike.testing.azure.jose import parse
from vaultlike.testing.azure.model import Application, Password, Tenant

from .conftest import Client

ARM = "https://management.azure.com/.default"
OTHER_TENANT = "11111111-aaaa-4000-8000-00000000000f"


@pytest.mark.parametrize(
    ("change", "status", "error", "number"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"client_id": ""}, 400, "invalid_request", 900144),
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, 400, "unauthorized_client", 700016),
        ({"client_secret": ""}, 401, "invalid_client", 7000218),
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": w.SERVER_SECRET_KEY_ID}, 401, "invalid_client", 7000215),
        ({"scope": ""}, 400, "invalid_request", 900144),
        ({"scope": "https://management.azure.com/user_impersonation"}, 400, "invalid_scope", 70011),
        ({"scope": f"{ARM} {ARM}"}, 400, "invalid_scope", 70011),
        ({"scope": "https://nowhere.example/.default"}, 400, "invalid_resource", 500011),
        ({"scope": "api://demo-apI2/.default"}, 400, "invalid_resource", 500011),
        ({"client_assertion": "x.y.z", "client_assertion_type": "nonsense"}, 400, "invalid_request", 90023),
        ({"client_id": w.IDENTITY_CLIENT_ID}, 401, "invalid_client", 7000215),
    ],
)
async def test_refusals(client: Client, change: dict[str, str], status: int, error: str, number: int) -> None:
    answer = await client.login(**{"scope": ARM} | change)
    assert (answer.status, answer.json["error"]) == (status, error)
    assert answer.json["error_codes"] == [number]
    assert str(answer.json["error_description"]).startswith(f"AADSTS{number}: ")
    assert {"timestamp", "trace_id", "correlation_id", "error_uri"} <= answer.json.keys()
    assert w.SERVER_CLIENT_SECRET not in answer.text


@pytest.mark.parametrize(
    "path",
    ["/.well-known/openid-configuration", "/v2.0/.well-known/openid-configuration", "/discovery/v2.0/keys"],
)
async def test_an_unknown_tenant(client: Client, path: str) -> None:
    answer = await client.get(f"/{OTHER_TENANT}{path}")
    assert (answer.status, answer.json["error"], answer.json["error_codes"]) == (400, "invalid_tenant", [90002])


async def test_an_application_of_another_tenant(client: Client, emulator: AzureEmulator) -> None:
    emulator.control.add_tenant(Tenant(id=OTHER_TENANT))
    data = {"grant_type": "client_credentials", "client_id": w.SERVER_CLIENT_ID, "scope": ARM, "client_secret": "x"}
    answer = await client.post(f"/{OTHER_TENANT}/oauth2/v2.0/token", data=data)
    assert answer.json["error_codes"] == [700016]


async def test_an_expired_secret(client: Client, emulator: AzureEmulator, clock: FakeClock) -> None:
    emulator.control.add_password(w.SERVER_CLIENT_ID, Password(text="short-lived", ends_at=clock.now() + 10))
    assert (await client.login(ARM, client_secret="short-lived")).status == 200
    clock.advance(10)
    answer = await client.login(ARM, client_secret="short-lived")
    assert (answer.status, answer.json["error_codes"]) == (401, [7000222])


async def test_a_fresh_secret_is_not_known_everywhere_at_once(
    client: Client, emulator: AzureEmulator, clock: FakeClock
) -> None:
    emulator.control.configure(SettingsChange(secret_delay=30))
    app = f"{emulator.graph_url}/v1.0/applications/{w.SERVER_APP_OBJECT_ID}"
    headers = await client.bearer(emulator.graph_url)
    added = await client.post(f"{app}/addPassword", headers=headers, json={})
    fresh = str(added.json["secretText"])
    assert (await client.login(ARM, client_secret=fresh)).json["error_codes"] == [7000215]
    assert (await client.login(ARM)).status == 200
    clock.advance(30)
    assert (await client.login(ARM, client_secret=fresh)).status == 200


async def test_v1_discovery_names_an_issuer_on_another_host(client: Client, emulator: AzureEmulator) -> None:
    for tenant in (w.TENANT_ID, w.TENANT_DOMAIN, w.TENANT_ID.upper()):
        answer = await client.get(f"/{tenant}/.well-known/openid-configuration")
        assert answer.json["issuer"] == f"{emulator.issuer_base}/{w.TENANT_ID}/"
        assert answer.json["jwks_uri"] == f"{emulator.authority_url}/common/discovery/keys"
    assert emulator.issuer_base not in emulator.authority_url


async def test_v2_discovery(client: Client, emulator: AzureEmulator) -> None:
    answer = await client.get(f"/{w.TENANT_ID}/v2.0/.well-known/openid-configuration")
    base = f"{emulator.authority_url}/{w.TENANT_ID}"
    assert answer.json["issuer"] == f"{base}/v2.0"
    assert answer.json["token_endpoint"] == f"{base}/oauth2/v2.0/token"
    assert answer.json["jwks_uri"] == f"{base}/discovery/v2.0/keys"
    assert {"authorization_endpoint", "id_token_signing_alg_values_supported"} <= answer.json.keys()


async def test_key_sets(client: Client) -> None:
    first = (await client.get("/common/discovery/keys")).json["keys"]
    second = (await client.get(f"/{w.TENANT_ID}/discovery/v2.0/keys")).json["keys"]
    assert isinstance(first, list) and isinstance(second, list)
    assert len(first) == 3
    for old, new in zip(first, second, strict=True):
        assert {"kty": "RSA", "use": "sig"}.items() <= old.items()
        assert old["kid"] == old["x5t"] and "alg" not in old and "issuer" not in old
        assert new["issuer"].endswith("/v2.0") and len(old["x5c"]) == 1


async def test_instance_discovery(client: Client, emulator: AzureEmulator) -> None:
    wanted = f"{emulator.authority_url}/{w.TENANT_ID}/oauth2/v2.0/authorize"
    answer = await client.get("/common/discovery/instance", params={"authorization_endpoint": wanted})
    where = f"{emulator.authority_url}/{w.TENANT_ID}/v2.0/.well-known/openid-configuration"
    assert answer.json["tenant_discovery_endpoint"] == where


async def test_v2_token_answer_has_numbers_and_extras_are_tolerated(client: Client) -> None:
    answer = await client.login(ARM, client_info="1", claims="{}", **{"x-client-SKU": "x"})
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == answer.json["ext_expires_in"] == 3600


async def test_v1_token_answer_has_strings(client: Client) -> None:
    data = {"grant_type": "client_credentials", "client_id": w.SERVER_CLIENT_ID}
    data |= {"client_secret": w.SERVER_CLIENT_SECRET}
    url = f"/{w.TENANT_ID}/oauth2/token"
    named = await client.post(url, data=data | {"resource": "https://management.azure.com/"})
    assert named.json["expires_in"] == "3600"
    assert named.json["resource"] == "https://management.azure.com/"
    assert (await client.post(url, data=data)).status == 200


async def test_basic_authentication(client: Client) -> None:
    url = f"/{w.TENANT_ID}/oauth2/v2.0/token"
    data = {"grant_type": "client_credentials", "scope": ARM}
    coded = base64.b64encode(f"{w.SERVER_CLIENT_ID}:{w.SERVER_CLIENT_SECRET}".encode()).decode()
    assert (await client.post(url, data=data, headers={"Authorization": f"Basic {coded}"})).status == 200
    assert (await client.post(url, data=data, headers={"Authorization": "Basic %%"})).status == 400


async def test_tokens_for_an_application_take_its_version(client: Client, emulator: AzureEmulator) -> None:
    answer = await client.login(f"{w.API_URI}/.default")
    got = parse(str(answer.json["access_token"]), dict[str, object]).claims
    assert (got["aud"], got["ver"], got["appid"]) == (w.API_URI, "1.0", w.SERVER_CLIENT_ID)
    second = emulator.control.add_application(
        Application(display_name="second", identifier_uris=["api://second"], token_version=2)
    )
    answer = await client.login("api://second/.default")
    got = parse(str(answer.json["access_token"]), dict[str, object]).claims
    assert (got["aud"], got["ver"], got["azp"]) == (second.app_id, "2.0", w.SERVER_CLIENT_ID)
    assert got["iss"] == f"{emulator.authority_url}/{w.TENANT_ID}/v2.0"
    assert "appid" not in got


async def test_group_and_role_claims(client: Client, emulator: AzureEmulator) -> None:
    emulator.control.application(w.API_CLIENT_ID).group_claims = True
    emulator.control.world.groups[w.GROUP_ID].members.append(w.SERVER_PRINCIPAL_ID)
    api = parse(str((await client.login(f"{w.API_URI}/.default")).json["access_token"]), dict[str, object]).claims
    assert api["groups"] == [w.GROUP_ID]
    answer = await client.login(f"{emulator.graph_url}/.default")
    graph = parse(str(answer.json["access_token"]), dict[str, object]).claims
    assert graph["roles"] == list(w.GRAPH_RIGHTS)
    assert "groups" not in graph
