"""The encryption key is used by all processes: who rotates it when the number is full counts them all."""

from __future__ import annotations

import msgspec

from tests.api.core.conftest import House
from vaultlike.seal.records import NAMESPACE, USAGE
from vaultlike.seal.rotation import MIN_OPERATIONS
from vaultlike.storage.engine import PutDocument
from vaultlike.testing.server import TestServer


async def turn(server: TestServer, *jobs: str) -> None:
    core = server.server.core
    assert core is not None
    for job in jobs:
        assert await core.leader.run(job)


async def uses(server: TestServer) -> tuple[int, int]:
    data = (await server.get("sys/key-status")).data
    return int(data["term"]), int(data["encryptions"])


async def test_a_process_that_never_leads_is_counted(house: House) -> None:
    first, second = house.first, await house.another()
    await turn(first, "mounts")  # the first one leads from now on
    core = second.server.core
    assert core is not None and not await core.leader.run("mounts")
    _, before = await uses(first)
    for _ in range(100):
        second.server.custodian.unsealed().seal(b"a value", b"")
    assert (await uses(first))[1] < before + 100
    await turn(second, "key uses")
    assert (await uses(first))[1] >= before + 100


async def test_the_uses_of_the_others_rotate_the_key_of_all(house: House) -> None:
    first, second = house.first, await house.another()
    assert (await first.post("sys/rotate/config", {"max_operations": MIN_OPERATIONS})).status == 204
    usage = msgspec.json.encode({"term": 1, "encryptions": MIN_OPERATIONS - 100})
    await first.server.engine.commit([PutDocument(NAMESPACE, USAGE, usage)])
    await turn(first, "key uses")
    for _ in range(100):
        second.server.custodian.unsealed().seal(b"a value", b"")
    await turn(first, "mounts")
    assert (await uses(first))[0] == 1
    await turn(second, "key uses")
    await turn(first, "mounts")
    assert (await uses(first))[0] == (await uses(second))[0] == 2
    token = await second.token("default")
    assert (await first.get("auth/token/lookup-self", token=token)).status == 200


async def test_nothing_sealed_nothing_written(house: House) -> None:
    await turn(house.first, "key uses")
    before = await house.first.server.engine.document(NAMESPACE, USAGE)
    await turn(house.first, "key uses")
    assert await house.first.server.engine.document(NAMESPACE, USAGE) == before
