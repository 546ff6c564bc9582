"""The transit seal against a key service that misbehaves, and several seals together."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
import structlog
from aiohttp import web

from vaultlike.clock import FakeClock
from vaultlike.errors import Invalid
from vaultlike.sdk.egress import Egress
from vaultlike.seal.configured import Stanza, check_stanza, seals_of
from vaultlike.seal.envelope import NotOpened
from vaultlike.seal.key import Key
from vaultlike.seal.records import Wrap
from vaultlike.seal.seals import Seals
from vaultlike.seal.sealtype import AutoSeal, KeyServiceFailed
from vaultlike.seal.transit import Transit, TransitSettings

TOKEN = "hvs.planted-secret"
ROOT = b"r" * 32
Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Service:
    """A key service whose answers a test chooses; what it decrypts is what it was given to encrypt."""

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.version = 1
        self.seen: list[tuple[str, str]] = []
        self.url = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append((request.path, request.headers.get("X-Vault-Namespace", "")))
        if self.answer is not None:
            return await self.answer(request)
        body = await request.json()
        if "/encrypt/" in request.path:
            ciphertext = f"vault:v{self.version}:{body['plaintext']}"
            return web.json_response({"data": {"ciphertext": ciphertext, "key_version": self.version}})
        return web.json_response({"data": {"plaintext": body["ciphertext"].rpartition(":")[2]}})


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    made = Service()
    runner = web.ServerRunner(web.Server(made.handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    made = Egress(clock=FakeClock(), log=structlog.get_logger(), user_agent="vaultlike-test")
    yield made
    await made.close()


def facts(url: str, **more: str) -> dict[str, str]:
    return {"address": url, "token": TOKEN, "key_name": "unseal", **more}


@pytest.fixture
def seal(service: Service, egress: Egress) -> Transit:
    settings = TransitSettings.parse(facts(service.url, namespace="team/", mount_path="/a/b/"))
    return Transit("transit", settings, egress.client(), os.urandom, structlog.get_logger())


def says(status: int, text: str, kind: str = "application/json") -> Answer:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, text=text, content_type=kind)

    return answer


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "needs address"),
        ({"address": "https://a"}, "needs token"),
        ({"address": "https://a", "token": TOKEN}, "needs key_name"),
        (facts("a:8200"), "address must be like"),
        (facts("https://a?b"), "address must be like"),
        (facts("https://a", token=f"{TOKEN}\nX: y"), "token holds characters"),
        (facts("https://a", token=f"{TOKEN} "), "token holds characters"),
        (facts("https://a", key_name="a/b"), "key_name is one name"),
        (facts("https://a", mount_path="/"), "key_name is one name"),
        (facts("https://a", tls_client_cert="c.pem"), "go together"),
        (facts("https://a", region="eu"), "unknown setting region"),
    ],
)
def test_a_stanza_that_cannot_work_is_refused(settings: dict[str, str], text: str) -> None:
    with pytest.raises(Invalid, match=text) as caught:
        check_stanza(Stanza("transit", "transit", settings))
    assert "planted" not in str(caught.value)


def test_two_seals_of_one_name_are_refused(egress: Egress) -> None:
    stanzas = [Stanza("transit", "x", facts("https://a")), Stanza("transit", "x", facts("https://b"), True)]
    with pytest.raises(Invalid, match="a name of its own"):
        seals_of(stanzas, egress, os.urandom, structlog.get_logger())
    assert "planted" not in repr(stanzas)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (says(500, '{"errors":["internal"]}'), "the key service is not available"),
        (says(502, "<html>bad gateway</html>", "text/html"), "the key service is not available"),
        (says(503, '{"errors":["Vault is sealed"]}'), "the key service is not available"),
        (says(429, ""), "the key service is not available"),
        (says(403, '{"errors":["permission denied"]}'), "the key service refuses the token"),
        (says(400, '{"errors":["encryption key not found"]}'), "the key service refuses to"),
        (says(404, '{"errors":[]}'), "the key service refuses to"),
        (says(307, ""), "the key service refuses to"),
        (says(204, ""), "the key service refuses to"),
        (says(200, "<html>", "text/html"), "the key service's answer cannot be read"),
        (says(200, "[" * 100_000), "answer"),
        (says(200, '{"data":null}'), "the key service's answer cannot be read"),
        (says(200, '{"data":{"plaintext":"AAAA","ciphertext":""}}'), "the key service answered with"),
        (says(200, '{"data":{"plaintext":"!","ciphertext":""}}'), "the key service answered with"),
        (says(200, "x" * 200_000), "the key service does not answer"),
    ],
)
async def test_what_a_key_service_may_answer_instead(
    service: Service, seal: Transit, answer: Answer, text: str
) -> None:
    wrap = await seal.wrap(Key(ROOT))
    service.answer = answer
    for call in (lambda: seal.wrap(Key(ROOT)), lambda: seal.unwrap([wrap]), lambda: seal.current(wrap)):
        with pytest.raises(KeyServiceFailed) as caught:
            await call()
        assert text in "".join(caught.value.messages)
        assert caught.value.status == 502
        assert service.url not in "".join(caught.value.messages)  # the reason is for the operator alone
        assert "planted" not in f"{caught.value.reason}{caught.value.messages}"
    assert (await seal.tend()) > 0


async def test_a_key_service_that_hangs_times_out(service: Service, egress: Egress) -> None:
    settings = TransitSettings.parse(facts(service.url))
    seal = Transit("transit", settings, egress.client(), os.urandom, structlog.get_logger(), timeout=0.05)
    wrap = await seal.wrap(Key(ROOT))
    for_ever = asyncio.Event()

    async def hang(request: web.BaseRequest) -> web.StreamResponse:
        await for_ever.wait()
        return web.Response()

    service.answer = hang
    with pytest.raises(KeyServiceFailed) as caught:
        await seal.unwrap([wrap])
    assert caught.value.messages == ('seal "transit": the key service does not answer',)
    for_ever.set()


@pytest.mark.parametrize(
    "sealed",
    [b"", b"{}", b'{"key":"vault:v1:","root":"AAAA"}', b'{"key":"vault:v1:' + b"A" * 43 + b'=","root":"AAAA"}'],
)
async def test_a_damaged_wrap_does_not_open(seal: Transit, sealed: bytes) -> None:
    with pytest.raises((NotOpened, KeyServiceFailed)):
        await seal.unwrap([Wrap("transit", "1", sealed, "transit")])


async def test_nobody_elses_wrap_is_tried(seal: Transit, service: Service) -> None:
    with pytest.raises(NotOpened, match="not wrapped by a transit key"):
        await seal.unwrap([Wrap("static", "1", b"x", "static")])
    assert service.seen == []


async def test_a_round_trip_names_mount_key_and_namespace(seal: Transit, service: Service) -> None:
    wrap = await seal.wrap(Key(ROOT))
    assert (await seal.unwrap([wrap])).matches(Key(ROOT))
    assert service.seen == [("/v1/a/b/encrypt/unseal", "team"), ("/v1/a/b/decrypt/unseal", "team")]
    assert ROOT not in wrap.sealed
    assert base64.b64encode(ROOT) not in wrap.sealed
    assert await seal.current(wrap)
    service.version = 2
    assert not await seal.current(wrap)
    assert (await seal.wrap(Key(ROOT))).key_id == "2"


async def test_a_token_that_is_not_renewable_is_left_alone(seal: Transit, service: Service) -> None:
    service.answer = says(200, '{"auth":{"lease_duration":0,"renewable":false}}')
    assert await seal.tend() == float("inf")
    service.seen.clear()
    assert await seal.tend() == float("inf")
    assert service.seen == []


# Several seals


class Box:
    """A seal that wraps by naming itself; it may be down, slow, or outdated."""

    kind = "box"

    def __init__(self, name: str) -> None:
        self.name = name
        self.down = False
        self.slow: asyncio.Event | None = None
        self.outdated = False

    def _reach(self) -> None:
        if self.down:
            raise KeyServiceFailed(self.name, "down")

    async def wrap(self, root: Key) -> Wrap:
        self._reach()
        return Wrap(self.kind, "new" if self.outdated else "", bytes(root.reveal()), self.name)

    async def unwrap(self, wraps: Sequence[Wrap]) -> Key:
        if self.slow is not None:
            await self.slow.wait()
        self._reach()
        for each in wraps:
            if each.name == self.name:
                return Key(each.sealed)
        raise NotOpened(reason=f"nothing for {self.name}")

    async def current(self, wrap: Wrap) -> bool:
        self._reach()
        return not self.outdated

    async def tend(self) -> float:
        return 7.0


@pytest.fixture
def boxes() -> list[Box]:
    return [Box("a"), Box("b"), Box("c")]


def together(*boxes: Box) -> Seals:
    kept: list[AutoSeal] = list(boxes)
    return Seals(kept)


async def test_no_seal_opens_when_none_can(boxes: list[Box]) -> None:
    a, b, c = boxes
    wraps = await together(a, b).wrap(Key(ROOT))
    with pytest.raises(NotOpened, match="no seal is configured"):
        await Seals().open(wraps)
    with pytest.raises(NotOpened, match="nothing for c"):
        await together(c).open(wraps)
    a.down = True
    with pytest.raises(KeyServiceFailed) as caught:
        await together(c, a).open(wraps)
    assert "nothing for c" in caught.value.reason
    assert "down" in caught.value.reason


async def test_any_opens_and_the_slow_one_is_not_waited_for(boxes: list[Box]) -> None:
    a, b, c = boxes
    wraps = await together(a, b, c).wrap(Key(ROOT))
    a.slow, b.down = asyncio.Event(), True
    assert (await together(a, b, c).open(wraps)).matches(Key(ROOT))


async def test_all_must_wrap_at_first(boxes: list[Box]) -> None:
    boxes[1].down = True
    with pytest.raises(KeyServiceFailed):
        await together(*boxes).wrap(Key(ROOT))


async def test_no_wrap_is_dropped_before_its_successor_exists(boxes: list[Box]) -> None:
    a, b, c = boxes
    wraps = await together(a, b).wrap(Key(ROOT))
    c.down = True
    found = await together(b, c).rewrap(Key(ROOT), wraps)
    assert ({each.name for each in found.wraps}, len(found.problems)) == ({"a", "b"}, 1)
    c.down = False
    found = await together(b, c).rewrap(Key(ROOT), wraps)
    assert ([each.name for each in found.wraps], found.problems) == (["b", "c"], ())


async def test_an_outdated_wrap_stays_while_its_service_is_down(boxes: list[Box]) -> None:
    a = boxes[0]
    wraps = await together(a).wrap(Key(ROOT))
    a.down = a.outdated = True
    assert (await together(a).rewrap(Key(ROOT), wraps)).wraps == wraps
    a.down = False
    (fresh,) = (await together(a).rewrap(Key(ROOT), wraps)).wraps
    assert fresh.key_id == "new"


async def test_tending_asks_for_the_soonest(boxes: list[Box]) -> None:
    assert await together(*boxes).tend() == 7.0
    assert await Seals().tend() == float("inf")
