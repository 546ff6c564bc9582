"""Lists and searches of identities: what fits, in which order, in pages, and no document more than is shown."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.infisical.setting import Organization, bootstrapped
from vaultlike.testing.server import TestServer

NAMES = ("alpha", "Beta", "beta-two", "gamma/delta", "ümlaut", "100% sure")


async def people(server: TestServer) -> Organization:
    organization = await bootstrapped(server)
    for number, name in enumerate(NAMES):
        body = {"name": name, "organizationId": organization.id, "role": "member" if number % 2 else "no-access"}
        await organization.admin.good("POST", "/v1/identities", body)
    return organization


async def found(organization: Organization, **search: Any) -> list[str]:
    answer = await organization.admin.good("POST", "/v1/identities/search", search)
    names = [one["identity"]["name"] for one in answer["identities"]]
    assert answer["totalCount"] >= len(names)
    return names


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 0},
        {"limit": 101},
        {"offset": -1},
        {"limit": "ten"},
        {"search": []},
        {"search": {"name": 7}},
        {"search": {"name": {"$eq": 7}}},
        {"search": {"name": {"$in": "x"}}},
        {"search": {"name": "x" * 256}},
        {"search": {"$or": [{"name": "x"}] * 21}},
    ],
)
async def test_bad_shapes(server: TestServer, body: dict[str, object]) -> None:
    organization = await bootstrapped(server)
    await organization.admin.refused(422, "POST", "/v1/identities/search", body)


@pytest.mark.parametrize("body", [{"orderBy": "age"}, {"orderDirection": "up"}])
async def test_unknown_orders(server: TestServer, body: dict[str, object]) -> None:
    organization = await bootstrapped(server)
    await organization.admin.refused(422, "POST", "/v1/identities/search", body)
    assert (await server.post("organization/identities-search", body)).status == 400


async def test_what_fits(server: TestServer) -> None:
    organization = await people(server)
    assert await found(organization, search={"name": "BETA"}) == ["Beta"]
    assert await found(organization, search={"name": {"$eq": "gamma/delta"}}) == ["gamma/delta"]
    assert await found(organization, search={"name": {"$contains": "eta"}}) == ["Beta", "beta-two"]
    assert await found(organization, search={"name": {"$in": ["alpha", "ÜMLAUT"]}}) == ["alpha", "ümlaut"]
    assert await found(organization, search={"name": {"$contains": "beta", "$eq": "alpha"}}) == []
    assert await found(organization, search={"role": "admin"}) == ["Instance Admin Identity"]
    both = await found(organization, search={"name": {"$contains": "a"}, "role": {"$in": ["member"]}})
    assert both == ["Beta", "gamma/delta"]
    either = await found(organization, search={"$or": [{"name": "alpha"}, {"role": {"$eq": "admin"}}]})
    assert either == ["alpha", "Instance Admin Identity"]
    assert await found(organization, search={"name": "bet"}) == []


async def test_order_and_pages(server: TestServer) -> None:
    organization = await people(server)
    whole = await found(organization)
    assert sorted(whole, key=str.lower) == whole and len(whole) == 7
    assert await found(organization, orderDirection="desc") == whole[::-1]
    assert await found(organization, limit=2) + await found(organization, limit=5, offset=2) == whole
    assert await found(organization, offset=100) == []
    assert (await found(organization, orderBy="role"))[0] == "Instance Admin Identity"
    listed = await organization.admin.good("GET", f"/v1/identities?orgId={organization.id}&offset=1&limit=3")
    assert [one["identity"]["name"] for one in listed["identities"]] == whole[1:4]
    assert listed["totalCount"] == 7
    older = await organization.admin.good("GET", f"/v2/organizations/{organization.id}/identity-memberships")
    assert [one["identity"]["name"] for one in older["identityMemberships"]] == whole


async def test_names_and_roles_that_changed_are_found_anew(server: TestServer) -> None:
    organization = await people(server)
    (one,) = (await organization.admin.good("POST", "/v1/identities/search", {"search": {"name": "alpha"}}))[
        "identities"
    ]
    change = {"name": "omega", "role": "member"}
    await organization.admin.good("PATCH", f"/v1/identities/{one['identityId']}", change)
    assert await found(organization, search={"name": "alpha"}) == []
    assert await found(organization, search={"name": "omega", "role": "member"}) == ["omega"]
    await organization.admin.good("DELETE", f"/v1/identities/{one['identityId']}")
    assert await found(organization, search={"name": "omega"}) == []
    assert len(await found(organization)) == 6


async def test_the_vault_cli_lists_them_too(server: TestServer) -> None:
    organization = await people(server)
    answer = await server.list("organization/identities?limit=2&offset=1")
    assert len(answer.data["keys"]) == 2 and answer.data["totalCount"] == 7
    assert (await server.list("organization/identities?limit=0")).status == 400
    assert organization.id == answer.data["key_info"][answer.data["keys"][0]]["orgId"]
