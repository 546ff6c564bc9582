"""Bounds on where a machine lives: what the caller says, what the token says, what Resource Manager says."""

from __future__ import annotations

from typing import Any

import pytest

from vaultlike.testing.azure import Fault, TokenOrder
from vaultlike.testing.azure import world as w
from vaultlike.testing.azure.control import SettingsChange
from vaultlike.testing.azure.model import Identity, Machine, Resource, ScaleSet, Subscription
from vaultlike_azure import login, wire

AUD = "https://management.azure.com/"
OTHER_SUB = "22222222-bbbb-4000-8000-00000000ffff"
HERE = {"subscription_id": w.SUBSCRIPTION_ID, "resource_group_name": w.RESOURCE_GROUP}
ANY_PLACE = {"bound_subscription_ids": w.SUBSCRIPTION_ID, "bound_resource_groups": w.RESOURCE_GROUP.upper()}


def token(**more: Any) -> TokenOrder:
    return TokenOrder(audience=more.pop("audience", AUD), **more)


VM = (token(), {**HERE, "vm_name": w.VM})
USER_VM = (token(host=w.USER_VM), {**HERE, "vm_name": w.USER_VM})
FLEX = (token(host=w.FLEX_VM), {**HERE, "vmss_name": w.FLEX_SCALE_SET})
UNIFORM = (token(host=w.UNIFORM_SCALE_SET), {**HERE, "vmss_name": w.UNIFORM_SCALE_SET})
UNIFORM_USER = (token(host=w.UNIFORM_SCALE_SET, identity=w.IDENTITY), UNIFORM[1])
SITE = (token(host=w.SITE), {**HERE, "resource_id": w.SITE_RESOURCE_ID})
SITE_USER = (token(host=w.SITE, identity=w.IDENTITY), SITE[1])
MACHINES = {
    "vm": VM,
    "user vm": USER_VM,
    "flexible": FLEX,
    "uniform": UNIFORM,
    "uniform with user identity": UNIFORM_USER,
    "site": SITE,
    "site with user identity": SITE_USER,
}


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize(
    "bounds",
    [
        {"bound_subscription_ids": w.SUBSCRIPTION_ID.upper()},
        {"bound_resource_groups": ["x", w.RESOURCE_GROUP.upper()]},
        {"bound_locations": "East US"},
        {**ANY_PLACE, "bound_locations": "eastus"},
    ],
    ids=["subscription", "group", "location", "all"],
)
async def test_every_kind_of_machine_gets_in(mount: Any, name: str, bounds: dict[str, str]) -> None:
    await mount.role(**bounds)
    jwt, place = MACHINES[name]
    answer = await mount.login(jwt, **place)
    assert answer.status == 200, answer
    memo = answer.login.memo
    assert (memo["sub"], memo["rg"], memo["loc"]) == (w.SUBSCRIPTION_ID, w.RESOURCE_GROUP, "eastus")
    assert answer.login.alias.metadata == {k: v for k, v in answer.login.metadata.items() if k != "role"}


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize(
    ("bounds", "check"),
    [
        ({"bound_subscription_ids": OTHER_SUB}, "bound_subscription_ids"),
        ({"bound_resource_groups": "demo"}, "bound_resource_groups"),
        ({"bound_resource_groups": [""]}, "bound_resource_groups"),
        ({"bound_locations": "westeurope"}, "bound_locations"),
        ({"bound_scale_sets": "another"}, "bound_scale_sets"),
    ],
)
async def test_every_bound_refuses(mount: Any, name: str, bounds: dict[str, str], check: str) -> None:
    await mount.role(**bounds)
    jwt, place = MACHINES[name]
    answer = await mount.login(jwt, **place)
    assert (answer.status, answer.failed, answer.login) == (403, [check], None)
    assert answer.errors == ["permission denied"]


@pytest.mark.parametrize(("jwt", "place"), [FLEX, UNIFORM, UNIFORM_USER])
async def test_scale_sets(mount: Any, jwt: TokenOrder, place: dict[str, str]) -> None:
    await mount.role(bound_scale_sets=["x", place["vmss_name"].upper()])
    answer = await mount.login(jwt, **place)
    assert answer.status == 200, answer
    assert answer.login.memo["vmss"] == place["vmss_name"]


