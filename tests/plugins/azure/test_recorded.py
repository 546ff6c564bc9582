"""The answers that a reference server gave to the same requests (error texts included)."""

from __future__ import annotations

from typing import Any

import pytest

GUID = "11111111-2222-3333-4444-555555555555"
BOUND = "must have at least one bound constraint when creating/updating a role"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, BOUND),
        ({"token_policies": "a"}, BOUND),
        ({"bound_group_ids": [], "bound_locations": ""}, BOUND),
        (
            {"bound_group_ids": "g", "token_ttl": "2h", "token_max_ttl": "1h"},
            "'token_ttl' cannot be greater than 'token_max_ttl'",
        ),
        ({"bound_group_ids": "g", "token_num_uses": -1}, "'token_num_uses' cannot be negative"),
        (
            {"bound_group_ids": "g", "token_period": "9999h"},
            'token period of "9999h0m0s" is greater than the backend\'s maximum lease TTL of "768h0m0s"',
        ),
        (
            {"bound_group_ids": "g", "token_type": "batch", "token_period": "1h"},
            "'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic tokens",
        ),
        ({"bound_group_ids": "g", "token_type": "hybrid"}, "invalid 'token_type' value \"hybrid\""),
        (
            {"bound_group_ids": "g", "token_ttl": "soon"},
            'error converting input soon for field "token_ttl": time: invalid duration "soon"',
        ),
        (
            {"bound_group_ids": {"a": "b"}},
            'error converting input map[a:b] for field "bound_group_ids": 1 error(s) decoding:\n\n'
            "* '[0]' expected type 'string', got unconvertible type 'map[string]interface {}', value: 'map[a:b]'",
        ),
    ],
)
async def test_role_refused(bare: Any, body: dict[str, Any], text: str) -> None:
    answer = await bare.post("role/r", body)
    assert (answer.status, answer.errors) == (400, [text])
    assert (await bare.get("role/r")).status == 404


async def test_role_names(bare: Any) -> None:
    assert (await bare.list("role")).status == 404
    assert (await bare.get("role/none")).status == 404
    assert (await bare.delete("role/none")).status == 204
    assert (await bare.post("role/-r", {"bound_group_ids": "g"})).status == 404
    assert (await bare.post("role/Full", {"bound_group_ids": "g"})).status == 204
    assert (await bare.get("role/FULL")).data["bound_group_ids"] == ["g"]
    assert (await bare.list("role/")).data == {"keys": ["full"]}
    assert (await bare.delete("role/fUll")).status == 204
    assert (await bare.get("role/full")).status == 404


async def test_role_reads(bare: Any) -> None:
    assert (await bare.post("role/least", {"bound_subscription_ids": "sub-1"})).status == 204
    shown = (await bare.get("role/least")).data
    shown.pop("token_strictly_bind_ip")
    assert shown == {
        "bound_group_ids": None,
        "bound_locations": None,
        "bound_resource_groups": None,
        "bound_scale_sets": None,
        "bound_service_principal_ids": None,
        "bound_subscription_ids": ["sub-1"],
        "token_bound_cidrs": [],
        "token_explicit_max_ttl": 0,
        "token_max_ttl": 0,
        "token_no_default_policy": False,
        "token_num_uses": 0,
        "token_period": 0,
        "token_policies": [],
        "token_ttl": 0,
        "token_type": "default",
    }
    assert (await bare.post("role/star", {"bound_service_principal_ids": ["*"]})).status == 204


