"""What may happen once happens once: 200 clients race for it through two server processes on one database file.

Each client has its connection open and its request ready before any of them sends (DESIGN.md, promise 5). Losers get
the refusal that the contract names, never a 5xx, and nothing that a winner used can be used again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import aiohttp
import msgspec
import pytest

from tests.api.running import Running
from vaultlike.testing.process import free_port

CLIENTS = 200
STALE = 60  # secret ids that are past their end when tidying starts
PATIENCE = 20.0  # seconds until a secret id of one second has ended, on a busy machine


class Shot(NamedTuple):
    """One request: what a client sends once everybody is ready."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    token: str = ""


class Answer(NamedTuple):
    """Status and decoded body of one answer."""

    status: int
    body: Any

    @property
    def text(self) -> str:
        """The first error, or nothing."""
        return str((self.body or {}).get("errors", [""])[0])


class Pair:
    """Two processes on one database, opened with one key."""

    def __init__(self, servers: tuple[Running, Running], root: str) -> None:
        self.servers, self.root = servers, root

    def root_call(self, method: str, path: str, body: object = None, at: int = 0, wrap: str = "") -> Any:
        """A request of the operator that must go well; its body."""
        headers = {"X-Vault-Wrap-TTL": wrap} if wrap else {}
        status, found = self.servers[at].call(method, path, body, self.root, **headers)
        assert status in (200, 202, 204), (path, status, found)
        return found

    async def race(self, shots: list[Shot]) -> list[Answer]:
        """Sends all of them at once, every other one to the other process. Answers in the order of the shots."""
        ready, go = asyncio.Semaphore(0), asyncio.Event()
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(PATIENCE)) as session:

            async def client(number: int, shot: Shot) -> Answer:
                base = f"http://127.0.0.1:{self.servers[number % 2].port}/v1/"
                async with session.get(base + "sys/seal-status") as opened:  # leaves a connection behind
                    assert opened.status == 200
                    ready.release()
                    await go.wait()
                headers = {"X-Vault-Token": shot.token} if shot.token else {}
                async with session.request(shot.method, base + shot.path, json=shot.body, headers=headers) as answer:
                    content = await answer.read()
                    return Answer(answer.status, msgspec.json.decode(content) if content else None)

            tasks = [asyncio.create_task(client(number, shot)) for number, shot in enumerate(shots)]
            for _ in shots:
                await ready.acquire()
            go.set()
            return await asyncio.gather(*tasks)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    home = tmp_path_factory.mktemp("races")
    homes = home / "a", home / "b"
    ports = free_port(), free_port()
    for folder, port in zip(homes, ports, strict=True):
        folder.mkdir()
        (folder / "server.hcl").write_text(
            f'storage "sqlite" {{ path = "{home}/v.db" }}\n'
            f'listener "tcp" {{\n address = "127.0.0.1:{port}"\n tls_disable = true\n}}\n'
        )
    with Running(homes[0], ports[0], f"-config={homes[0]}/server.hcl") as first:
        made = first.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})[1]
        with Running(homes[1], ports[1], f"-config={homes[1]}/server.hcl") as second:
            for server in (first, second):
                assert server.call("PUT", "sys/unseal", {"key": made["keys"][0]})[1]["sealed"] is False
            found = Pair((first, second), made["root_token"])
            found.root_call("POST", "sys/auth/approle", {"type": "approle"})
            found.root_call("POST", "sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
            yield found
            for server in (first, second):
                assert "Traceback" not in server.log.read_text()


def one(answers: list[Answer], *refusals: int) -> Answer:
    """The only answer that is a success; all others have one of the statuses."""
    won = [answer for answer in answers if answer.status == 200]
    statuses = Counter(answer.status for answer in answers)
    assert statuses[200] == 1, statuses
    assert set(statuses) <= {200, *refusals}, statuses
    return won[0]


async def test_a_wrapping_token(pair: Pair) -> None:
    pair.root_call("POST", "kv/data/wrapped", {"data": {"a": "b"}})
    wrapped = pair.root_call("GET", "kv/data/wrapped", wrap="5m")
    token = wrapped["wrap_info"]["token"]
    by_token, by_body = Shot("PUT", "sys/wrapping/unwrap", None, token), {"token": token}
    answers = await pair.race([by_token, Shot("POST", "sys/wrapping/unwrap", by_body, pair.root)] * (CLIENTS // 2))
    assert one(answers, 400, 403).body["data"]["data"] == {"a": "b"}
    for at in (0, 1):
        assert pair.servers[at].call("PUT", "sys/wrapping/unwrap", None, token)[0] in (400, 403)


@pytest.mark.parametrize("uses", [1, 7])
async def test_a_token_of_few_uses(pair: Pair, uses: int) -> None:
    order = {"num_uses": uses, "policies": ["default"], "ttl": "5m"}
    token = pair.root_call("POST", "auth/token/create", order)["auth"]["client_token"]
    answers = await pair.race([Shot("GET", "auth/token/lookup-self", None, token)] * CLIENTS)
    assert Counter(answer.status for answer in answers) == {200: uses, 403: CLIENTS - uses}
    left = sorted(answer.body["data"]["num_uses"] for answer in answers if answer.status == 200)
    assert len(set(left)) == uses  # no two of them were the same use


async def test_a_secret_id_of_one_use(pair: Pair) -> None:
    pair.root_call("POST", "auth/approle/role/once", {"secret_id_num_uses": 1, "token_ttl": "5m"})
    role_id = pair.root_call("GET", "auth/approle/role/once/role-id")["data"]["role_id"]
    secret_id = pair.root_call("POST", "auth/approle/role/once/secret-id", {})["data"]["secret_id"]
    login = Shot("POST", "auth/approle/login", {"role_id": role_id, "secret_id": secret_id})
    won = one(await pair.race([login] * CLIENTS), 400, 403)
    assert pair.servers[1].call("GET", "auth/token/lookup-self", token=won.body["auth"]["client_token"])[0] == 200


@pytest.mark.parametrize("known", [0, 1])
async def test_a_check_and_set_write(pair: Pair, known: int) -> None:
    path = f"kv/data/cas{known}"
    if known:
        pair.root_call("POST", path, {"data": {"by": "nobody"}})
    bodies = [{"options": {"cas": known}, "data": {"by": number}} for number in range(CLIENTS)]
    answers = await pair.race([Shot("POST", path, body, pair.root) for body in bodies])
    assert one(answers, 400).body["data"]["version"] == known + 1
    assert {answer.text for answer in answers if answer.status == 400} == {
        "check-and-set parameter did not match the current version"
    }
    winner = next(number for number, answer in enumerate(answers) if answer.status == 200)
    for at in (0, 1):
        shown = pair.root_call("GET", path, at=at)["data"]
        assert (shown["data"], shown["metadata"]["version"]) == ({"by": winner}, known + 1)


async def test_secret_ids_while_they_are_tidied(pair: Pair) -> None:
    """Every living secret id lets one of its four clients in; what is over is tidied away; what lives is listed."""
    pair.root_call("POST", "auth/approle/role/many", {"token_ttl": "5m"})
    base = "auth/approle/role/many/secret-id"
    role_id = pair.root_call("GET", "auth/approle/role/many/role-id")["data"]["role_id"]
    create = Shot("POST", base, {"ttl": "1s"}, pair.root)
    stale = [answer.body["data"] for answer in await pair.race([create] * STALE)]
    kept = [pair.root_call("POST", base, {"ttl": "1h"}, at=number % 2)["data"] for number in range(5)]
    create = Shot("POST", base, {"ttl": "1h", "num_uses": 1}, pair.root)
    fresh = [answer.body["data"] for answer in await pair.race([create] * (CLIENTS // 5))]
    await _until(lambda: _ended(pair, stale[-1]["secret_id_accessor"]))
    logins = [
        Shot("POST", "auth/approle/login", {"role_id": role_id, "secret_id": made["secret_id"]})
        for made in fresh
        for _ in range(4)
    ]
    tidy, read = Shot("POST", "auth/approle/tidy/secret-id", {}, pair.root), Shot("LIST", base, None, pair.root)
    others = [tidy, tidy, read, read] * ((CLIENTS - len(logins)) // 4)
    answers = await pair.race(others + logins)
    assert [answer.status for answer in answers[: len(others)] if answer.status not in (200, 202)] == []
    for shot, answer in zip(others, answers, strict=False):
        assert shot is tidy or {made["secret_id_accessor"] for made in kept} <= set(answer.body["data"]["keys"])
    for first in range(len(others), CLIENTS, 4):
        one(answers[first : first + 4], 400, 403)
    await _until(lambda: _lists(pair, base) == {made["secret_id_accessor"] for made in kept})


def _ended(pair: Pair, accessor: str) -> bool:
    path = "auth/approle/role/many/secret-id-accessor/lookup"
    return pair.servers[0].call("POST", path, {"secret_id_accessor": accessor}, pair.root)[0] == 404


def _lists(pair: Pair, base: str) -> set[str]:
    return {name for at in (0, 1) for name in pair.root_call("LIST", base, at=at)["data"]["keys"]}


async def _until(done: Callable[[], bool]) -> None:
    """Waits for the passing of a real second and for work that a server does in the background."""
    async with asyncio.timeout(PATIENCE):
        while not done():
            await asyncio.sleep(0.05)
