"""The levers: refusals, what they fill in, and the same over HTTP."""

from __future__ import annotations

import msgspec
import pytest

from vaultlike.errors import Invalid, NotFound
from vaultlike.testing.azure import AzureEmulator, Control
from vaultlike.testing.azure import world as w
from vaultlike.testing.azure.control import SettingsChange
from vaultlike.testing.azure.model import (
    Application,
    FederatedCredential,
    Group,
    Identity,
    Machine,
    Password,
    Resource,
    ScaleSet,
    Subscription,
)

from .conftest import Answer, Client


@pytest.mark.parametrize(
    "act",
    [
        lambda c: c.add_application(Application(display_name="x", tenant="nobody")),
        lambda c: c.add_subscription(Subscription(id="x", tenant="nobody")),
        lambda c: c.add_group(Group(name="x", tenant="nobody")),
        lambda c: c.add_machine(Machine(name="x", subscription="nobody")),
        lambda c: c.add_machine(Machine(name="x", user_assigned=["nobody"])),
        lambda c: c.add_password("nobody", Password(text="x")),
        lambda c: c.add_federated("nobody", FederatedCredential(issuer="i", subject="s")),
        lambda c: c.ask_as("nobody"),
        lambda c: c.remove("nobody"),
        lambda c: c.publish_key("nobody"),
        lambda c: c.retire_key("nobody"),
    ],
)
async def test_names_that_do_not_exist(emulator: AzureEmulator, act: object) -> None:
    assert callable(act)
    with pytest.raises(NotFound):
        act(emulator.control)


@pytest.mark.parametrize(
    "act",
    [
        lambda c: c.add_resource(Resource(name="x", resource_type="sites")),
        lambda c: c.add_password(w.SERVER_CLIENT_ID, Password()),
        lambda c: c.configure(SettingsChange(page_size=0)),
        lambda c: c.retire_key(c.keys()[0].kid),
    ],
)
async def test_what_cannot_be(emulator: AzureEmulator, act: object) -> None:
    assert callable(act)
    with pytest.raises(Invalid):
        act(emulator.control)


async def test_blanks_are_filled_in(emulator: AzureEmulator) -> None:
    control: Control = emulator.control
    identity = control.add_identity(Identity(name="i"))
    machine = control.add_machine(Machine(name="m", system_assigned=True, user_assigned=["i"]))
    plain = control.add_scale_set(ScaleSet(name="s"))
    nested = control.add_resource(Resource(name="site/slot", resource_type="Microsoft.Web/sites/slots"))
    app = control.add_application(Application(display_name="a"))
    assert machine.id.startswith(f"/subscriptions/{w.SUBSCRIPTION_ID}/resourceGroups/{w.RESOURCE_GROUP}/")
    assert nested.id.endswith("/providers/Microsoft.Web/sites/site/slots/slot")
    filled = [identity.client_id, identity.principal_id, machine.principal_id, machine.client_id, machine.vm_id]
    filled += [app.app_id, app.object_id, app.service_principal_id]
    assert len(set(filled)) == len(filled) and all(len(one) == 36 for one in filled)
    assert (plain.principal_id, plain.location) == ("", w.LOCATION)


async def test_removal(emulator: AzureEmulator, client: Client) -> None:
    for name in (w.IDENTITY, w.VM, w.FLEX_SCALE_SET, w.SITE, w.GROUP_ID, w.API_CLIENT_ID):
        emulator.control.remove(name)
        with pytest.raises(NotFound):
            emulator.control.remove(name)


async def test_secrets_are_not_shown(emulator: AzureEmulator) -> None:
    shown = repr(emulator.control.world) + repr(emulator._live.state.keys.save()) + repr(emulator._live.state.authority)
    assert w.SERVER_CLIENT_SECRET not in shown
    assert "PRIVATE KEY" not in shown


async def lever(client: Client, method: str, path: str, body: object = None, **headers: str) -> Answer:
    url = f"{client.emulator.metadata_url}/_emu{path}"
    return await client.ask(method, url, json=body, headers=headers)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/machines", {}, 400),
        ("POST", "/machines", [], 400),
        ("POST", "/machines", {"name": "x", "subscription": "nobody"}, 404),
        ("POST", "/token", {"host": "nobody"}, 404),
        ("POST", "/token", {"hots": "demo-vm"}, 400),
        ("POST", "/faults", {"endpoint": "arm"}, 400),
        ("POST", "/faults", {"endpoint": "nothing", "status": 500}, 400),
        ("PATCH", "/settings", {"page_size": 0}, 400),
        ("PATCH", "/settings", {"nonsense": 1}, 400),
        ("POST", "/keys/nobody/publish", None, 404),
        ("POST", "/keys/nobody/explode", None, 404),
        ("DELETE", "/things", None, 404),
        ("POST", "/passwords", {"app": w.SERVER_CLIENT_ID, "password": {}}, 400),
    ],
)
async def test_levers_over_http_refuse(client: Client, method: str, path: str, body: object, status: int) -> None:
    answer = await lever(client, method, path, body)
    assert answer.status == status
    assert isinstance(answer.json["errors"], list)