@pytest.mark.parametrize(
    ("jwt", "place", "status"),
    [
        (VM[0], {}, 400),
        (VM[0], {"subscription_id": w.SUBSCRIPTION_ID}, 400),
        (VM[0], {"resource_group_name": w.RESOURCE_GROUP}, 400),
        (VM[0], HERE, 403),
        (token(drop=["appid"]), HERE, 400),
        (token(xms="never"), VM[1], 403),
        (token(audience=AUD, drop=["xms_mirid"]), VM[1], 403),
        (VM[0], {**HERE, "vm_name": w.USER_VM}, 403),
        (VM[0], FLEX[1], 403),
        (USER_VM[0], VM[1], 403),
        (FLEX[0], UNIFORM[1], 403),
        (UNIFORM[0], FLEX[1], 403),
        (SITE[0], VM[1], 403),
        (VM[0], {**VM[1], "resource_group_name": "demo"}, 403),
        (VM[0], {**VM[1], "resource_group_name": "demo-rg2"}, 403),
        (VM[0], {**VM[1], "subscription_id": OTHER_SUB}, 403),
        (token(claims={"oid": w.USER_VM_ID}), VM[1], 403),
        (token(host=w.USER_VM, claims={"oid": w.VM_PRINCIPAL_ID}), USER_VM[1], 403),
        (token(claims={"xms_mirid": "junk"}), VM[1], 403),
        (token(identity=w.IDENTITY, host=w.USER_VM, drop=["xms_az_rid"]), USER_VM[1], 403),
        (VM[0], SITE[1], 403),
        (SITE[0], {**HERE, "resource_id": "/subscriptions/x"}, 400),
        (SITE[0], {**HERE, "resource_id": w.SITE_RESOURCE_ID + "?x=1"}, 400),
        (SITE[0], {**HERE, "resource_id": w.SITE_RESOURCE_ID + "#x"}, 400),
        (SITE[0], {**HERE, "resource_id": w.SITE_RESOURCE_ID + "/.."}, 400),
        (SITE[0], {**HERE, "resource_id": w.SITE_RESOURCE_ID + "\n"}, 400),
        (SITE[0], {**HERE, "resource_id": "x" * 5000}, 400),
        (SITE[0], {**SITE[1], "subscription_id": OTHER_SUB}, 403),
        (SITE[0], {**SITE[1], "resource_group_name": "demo"}, 403),
    ],
)
async def test_refused(mount: Any, jwt: TokenOrder, place: dict[str, str], status: int) -> None:
    await mount.role(bound_locations="eastus")
    answer = await mount.login(jwt, **place)
    assert (answer.status, answer.login) == (status, None), answer


async def test_what_the_token_denies_is_not_asked(mount: Any) -> None:
    await mount.role(bound_subscription_ids=w.SUBSCRIPTION_ID)
    for place in (USER_VM[1], FLEX[1], {**VM[1], "resource_group_name": "x"}):
        assert (await mount.login(VM[0], **place)).status == 403
    assert "arm" not in mount.counters()
    assert "token" not in mount.counters()


async def test_resources_that_are_not_there_or_have_no_identity(mount: Any) -> None:
    control = mount.emulator.control
    await mount.role(bound_subscription_ids=w.SUBSCRIPTION_ID)
    jwt = mount.mint()
    control.remove(w.VM)
    answer = await mount.login(jwt, **VM[1])
    assert (answer.status, answer.failed) == (403, ["azure.resource"])
    control.add_machine(Machine(name=w.VM, no_identity=True))
    assert (await mount.login(jwt, **VM[1])).failed == ["azure.identity"]
    control.add_machine(Machine(name=w.VM, user_assigned=[w.IDENTITY]))
    assert (await mount.login(jwt, **VM[1])).failed == ["azure.principal"]


async def test_another_machine_with_the_same_identity_does_not_pass_for_this_one(mount: Any) -> None:
    mount.emulator.control.add_machine(Machine(name="twin", user_assigned=[w.IDENTITY]))
    mount.emulator.control.add_resource(Resource(name="twin-site", user_assigned=[w.IDENTITY]))
    await mount.role(bound_subscription_ids=w.SUBSCRIPTION_ID)
    assert (await mount.login(token(host="twin"), **USER_VM[1])).failed == ["token.vm_name"]
    assert (await mount.login(token(host="twin-site"), **SITE[1])).failed == ["token.resource_id"]
    assert (await mount.login(token(host="twin"), **{**HERE, "vm_name": "twin"})).status == 200


async def test_the_group_of_the_identity_is_not_the_group_of_the_machine(mount: Any) -> None:
    identity = mount.emulator.control.add_identity(Identity(name="shared", resource_group="other-rg"))
    mount.emulator.control.add_machine(Machine(name="m", user_assigned=[identity.id]))
    await mount.role(bound_resource_groups="other-rg")
    place = {"subscription_id": w.SUBSCRIPTION_ID, "resource_group_name": "other-rg", "vm_name": "m"}
    assert (await mount.login(token(host="m"), **place)).failed == ["resource_group_name"]


