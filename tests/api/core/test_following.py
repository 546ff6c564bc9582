"""How a server follows configuration that another changed, at the moments when that could go wrong."""

from __future__ import annotations

import asyncio

from tests.api.core.conftest import House, come_in, open_desk, policy
from vaultlike.mounts.entry import MountEntry
from vaultlike.mounts.table import MountTable
from vaultlike.policy.model import Policy
from vaultlike.policy.store import PolicyStore
from vaultlike.storage.engine import StorageUnavailable


class FlakyTable(MountTable):
    """A mount table whose next read fails."""

    def __init__(self, real: MountTable) -> None:
        self._real, self.failures = real, 1

    async def load(self) -> list[MountEntry]:
        if self.failures:
            self.failures -= 1
            raise StorageUnavailable(reason="the disk hiccups")
        return await self._real.load()


class SlowPolicies(PolicyStore):
    """Policies of which one reader is held up after it has read."""

    def __init__(self, real: PolicyStore) -> None:
        self._real, self.reading, self.go_on = real, asyncio.Event(), asyncio.Event()

    async def find(self, name: str) -> Policy | None:
        found = await self._real.find(name)
        if name == "p" and not self.reading.is_set():
            self.reading.set()
            await self.go_on.wait()
        return found


async def test_a_change_that_could_not_be_followed_is_followed_by_the_next_request(house: House) -> None:
    first, second = house.first, await house.another()
    core = second.server.core
    assert core is not None
    core.table = FlakyTable(core.table)
    await open_desk(first)
    assert (await come_in(second)).status == 503
    assert (await come_in(second)).status == 200


async def test_a_decision_made_of_old_policies_is_not_kept(house: House) -> None:
    first, second = house.first, await house.another()
    await policy(first, "p", sys__mounts="read")
    token = await first.token("p")
    core = second.server.core
    assert core is not None
    slow = core.entitlements.policies = SlowPolicies(core.policies)
    early = asyncio.create_task(second.get("sys/mounts", token=token))
    await slow.reading.wait()
    await policy(first, "p", sys__mounts="deny")
    assert (await second.get("sys/mounts", token=token)).status == 403
    slow.go_on.set()
    assert (await early).status == 200  # began before the change
    assert (await second.get("sys/mounts", token=token)).status == 403


class Counting(PolicyStore):
    """Policies that count how often each is read."""

    def __init__(self, real: PolicyStore) -> None:
        self._real, self.reads = real, 0

    async def find(self, name: str) -> Policy | None:
        self.reads += name == "p"
        return await self._real.find(name)


async def test_policies_are_compiled_once_for_all_entities(house: House) -> None:
    server = house.first
    core = server.server.core
    assert core is not None
    await server.post("sys/auth/userpass", {"type": "userpass"})
    real = core.policies
    bare = {"token_no_default_policy": True}  # the default policy names the entity

    async def reads(text: str) -> tuple[list[int], int]:
        assert (await server.post("sys/policies/acl/p", {"policy": text})).status == 204
        tokens = []
        for name in ("ann", "bob", "cid"):
            await server.post(f"auth/userpass/users/{name}", {"password": "pw", "token_policies": "p", **bare})
            login = await server.post(f"auth/userpass/login/{name}", {"password": "pw"}, token="")
            tokens.append(login.auth["client_token"])
        counted = core.entitlements.policies = Counting(real)
        statuses = [(await server.get("sys/mounts", token=token)).status for token in tokens]
        core.entitlements.policies = real
        return statuses, counted.reads

    assert await reads('path "sys/mounts" { capabilities = ["read"] }') == ([200] * 3, 1)
    templated = (
        'path "sys/mounts" { capabilities = ["read"] } path "a/{{identity.entity.id}}" { capabilities = ["read"] }'
    )
    assert await reads(templated) == ([200] * 3, 1)
