"""Renewal asks the role again, and whether it still takes the machine that logged in."""

from __future__ import annotations

from typing import Any

import pytest

from vaultlike.errors import Denied, Invalid
from vaultlike.testing.azure import TokenOrder
from vaultlike.testing.azure import world as w

PLACE = {"subscription_id": w.SUBSCRIPTION_ID, "resource_group_name": w.RESOURCE_GROUP, "vm_name": w.VM}
ALL = {
    "bound_service_principal_ids": w.VM_PRINCIPAL_ID,
    "bound_group_ids": "g",
    "bound_subscription_ids": w.SUBSCRIPTION_ID,
    "bound_resource_groups": w.RESOURCE_GROUP,
    "bound_locations": "East US",
}


async def logged_in(mount: Any, **bounds: str) -> Any:
    await mount.role("Dev", **bounds)
    jwt = mount.mint(TokenOrder(audience="https://management.azure.com/", groups=["G", "h"]))
    answer = await mount.login(jwt, role="Dev", **PLACE)
    assert answer.status == 200, answer
    return answer.login


async def test_todays_parameters(mount: Any) -> None:
    login = await logged_in(mount, **ALL)
    await mount.role("dev", token_ttl=77, token_max_ttl=99, token_period=11)
    params = await mount.renew(login)
    assert (params.token_ttl, params.token_max_ttl, params.token_period) == (77, 99, 11)


async def test_the_role_is_gone(mount: Any) -> None:
    login = await logged_in(mount, **ALL)
    await mount.delete("role/dev")
    with pytest.raises(Invalid, match="role Dev does not exist during renewal"):
        await mount.renew(login)


async def test_a_token_without_a_memo(mount: Any) -> None:
    from msgspec.structs import replace

    login = await logged_in(mount, **ALL)
    with pytest.raises(Denied):
        await mount.renew(replace(login, memo={}))


@pytest.mark.parametrize(
    "change",
    [
        {"bound_service_principal_ids": w.GROUP_ID},
        {"bound_group_ids": "h"},
        {"bound_subscription_ids": w.GROUP_ID},
        {"bound_resource_groups": "other"},
        {"bound_locations": "westeurope"},
    ],
)
async def test_the_role_no_longer_takes_the_machine(mount: Any, change: dict[str, str]) -> None:
    login = await logged_in(mount, **ALL)
    await mount.role("dev", **change)
    with pytest.raises(Denied):
        await mount.renew(login)


async def test_wider_roles_and_azure_down(mount: Any) -> None:
    login = await logged_in(mount, **ALL)
    await mount.role("dev", bound_service_principal_ids="*", bound_locations="")
    before = mount.counters()
    await mount.renew(login)
    assert mount.counters() == before


async def test_the_memo_is_small(mount: Any) -> None:
    login = await logged_in(mount, bound_service_principal_ids="*")
    assert set(login.memo) == {"role", "oid"}