async def test_a_flexible_set_whose_identity_lies_in_another_subscription(mount: Any) -> None:
    control = mount.emulator.control
    control.add_subscription(Subscription(id=OTHER_SUB, resource_groups={"ids": "eastus"}))
    control.grant(type(control.world.roles[0])(principal_id=w.SERVER_PRINCIPAL_ID, scope=f"/subscriptions/{OTHER_SUB}"))
    far = control.add_identity(Identity(name="far", subscription=OTHER_SUB, resource_group="ids"))
    control.add_scale_set(ScaleSet(name="set", user_assigned=[far.id], mode="flexible", null_principals=True))
    control.add_machine(Machine(name="set_1", user_assigned=[far.id], scale_set="set"))
    await mount.role(**ANY_PLACE)
    answer = await mount.login(token(host="set_1"), **{**HERE, "vmss_name": "set"})
    assert answer.status == 200, answer


@pytest.mark.parametrize("casing", ["lower", "upper"])
async def test_the_spelling_of_ids_does_not_matter(mount: Any, casing: Any) -> None:
    for host in (w.VM, w.USER_VM, w.FLEX_SCALE_SET, w.SITE):
        mount.emulator.control.host(host).casing = casing
    await mount.role(**ANY_PLACE)
    for jwt, place in (VM, USER_VM, FLEX, SITE):
        upper = {name: value.upper() for name, value in place.items()}
        for spelled in (place, upper):
            answer = await mount.login(jwt, **spelled)
            assert answer.status == 200, answer


# Identities without a machine.


def workload(**more: Any) -> TokenOrder:
    return token(identity=w.IDENTITY, xms="never", **more)


async def test_an_identity_that_stands_for_itself(mount: Any) -> None:
    await mount.role(**ANY_PLACE, bound_locations="eastus")
    answer = await mount.login(workload(), **HERE)
    assert answer.status == 200, answer
    for jwt, place in (
        (workload(claims={"appid": w.VM_CLIENT_ID}), HERE),
        (workload(claims={"oid": w.VM_PRINCIPAL_ID}), HERE),
        (workload(), {**HERE, "subscription_id": OTHER_SUB}),
        (token(app=w.API_CLIENT_ID), HERE),
    ):
        refused = await mount.login(jwt, **place)
        assert refused.status == 403, refused
    await mount.role("sets", bound_scale_sets="x")
    assert (await mount.login(workload(), role="sets", **HERE)).failed == ["bound_scale_sets"]


async def test_an_identity_must_itself_lie_in_a_bound_group(mount: Any) -> None:
    mount.emulator.control.add_identity(Identity(name="away", resource_group="away-rg", location="westeurope"))
    jwt = token(identity="away", xms="never")
    await mount.role(bound_resource_groups=w.RESOURCE_GROUP)
    assert (await mount.login(jwt, **HERE)).status == 403
    assert (await mount.login(jwt, **{**HERE, "resource_group_name": "away-rg"})).failed == ["bound_resource_groups"]
    await mount.role(bound_resource_groups=["x", w.RESOURCE_GROUP, "away-rg"])
    answer = await mount.login(jwt, **HERE)
    assert answer.status == 200, answer
    assert answer.login.metadata["resource_group_name"] == "away-rg"
    await mount.role(bound_locations="eastus")
    assert (await mount.login(jwt, **HERE)).failed == ["bound_locations"]


async def test_a_federated_identity_beside_a_resource(mount: Any) -> None:
    mount.emulator.control.add_resource(
        Resource(name="aks", resource_type="Microsoft.ContainerService/managedClusters", system_assigned=True)
    )
    path = w.SITE_RESOURCE_ID.replace("Microsoft.Web/sites/demo-site", "Microsoft.ContainerService/managedClusters/aks")
    await mount.role(**ANY_PLACE)
    answer = await mount.login(workload(), **HERE, resource_id=path)
    assert answer.status == 200, answer
    assert (await mount.login(token(app=w.API_CLIENT_ID), **HERE, resource_id=path)).status == 403
    # a machine's identity must be attached to it: one taken off is out, whatever group it lies in
    mount.emulator.control.add_machine(Machine(name=w.USER_VM, system_assigned=True))
    detached = token(identity=w.IDENTITY, host=w.USER_VM)
    assert (await mount.login(detached, **USER_VM[1])).failed == ["azure.principal"]


async def test_lists_of_identities_go_on(mount: Any) -> None:
    control = mount.emulator.control
    for number in range(4):
        control.add_identity(Identity(name=f"a{number}"))
    control.configure(SettingsChange(page_size=1))
    await mount.role(**ANY_PLACE)
    assert (await mount.login(workload(), **HERE)).status == 200
    text = '{"value": [], "nextLink": "https://evil.test/x?y"}'
    control.fault(Fault(endpoint="arm", body="json", text=text, times=-1))
    assert (await mount.login(workload(), **HERE)).status == 502


