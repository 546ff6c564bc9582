"""From version 1 to version 2: nothing is lost, whoever does it and however often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.unit.engines.conftest import Counting, Door
from vaultlike.engines.kv import Kv
from vaultlike.sdk import Context


async def test_secrets_become_their_first_version(v1: Door, context: Callable[..., Context], engine: Counting) -> None:
    nested: dict[str, object] = {}
    for _ in range(400):
        nested = {"x": nested}
    await v1("write", "aa-too-deep", nested)
    for n in range(30):
        await v1("write", f"dir/{n}", {"v": n})
    nodes = [Kv(context(version="2")) for _ in range(3)]
    await asyncio.gather(*(node.start() for node in nodes))
    door = Door(nodes[0])
    for n in range(30):
        read = await door("read", f"data/dir/{n}")
        assert read["data"] == {"v": n} and read["metadata"]["version"] == 1
    assert await engine.keys("", "mount/u/plain/") == ["aa-too-deep"]  # kept: it is not lost, only not shown


async def test_an_upgrade_never_writes_over_a_newer_secret(v1: Door, v2: Door) -> None:
    await v1("write", "a", {"v": "old"})
    await v2("write", "data/a", {"data": {"v": "new"}})
    await v2.backend.start()
    assert (await v2("read", "data/a"))["data"] == {"v": "new"}
    assert await v1("read", "a") is None
