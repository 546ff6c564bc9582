"""A running emulator with a clock that stands at the real time, and a client that trusts it."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import msgspec
import pytest
from aiohttp import ClientSession, TCPConnector

from vaultlike.clock import FakeClock
from vaultlike.testing.azure import AzureEmulator
from vaultlike.testing.azure import world as w


@dataclass
class Answer:
    status: int
    text: str
    headers: dict[str, str]
    json: dict[str, object] = field(default_factory=dict)


class Client:
    """Plain requests to the emulator, and the two access tokens the server under test would have."""

    def __init__(self, emulator: AzureEmulator, session: ClientSession) -> None:
        self.emulator = emulator
        self._session = session

    async def ask(self, method: str, url: str, **options: object) -> Answer:
        if url.startswith("/"):
            url = self.emulator.authority_url + url
        async with self._session.request(method, url, allow_redirects=False, **options) as got:  # type: ignore[arg-type]
            text = await got.text(errors="replace")
            answer = Answer(got.status, text, dict(got.headers))
        if answer.headers.get("Content-Type", "").startswith("application/json"):
            try:
                answer.json = msgspec.json.decode(text, type=dict[str, object])
            except msgspec.DecodeError:
                answer.json = {}
        return answer

    async def get(self, url: str, **options: object) -> Answer:
        return await self.ask("GET", url, **options)

    async def post(self, url: str, **options: object) -> Answer:
        return await self.ask("POST", url, **options)

    async def login(self, scope: str, **form: str) -> Answer:
        data = {
            "grant_type": "client_credentials",
            "client_id": w.SERVER_CLIENT_ID,
            "client_secret": w.SERVER_CLIENT_SECRET,
            "scope": scope,
        } | form
        return await self.post(f"/{w.TENANT_ID}/oauth2/v2.0/token", data={k: v for k, v in data.items() if v})

    async def bearer(self, resource: str) -> dict[str, str]:
        answer = await self.login(f"{resource}/.default")
        assert answer.status == 200, answer.text
        return {"Authorization": f"Bearer {answer.json['access_token']}"}

    async def arm(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return await self.get(path, headers=headers or await self.bearer(self.emulator.audience))

    async def imds(self, path: str, metadata: str = "", **headers: str) -> Answer:
        base = metadata or self.emulator.metadata_url
        return await self.get(base + path, headers={"Metadata": "true"} | headers)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(time.time())


@pytest.fixture
async def emulator(clock: FakeClock) -> AsyncIterator[AzureEmulator]:
    async with AzureEmulator(clock) as running:
        yield running


@pytest.fixture
async def client(emulator: AzureEmulator) -> AsyncIterator[Client]:
    context = ssl.create_default_context(cadata=emulator.ca_pem)
    async with ClientSession(connector=TCPConnector(ssl=context)) as session:
        yield Client(emulator, session)