# Api versions of other resources.


async def test_api_versions_are_chosen_and_remembered(mount: Any) -> None:
    await mount.role(**ANY_PLACE)
    for _ in range(2):
        assert (await mount.login(SITE[0], **SITE[1])).status == 200
    seen = [one for one in mount.emulator.control.requests() if one.endpoint == "arm"]
    assert sum(one.path.endswith("/providers/Microsoft.Web") for one in seen) == 1
    assert all("api-version=2024-04-01" in one.query for one in seen if one.path.endswith(w.SITE))


# Azure in trouble. None of it ends in success, and none is blamed on us.

TROUBLE = {
    "400": {"status": 400},
    "401": {"status": 401},
    "403": {"status": 403},
    "429": {"status": 429, "retry_after": 1},
    "429 for long": {"status": 429, "retry_after": 4000},
    "500": {"status": 500},
    "503": {"status": 503},
    "html": {"status": 200, "body": "html"},
    "garbage": {"status": 200, "body": "garbage"},
    "empty": {"status": 200, "body": "empty"},
    "huge": {"status": 200, "body": "huge", "size": 5_000_000},
    "truncated": {"status": 200, "body": "truncated"},
    "redirect": {"status": 302, "body": "redirect", "location": "https://evil.test/"},
    "wrong shape": {"status": 200, "body": "json", "text": '{"identity": 5}'},
    "slow": {"hang": True},
}


@pytest.mark.parametrize("endpoint", ["arm", "token"])
@pytest.mark.parametrize("name", TROUBLE)
async def test_azure_in_trouble(mount: Any, monkeypatch: pytest.MonkeyPatch, name: str, endpoint: Any) -> None:
    if name == "slow":
        monkeypatch.setattr(wire, "ATTEMPT", 0.2)
        await mount.post("config", {"max_retries": -1})
    await mount.role(**ANY_PLACE)
    mount.emulator.control.fault(Fault(endpoint=endpoint, times=-1, **TROUBLE[name]))
    started = mount.clock.now()
    answer = await mount.login(VM[0], **VM[1])
    assert (answer.status, answer.errors, answer.login) == (502, ["upstream service failed"], None), answer
    assert mount.clock.now() - started <= wire.DEADLINE
    assert w.SERVER_CLIENT_SECRET not in answer.reason + mount.logged()
    mount.emulator.control.clear_faults()
    if name != "slow":
        assert (await mount.login(VM[0], **VM[1])).status == 200


async def test_one_login_has_a_deadline(mount: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "DEADLINE", 0.2)  # seconds of real time
    await mount.role(**ANY_PLACE)
    mount.emulator.control.fault(Fault(endpoint="arm", hang=True, times=-1))
    answer = await mount.login(VM[0], **VM[1])
    assert (answer.status, answer.login) == (502, None)


@pytest.mark.parametrize(
    ("config", "asked", "waited"),
    [
        ({}, 4, (3.2, 24.0)),
        ({"max_retries": 0}, 4, (3.2, 40.0)),
        ({"max_retries": 1}, 2, (3.2, 5.2)),
        ({"max_retries": -1}, 1, (0, 0)),
        ({"max_retries": 2, "retry_delay": -1}, 3, (0, 0)),
        ({"max_retries": 3, "retry_delay": 0}, 4, (8.8 * 0.8, 8.8 * 1.3)),
        ({"max_retries": 3, "max_retry_delay": 1}, 4, (3, 3)),
    ],
)
async def test_retries(mount: Any, config: dict[str, int], asked: int, waited: tuple[float, float]) -> None:
    await mount.post("config", config)
    await mount.role(**ANY_PLACE)
    mount.emulator.control.fault(Fault(endpoint="arm", status=503, times=-1))
    started = mount.clock.now()
    assert (await mount.login(VM[0], **VM[1])).status == 502
    spent = mount.clock.now() - started
    count = mount.counters()["arm"]
    if config.get("max_retries", 0) == 0:
        assert 3 <= count <= asked  # the third wait may not fit into the deadline
        assert spent <= wire.DEADLINE
    else:
        assert count == asked
        assert waited[0] - 0.01 <= spent <= waited[1] + 0.01


async def test_retry_after_is_kept(mount: Any) -> None:
    await mount.role(**ANY_PLACE)
    mount.emulator.control.throttle("arm", 7, times=1)
    started = mount.clock.now()
    assert (await mount.login(VM[0], **VM[1])).status == 200
    assert mount.clock.now() - started == 7
