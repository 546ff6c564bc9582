"""Which tokens let in: issuer, audience, times, signature, keys, service principals and groups."""

from __future__ import annotations

from typing import Any

import pytest

from vaultlike.testing.azure import Fault, TokenOrder
from vaultlike.testing.azure import world as w
from vaultlike.testing.azure.keys import STRANGER
from vaultlike_azure import wire

AUD = "https://management.azure.com/"


def order(**more: Any) -> TokenOrder:
    return TokenOrder(audience=more.pop("audience", AUD), **more)


REFUSED = {
    "signature": (order(key=STRANGER), "jwt.signature"),
    "kid nobody knows": (order(kid="nobody"), "jwt.kid"),
    "alg none": (order(alg="none"), "jwt.form"),
    "alg HS256": (order(alg="HS256"), "jwt.form"),
    "alg RS512": (order(alg="RS512"), "jwt.alg"),
    "alg PS256": (order(alg="PS256"), "jwt.alg"),
    "foreign issuer": (order(claims={"iss": "https://sts.azure-emulator.test/other/"}), "jwt.iss"),
    "issuer without slash": (order(claims={"iss": f"https://sts.azure-emulator.test/{w.TENANT_ID}"}), "jwt.iss"),
    "no issuer": (order(drop=["iss"]), "jwt.iss"),
    "audience without slash": (order(claims={"aud": AUD[:-1]}), "jwt.aud"),
    "audience list of others": (order(claims={"aud": ["a", "b"]}), "jwt.aud"),
    "no audience": (order(drop=["aud"]), "jwt.aud"),
    "expired": (order(lifetime=-60), "jwt.exp"),
    "no exp": (order(drop=["exp"]), "jwt.exp"),
    "exp as text": (order(claims={"exp": "4102444800"}), "jwt.exp"),
    "not yet valid": (order(claims={"nbf": 1_795_000_060}), "jwt.nbf"),
    "no oid": (order(drop=["oid"]), "token.oid"),
    "oid of another": (order(claims={"oid": w.GROUP_ID}), "bound_service_principal_ids"),
    "another tenant": (order(claims={"tid": w.GROUP_ID}), "token.tid"),
    "duplicate member": (order(duplicates=[("oid", w.VM_PRINCIPAL_ID)]), "jwt.form"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused(mount: Any, name: str) -> None:
    await mount.role(bound_service_principal_ids=[w.VM_PRINCIPAL_ID])
    wanted, check = REFUSED[name]
    token = mount.mint(wanted)
    answer = await mount.login(token)
    assert answer.status in (400, 403), answer
    assert answer.failed == [check]
    assert answer.login is None
    assert answer.errors in (["permission denied"], ["malformed JWT"])
    assert token not in repr(answer.call.checks) + answer.reason + mount.logged()


@pytest.mark.parametrize("name", ["expired", "foreign issuer", "audience without slash", "alg RS512", "alg none"])
async def test_a_hopeless_token_costs_no_request(mount: Any, name: str) -> None:
    await mount.role(bound_service_principal_ids=[w.VM_PRINCIPAL_ID])
    assert (await mount.login(REFUSED[name][0])).status in (400, 403)
    assert mount.counters() == {}


@pytest.mark.parametrize("jwt", ["a.b.c", "x", "..", "e30.e30.", "é.é.é", "a" * 40_000, "e30.e30.AA"])
async def test_malformed(mount: Any, jwt: str) -> None:
    await mount.role(bound_service_principal_ids=[w.VM_PRINCIPAL_ID])
    answer = await mount.login(jwt)
    assert answer.status in (400, 403)
    assert mount.counters() == {}


async def test_wrong_types_of_our_claims(mount: Any) -> None:
    await mount.role(bound_service_principal_ids=[w.VM_PRINCIPAL_ID])
    for claims in ({"groups": "g"}, {"oid": 5}, {"appid": ["a"]}, {"xms_mirid": {}}, {"groups": [1]}):
        answer = await mount.login(order(claims=claims))
        assert answer.status == 403, claims


@pytest.mark.parametrize(
    "wanted",
    [
        order(),
        order(version=2),
        order(kid=""),
        order(float_dates=True),
        order(claims={"aud": ["other", AUD]}),
        order(claims={"nbf": 1_795_000_000}),
        order(drop=["nbf"]),
        order(drop=["tid", "iat"]),
    ],
    ids=["v1", "v2", "no kid", "float dates", "audience list", "nbf now", "no nbf", "least"],
)
async def test_accepted(mount: Any, wanted: TokenOrder) -> None:
    await mount.role(bound_service_principal_ids=[w.VM_PRINCIPAL_ID.upper()])
    answer = await mount.login(wanted)
    assert answer.status == 200, answer
    assert "arm" not in mount.counters()


async def test_what_a_login_asserts(mount: Any) -> None:
    await mount.role("dev", bound_group_ids="*,x", bound_service_principal_ids="*", token_ttl=60)
    answer = await mount.login(order(groups=["g1", "", "X"]), role="Dev", subscription_id=w.SUBSCRIPTION_ID)
    found = answer.login
    assert found is not None, answer
    assert (found.alias.name, found.display_name, found.role) == (w.VM_PRINCIPAL_ID, w.VM_PRINCIPAL_ID, "dev")
    assert found.metadata == {
        "role": "Dev",
        "resource_group_name": "",
        "subscription_id": w.SUBSCRIPTION_ID,
        "app_id": w.VM_CLIENT_ID,
    }
    assert found.groups == ("g1", "X")
    assert found.memo == {"role": "Dev", "oid": w.VM_PRINCIPAL_ID, "group": "X"}
    assert found.token.token_ttl == 60


async def test_alias_metadata_holds_only_what_the_token_proves(mount: Any) -> None:
    await mount.role(bound_service_principal_ids=w.VM_PRINCIPAL_ID)
    place = {"subscription_id": w.SUBSCRIPTION_ID, "resource_group_name": w.RESOURCE_GROUP}
    lie = await mount.login(order(), **place, vm_name="other-vm")
    assert lie.login.metadata["vm_name"] == "other-vm"
    assert "vm_name" not in lie.login.alias.metadata
    truth = await mount.login(order(), **place, vm_name=w.VM)
    assert truth.login.alias.metadata["vm_name"] == w.VM
    assert truth.login.alias.metadata["resource_group_name"] == w.RESOURCE_GROUP
    away = await mount.login(order(), subscription_id=w.SUBSCRIPTION_ID, resource_group_name="else", vm_name=w.VM)
    assert away.login.alias.metadata["resource_group_name"] == ""


@pytest.mark.parametrize(
    ("sps", "groups", "ok"),
    [
        (["*"], None, True),
        (None, ["*"], True),
        ([w.VM_PRINCIPAL_ID], ["*"], True),
        (["*"], ["G"], True),
        ([w.VM_PRINCIPAL_ID], ["g"], True),
        ([w.VM_PRINCIPAL_ID], ["h"], False),
        ([w.GROUP_ID], ["g"], False),
        (["*", "x"], None, False),
        (["*", "x"], ["g"], False),
        (None, ["h", "g"], True),
        ([""], None, False),
    ],
)
async def test_principals_and_groups(mount: Any, sps: list[str] | None, groups: list[str] | None, ok: bool) -> None:
    fields = {"bound_service_principal_ids": sps, "bound_group_ids": groups}
    await mount.role(**{name: value for name, value in fields.items() if value is not None})
    answer = await mount.login(order(groups=["G"]))
    assert answer.status == (200 if ok else 403), answer


async def test_no_groups_in_the_token(mount: Any) -> None:
    await mount.role(bound_group_ids=["g"])
    assert (await mount.login(order())).failed == ["bound_group_ids"]


@pytest.mark.parametrize("kind", ["claim_names", "hasgroups"])
async def test_groups_from_graph(mount: Any, kind: Any) -> None:
    await mount.role(bound_group_ids=[w.GROUP_ID.upper()])
    answer = await mount.login(order(overage=kind))
    assert answer.status == 200, answer
    assert answer.login.groups == (w.GROUP_ID,)
    await mount.role(bound_group_ids=[w.VM_ID])
    assert (await mount.login(order(overage=kind))).status == 403


async def test_groups_of_a_bearer_of_another_kind(mount: Any) -> None:
    await mount.role(bound_group_ids=[w.GROUP_ID])
    mount.emulator.control.fault(Fault(endpoint="graph", match="servicePrincipals", status=404, times=-1))
    assert (await mount.login(order(overage="hasgroups"))).status == 200
    mount.emulator.control.fault(Fault(endpoint="graph", status=404, times=-1))
    assert (await mount.login(order(overage="hasgroups"))).status == 502


async def test_groups_that_graph_does_not_tell(mount: Any) -> None:
    await mount.role(bound_group_ids=[w.GROUP_ID])
    mount.emulator.control.revoke(w.SERVER_PRINCIPAL_ID)
    answer = await mount.login(order(overage="hasgroups"))
    assert (answer.status, answer.failed) == (502, ["token.groups"])
    await mount.role("sp", bound_service_principal_ids=[w.VM_PRINCIPAL_ID])
    assert (await mount.login(order(overage="hasgroups"), role="sp")).status == 200


async def test_a_new_key_is_found_at_once_and_an_old_one_forgotten(mount: Any) -> None:
    await mount.role(bound_service_principal_ids=[w.VM_PRINCIPAL_ID])
    assert (await mount.login()).status == 200
    mount.clock.advance(2)
    old = mount.mint()
    known = mount.emulator.control.keys()
    previous = next(key.kid for key in known if key.active)
    mount.emulator.control.rotate_keys()
    assert (await mount.login()).status == 200
    assert mount.counters()["jwks"] == 2
    mount.emulator.control.withdraw_key(previous)
    mount.clock.advance(3700)
    assert (await mount.login()).status == 200
    assert (await mount.login(old)).status == 403


async def test_unknown_keys_cause_no_storm(mount: Any) -> None:
    await mount.role(bound_service_principal_ids=[w.VM_PRINCIPAL_ID])
    began = mount.clock.monotonic()
    for number in range(20):
        assert (await mount.login(order(kid=f"k{number}"))).status == 403
    assert mount.counters()["jwks"] <= 1 + (mount.clock.monotonic() - began)  # at most one a second
    seen = mount.counters()["jwks"]
    for _ in range(20):  # a known id and a bad signature: no wait, and no fetch before its time
        assert (await mount.login(mount.mint()[:-8] + "AAAAAAAA")).status == 403
    assert mount.counters()["jwks"] == seen


async def test_a_login_right_after_a_rotation_or_an_outage_is_not_refused(mount: Any) -> None:
    await mount.role(bound_service_principal_ids=[w.VM_PRINCIPAL_ID])
    mount.emulator.control.fault(Fault(endpoint="discovery", status=500, times=-1))
    assert (await mount.login()).status == 502
    mount.emulator.control.clear_faults()
    assert (await mount.login()).status == 200
    mount.emulator.control.rotate_keys()
    assert (await mount.login()).status == 200


async def test_many_first_logins_share_one_fetch(mount: Any) -> None:
    import asyncio

    await mount.role(bound_service_principal_ids=[w.VM_PRINCIPAL_ID])
    answers = await asyncio.gather(*(mount.login() for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert (mount.counters()["discovery"], mount.counters()["jwks"]) == (1, 1)


async def test_a_tenant_by_its_domain(mount: Any) -> None:
    await mount.post("config", {"tenant_id": w.TENANT_DOMAIN})
    await mount.role(bound_service_principal_ids=[w.VM_PRINCIPAL_ID])
    for version in (1, 2):
        assert (await mount.login(order(version=version))).status == 200
    assert (await mount.login(order(claims={"iss": "https://evil.test/x/"}))).failed == ["jwt.iss"]


DOWN = {
    "500": {"status": 500},
    "503": {"status": 503},
    "429": {"status": 429, "retry_after": 1000},
    "html": {"body": "html", "status": 200},
    "garbage": {"body": "garbage", "status": 200},
    "empty": {"body": "empty", "status": 200},
    "huge": {"body": "huge", "status": 200, "size": 3_000_000},
    "truncated": {"body": "truncated", "status": 200},
    "redirect": {"body": "redirect", "status": 302, "location": "https://evil.test/"},
    "slow": {"hang": True},
}


@pytest.mark.parametrize("endpoint", ["discovery", "jwks"])
@pytest.mark.parametrize("name", DOWN)
async def test_entra_in_trouble(mount: Any, monkeypatch: pytest.MonkeyPatch, name: str, endpoint: Any) -> None:
    if name == "slow":
        monkeypatch.setattr(wire, "ATTEMPT", 0.3)  # seconds of real time
    await mount.role(bound_service_principal_ids=[w.VM_PRINCIPAL_ID])
    mount.emulator.control.fault(Fault(endpoint=endpoint, times=-1, **DOWN[name]))
    answer = await mount.login()
    assert (answer.status, answer.errors) == (502, ["upstream service failed"])
    assert answer.login is None
    if name != "slow":
        mount.emulator.control.clear_faults()
        mount.clock.advance(11)
        assert (await mount.login()).status == 200


async def test_known_keys_survive_an_outage(mount: Any) -> None:
    await mount.role(bound_service_principal_ids=[w.VM_PRINCIPAL_ID])
    assert (await mount.login()).status == 200
    for endpoint in ("discovery", "jwks"):
        mount.emulator.control.fault(Fault(endpoint=endpoint, status=503, times=-1))
    mount.clock.advance(7200)
    assert (await mount.login()).status == 200
    mount.clock.advance(20)
    assert (await mount.login(order(kid="new-key"))).status == 502


async def test_monitoring_sees_which_publisher_fails(mount: Any) -> None:
    await mount.role(bound_service_principal_ids=[w.VM_PRINCIPAL_ID])

    def numbers(name: str) -> dict[tuple[str, str], float]:
        """By the last word of the source and the error."""
        found = {}
        for one in mount.backend.gauges():
            if one.name == f"key_source.{name}":
                labels = dict(one.labels)
                found[labels["source"].rpartition("/")[2], labels.get("error", "")] = one.value
        return found

    assert list(mount.backend.gauges()) == []  # nobody asked for a key yet
    assert (await mount.login()).status == 200
    assert numbers("failing") == {("openid-configuration", ""): 0, ("keys", ""): 0}
    assert numbers("keys").keys() == {("keys", "")}
    mount.emulator.control.fault(Fault(endpoint="jwks", status=503, times=-1))
    mount.clock.advance(7200)
    assert (await mount.login()).status == 200
    assert numbers("failing") == {("openid-configuration", ""): 0, ("keys", "BadStatus"): 1}
    assert numbers("age_seconds") == {("openid-configuration", ""): 0, ("keys", ""): 7200}


async def test_a_mount_without_issuer_of_its_own(mount: Any) -> None:
    """A document that names an issuer that is not the configured cloud's is not believed."""
    mount.system.clouds = ({**mount.system.clouds[0], "issuer": "https://sts.elsewhere.test"},)
    await mount.role(bound_service_principal_ids=[w.VM_PRINCIPAL_ID])
    assert (await mount.login()).status == 403
    assert (await mount.login(order(claims={"iss": f"https://sts.elsewhere.test/{w.TENANT_ID}/"}))).status == 502


async def test_changed_config_counts_at_once(mount: Any) -> None:
    await mount.role(bound_service_principal_ids=[w.VM_PRINCIPAL_ID])
    assert (await mount.login()).status == 200
    await mount.post("config", {"resource": "https://other.test"})
    assert (await mount.login()).failed == ["jwt.aud"]
    await mount.delete("config")
    assert (await mount.login()).errors == ["tenant_id is required"]
    mount.system.environment = {
        "AZURE_TENANT_ID": w.TENANT_ID,
        "AZURE_AD_RESOURCE": AUD,
        "AZURE_ENVIRONMENT": "EMULATED",
    }
    assert (await mount.login()).status == 200