async def test_role_update_keeps_what_is_not_sent(bare: Any) -> None:
    await bare.role(bound_group_ids="g", bound_locations="westeurope", token_ttl="5m")
    await bare.role(token_ttl="6m")
    shown = (await bare.get("role/r")).data
    assert (shown["token_ttl"], shown["bound_locations"]) == (360, ["westeurope"])
    await bare.role(policies="Dev, ops", ttl="7m", max_ttl="14m", num_uses=3, period="2m")
    shown = (await bare.get("role/r")).data
    assert shown["policies"] == shown["token_policies"] == ["dev", "ops"]
    assert (shown["ttl"], shown["max_ttl"], shown["num_uses"], shown["period"]) == (420, 840, 3, 120)
    await bare.role(
        token_policies=[], token_ttl=0, token_max_ttl=0, token_num_uses=0, token_period=0, bound_locations=[]
    )
    shown = (await bare.get("role/r")).data
    assert not {"policies", "ttl", "max_ttl", "num_uses", "period"} & set(shown)
    assert shown["bound_locations"] == []
    assert (await bare.post("role/r", {"bound_group_ids": ""})).errors == [BOUND]
    answer = await bare.post("role/r", {"token_max_ttl": "9999h"})
    assert answer.status == 200
    assert answer.warnings == [
        "max_ttl is greater than the system or backend mount's maximum TTL value; "
        "issued tokens' max TTL value will be truncated"
    ]


async def test_role_that_admits_nobody_says_what_to_add(bare: Any) -> None:
    answer = await bare.post("role/r", {"bound_service_principal_ids": "*", "bound_group_ids": "*"})
    assert answer.status == 400
    assert "name the service principals or the groups" in answer.errors[0]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "tenant_id is required"),
        ({"tenant_id": GUID}, "resource is required"),
        (
            {"tenant_id": GUID, "resource": "x", "environment": "AzureMoonCloud"},
            'err: no cloud configuration matching the name "AZUREMOONCLOUD"',
        ),
        ({"tenant_id": GUID, "resource": "x", "environment": "AzureGermanCloud"}, None),
        ({"tenant_id": "a/b", "resource": "x"}, None),
        ({"tenant_id": "..", "resource": "x"}, None),
        (
            {"root_password_ttl": "soon"},
            'error converting input soon for field "root_password_ttl": time: invalid duration "soon"',
        ),
        (
            {"max_retries": "many"},
            'error converting input many for field "max_retries": '
            "cannot parse '' as int: strconv.ParseInt: parsing \"many\": invalid syntax",
        ),
        (
            {"tenant_id": ["a"]},
            "error converting input [a] for field \"tenant_id\": '' expected type 'string', "
            "got unconvertible type '[]interface {}', value: '[a]'",
        ),
        ({"tenant_id": GUID, "resource": "x", "client_secret": "s", "identity_token_audience": "a"}, None),
        ({"tenant_id": GUID, "resource": "x", "auth_type": "aks_wif"}, None),
        ({"tenant_id": GUID, "resource": "x", "identity_token_ttl": -1}, None),
        ({"tenant_id": GUID, "resource": "x", "rotation_schedule": "0 0 * * *", "rotation_period": 60}, None),
        ({"tenant_id": GUID, "resource": "x", "rotation_window": 60}, None),
        ({"tenant_id": GUID, "resource": "x", "rotation_period": 60, "rotation_window": 60}, None),
        ({"tenant_id": GUID, "resource": "x", "rotation_schedule": "at noon"}, None),
    ],
)
async def test_config_refused(bare: Any, body: dict[str, Any], text: str | None) -> None:
    if body.get("rotation_schedule") == "at noon":
        pytest.importorskip("cronsim")
    answer = await bare.post("config", body)
    assert answer.status == 400
    assert text is None or answer.errors == [text]
    assert (await bare.get("config")).status == 404


