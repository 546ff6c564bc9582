"""Many who want the same thing at once, at two servers over one database: nobody gets a 5xx, nothing is half done."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.api.core.conftest import House, open_desk


async def test_writers_of_one_role_all_get_their_turn(house: House) -> None:
    await open_desk(house.first)
    servers = (house.first, await house.another())

    async def write(number: int) -> int:
        body = {"bound_colors": f"color{number}", "token_ttl": number}
        answer = await servers[number % 2].post("auth/desk/role/busy", body)
        return answer.status

    assert set(await asyncio.gather(*(write(number) for number in range(1, 101)))) == {204}
    kept: Any = (await house.first.get("auth/desk/role/busy")).data
    assert kept["bound_colors"] == [f"color{kept['token_ttl']}"]


async def test_mounts_that_come_and_go(house: House) -> None:
    servers = (house.first, await house.another())

    async def churn(number: int) -> list[int]:
        server, other = servers[number % 2], f"m{(number + 1) % 3}"
        name = f"m{number % 3}"
        return [
            (await server.post(f"sys/mounts/{name}", {"type": "kv"})).status,
            (await server.post(f"{name}/k", {"a": number})).status,
            (await server.post("sys/remount", {"from": name, "to": other})).status,
            (await server.delete(f"sys/mounts/{other}")).status,
        ]

    statuses = [status for got in await asyncio.gather(*(churn(n) for n in range(12))) for status in got]
    assert max(statuses) < 500
    seen = [(await server.get("sys/mounts")).data.keys() for server in servers]
    assert seen[0] == seen[1]
