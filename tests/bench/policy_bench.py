"""What the size of a policy costs a request: one of 5 paths against one of 500, in turn, within one process.

    python -m tests.bench.policy_bench [requests a round]

The paths are of one kind each: exact, with a final `*`, with `+` segments. A read of a kv secret runs through
everything but the socket; the decision alone is shown beside it, and what a policy costs when it is first used.
All is time of the processor, so that a busy machine tells the same.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import statistics
import sys
import time

import structlog
from multidict import CIMultiDict

from vaultlike.http.message import Incoming
from vaultlike.http.vault import VaultFace
from vaultlike.policy.builtin import DEFAULT_POLICY
from vaultlike.policy.compiled import Compiled
from vaultlike.policy.parse import parse
from vaultlike.policy.template import Facts
from vaultlike.testing.server import TestServer

SIZES = (5, 500)
ROUNDS = 15
KINDS = {"exact": "kv/data/team-{}/app", "prefix": "kv/data/team-{}/*", "plus": "kv/data/team-{}/+/x"}
READ = {"exact": "kv/data/team-{}/app", "prefix": "kv/data/team-{}/app", "plus": "kv/data/team-{}/app/x"}


def policy(kind: str, size: int) -> str:
    """A policy of so many paths of one kind."""
    paths = (KINDS[kind].format(number) for number in range(size))
    return "".join(f'path "{path}" {{ capabilities = ["create", "read", "update"] }}\n' for path in paths)


def decision(kind: str, size: int) -> float:
    """Microseconds of one decision."""
    acl = Compiled([parse("p", policy(kind, size))], now=0).fitted(None, now=0)
    path = READ[kind].format(size - 1)
    assert acl.check("read", path).allowed
    began = time.process_time()
    for _ in range(20_000):
        acl.check("read", path)
    return (time.process_time() - began) / 20_000 * 1e6


def fitting(kind: str, size: int) -> tuple[float, float]:
    """Microseconds to compile a policy and the default one for everybody, and to fit both to one caller."""
    policies = [parse("p", policy(kind, size)), parse("default", DEFAULT_POLICY)]
    began = time.process_time()
    compiled = Compiled(policies, now=0)
    once = time.process_time() - began
    began = time.process_time()
    for number in range(200):
        compiled.fitted(Facts(id=str(number), name="a"), now=0)
    return once * 1e6, (time.process_time() - began) / 200 * 1e6


async def measure(server: TestServer, face: VaultFace, kind: str, requests: int) -> dict[int, float]:
    """Microseconds a request, by the size of the policy: medians of rounds in turn."""
    incoming: dict[int, Incoming] = {}
    for size in SIZES:
        name, path = f"{kind}-{size}", READ[kind].format(size - 1)
        assert (await server.post(f"sys/policies/acl/{name}", {"policy": policy(kind, size)})).status == 204
        assert (await server.post(path, {"data": {"k": "v"}})).status == 200
        headers = CIMultiDict({"X-Vault-Token": await server.token(name)})
        incoming[size] = Incoming("GET", f"/v1/{path}", "", headers, b"", "127.0.0.1", None, False)
        assert (await face(incoming[size])).status == 200
    taken: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(ROUNDS):
        for size in SIZES:
            gc.collect()
            began = time.process_time()
            for _ in range(requests):
                await face(incoming[size])
            taken[size].append((time.process_time() - began) / requests * 1e6)
    return {size: statistics.median(found) for size, found in taken.items()}


async def main(requests: int) -> None:
    """Prints a row a kind."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    small, large = SIZES
    print(f"{'paths':8}{f'{small} (µs)':>12}{f'{large} (µs)':>12}{'ratio':>8}{'decision':>12}{'(µs)':>8}")
    async with TestServer() as server:
        await server.post("sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
        face = VaultFace(server.server, structlog.get_logger())
        for kind in KINDS:
            found = await measure(server, face, kind, requests)
            alone = [decision(kind, size) for size in SIZES]
            ratio = found[large] / found[small]
            print(f"{kind:8}{found[small]:12.1f}{found[large]:12.1f}{ratio:8.3f}{alone[0]:12.2f}{alone[1]:8.2f}")


if __name__ == "__main__":
    print("policies as they are first used: compiled once for all callers, then fitted to each, in µs")
    for one in KINDS:
        print(
            f"{one:8}", *(f"{size}: {once:.0f} + {each:.0f}  " for size in SIZES for once, each in [fitting(one, size)])
        )
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 400))