async def test_config_is_merged_but_retries_are_reset(bare: Any) -> None:
    assert (await bare.get("config")).status == 404
    assert (await bare.delete("config")).status == 204
    least = {"tenant_id": GUID, "resource": "https://management.azure.com/"}
    assert (await bare.post("config", least)).status == 204
    shown = (await bare.get("config")).data
    assert shown == {
        **least,
        "client_id": "",
        "environment": "",
        "max_retries": 3,
        "max_retry_delay": 60_000_000_000,
        "retry_delay": 4_000_000_000,
        "root_password_ttl": 15_768_000,
        "identity_token_audience": "",
        "identity_token_ttl": 0,
        "rotation_schedule": "",
        "rotation_window": 0,
        "rotation_period": 0,
        "rotation_policy": "",
        "disable_automated_rotation": False,
        "auth_type": "",
    }
    more = {
        "client_id": "id-1",
        "client_secret": "secret-1",
        "environment": "AzureUSGovernmentCloud",
        "root_password_ttl": "24h",
        "max_retries": 7,
        "retry_delay": "2s",
        "max_retry_delay": "90s",
    }
    assert (await bare.post("config", more)).status == 204
    shown = (await bare.get("config")).data
    assert (shown["max_retries"], shown["retry_delay"], shown["max_retry_delay"]) == (7, 2 * 10**9, 90 * 10**9)
    assert shown["root_password_ttl"] == 86400
    assert "client_secret" not in shown
    assert (await bare.post("config", {"resource": "https://other.test", "retry_delay": None})).status == 204
    shown = (await bare.get("config")).data
    assert (shown["client_id"], shown["environment"]) == ("id-1", "AzureUSGovernmentCloud")
    assert (shown["max_retries"], shown["retry_delay"], shown["root_password_ttl"]) == (3, 4 * 10**9, 15_768_000)
    assert (await bare.post("config", {"environment": "azurepubliccloud", "max_retries": "9"})).status == 204
    assert (await bare.get("config")).data["environment"] == "azurepubliccloud"
    assert b"secret-1" in bare.storage.documents["config"]
    assert (await bare.list("config")).status == 405 or (await bare.list("config")).status == 404
    assert (await bare.delete("config")).status == 204
    assert (await bare.get("config")).status == 404


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({}, 400, "jwt is required"),
        ({"role": "r"}, 400, "jwt is required"),
        ({"jwt": "a.b.c"}, 400, "role is required"),
        ({"role": "r", "jwt": ""}, 400, "jwt is required"),
        ({"role": "none", "jwt": "a.b.c"}, 400, 'invalid role name "none"'),
        ({"role": "../config", "jwt": "a.b.c"}, 400, "relative paths not supported"),
        ({"role": "r", "jwt": "a.b.c", "subscription_id": "no-guid"}, 400, 'invalid subscription id "no-guid"'),
        (
            {"role": "r", "jwt": "a.b.c", "subscription_id": GUID, "resource_group_name": "bad name?"},
            400,
            'invalid resource group name "bad name?"',
        ),
        ({"role": "r", "jwt": "x", "resource_group_name": "ends."}, 400, 'invalid resource group name "ends."'),
        ({"role": "r", "jwt": "x", "vm_name": "-vm"}, 400, 'invalid vm name "-vm"'),
        ({"role": "r", "jwt": "x", "vm_name": "vm\n"}, 400, 'invalid vm name "vm\n"'),
        ({"role": "r", "jwt": "x", "vmss_name": "set/x"}, 400, 'invalid vmss_name "set/x"'),
        (
            {"role": "r", "jwt": "x", "vm_name": ["a"]},
            400,
            "Field validation failed: error converting input [a] for field \"vm_name\": '' expected type 'string', "
            "got unconvertible type '[]interface {}', value: '[a]'",
        ),
        ({"role": "R", "jwt": "x", "vm_name": "vm1"}, 400, "tenant_id is required"),
        ({"role": "far", "jwt": "x", "vm_name": "-vm"}, 403, "permission denied"),
    ],
)
async def test_login_refused_before_azure_is_asked(bare: Any, body: dict[str, Any], status: int, text: str) -> None:
    await bare.role("r", bound_subscription_ids="s")
    await bare.role("far", bound_subscription_ids="s", token_bound_cidrs="10.0.0.0/8")
    answer = await bare.post("login", body)
    assert (answer.status, answer.errors) == (status, [text])


async def test_a_secret_of_the_wrong_type_is_not_echoed(bare: Any) -> None:
    answer = await bare.post("login", {"role": "r", "jwt": ["canary-token"]})
    assert answer.status == 400
    assert "canary" not in answer.errors[0]
    answer = await bare.post("config", {"client_secret": {"canary": 1}})
    assert answer.status == 400
    assert "canary" not in answer.errors[0]


async def test_unknown_paths(bare: Any) -> None:
    assert (await bare.get("login")).status == 405
    assert (await bare.post("login/r")).status == 404
    assert (await bare.post("rotate-root")).status == 400