async def test_levers_are_not_for_browsers_or_proxies(client: Client) -> None:
    for header in ({"Origin": "https://evil.example"}, {"X-Forwarded-For": "10.0.0.1"}):
        assert (await lever(client, "GET", "/info", **header)).status == 403
        assert (await lever(client, "POST", "/machines", {"name": "x"}, **header)).status == 403
    with pytest.raises(NotFound):
        client.emulator.control.host("x")


async def test_levers_are_not_on_the_tls_listener(client: Client) -> None:
    assert (await client.get("/_emu/info")).status == 404


async def test_the_world_over_http(client: Client, emulator: AzureEmulator) -> None:
    made = await lever(client, "POST", "/machines", {"name": "over-http", "system_assigned": True})
    assert str(made.json["resource_id"]).endswith("/virtualMachines/over-http")
    token = await lever(client, "POST", "/token", {"host": "over-http", "groups": ["g"]})
    assert str(token.json["token"]).count(".") == 2
    for path, body in (
        ("/tenants", {"id": "t2"}),
        ("/subscriptions", {"id": "s2", "tenant": "t2"}),
        ("/identities", {"name": "i2"}),
        ("/scale-sets", {"name": "s", "mode": "flexible", "null_principals": "empty"}),
        ("/resources", {"name": "r", "resource_type": "Microsoft.ContainerService/managedClusters"}),
        ("/providers", {"namespace": "Microsoft.New", "types": {"a": ["2024-01-01"]}}),
        ("/groups", {"name": "g2"}),
        ("/role-assignments", {"principal_id": "p", "scope": "/"}),
        ("/app-role-assignments", {"principal_id": "p", "role": "r"}),
        ("/federated", {"owner": w.SERVER_CLIENT_ID, "credential": {"issuer": "i", "subject": "s"}}),
    ):
        assert (await lever(client, "POST", path, body)).status == 200
    assert (await lever(client, "DELETE", "/things?name=over-http")).status == 204
    assert (await lever(client, "DELETE", "/grants?principal=p")).status == 204
    assert emulator.control.world.roles[-1].principal_id != "p"


async def test_passwords_over_http_are_not_echoed(client: Client) -> None:
    secret = "a-very-secret-text"
    body = {"app": w.SERVER_CLIENT_ID, "password": {"text": secret}}
    answer = await lever(client, "POST", "/passwords", body)
    assert answer.status == 200 and secret not in answer.text
    assert (await client.login("https://management.azure.com/.default", client_secret=secret)).status == 200
    app = await lever(client, "POST", "/applications", {"display_name": "x", "passwords": [{"text": secret}]})
    assert app.status == 200 and secret not in app.text


async def test_faults_keys_settings_and_counters_over_http(client: Client, emulator: AzureEmulator) -> None:
    assert (await lever(client, "POST", "/faults", {"endpoint": "jwks", "status": 500})).status == 204
    assert (await client.get("/common/discovery/keys")).status == 500
    assert (await lever(client, "DELETE", "/faults")).status == 204
    kid = (await lever(client, "POST", "/keys", {"publish": False})).json["kid"]
    assert (await lever(client, "POST", f"/keys/{kid}/publish")).status == 204
    assert str(kid) in (await client.get("/common/discovery/keys")).text
    assert (await lever(client, "PATCH", "/settings", {"clock_offset": 5.0})).json["clock_offset"] == 5.0
    counters = await lever(client, "GET", "/counters")
    assert counters.json == {"jwks": 2}
    seen = msgspec.json.decode((await lever(client, "GET", "/requests")).text, type=list[dict[str, object]])
    assert [(one["endpoint"], one["status"]) for one in seen] == [("jwks", 500), ("jwks", 200)]
    assert (await lever(client, "DELETE", "/counters")).status == 204
    assert emulator.control.counters() == {}


async def test_info(client: Client, emulator: AzureEmulator) -> None:
    info = (await lever(client, "GET", "/info")).json
    assert info["authority"] == emulator.authority_url
    ids = info["ids"]
    assert isinstance(ids, dict)
    assert ids["server_client_id"] == w.SERVER_CLIENT_ID
    assert ids["identity_id"] == w.IDENTITY_ID
