"""A real server for tests, in this process: real socket, real database, a clock that moves when told to.

async with TestServer() as server:
    answer = await server.post("auth/token/create", {"policies": ["default"]})
    server.clock.advance(3600)
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp
import msgspec
import structlog
from msgspec import Struct

from vaultlike.clock import FakeClock
from vaultlike.core.server import Server
from vaultlike.http.faces import Faces
from vaultlike.http.listener import ListenerSettings
from vaultlike.http.server import HttpServer
from vaultlike.sdk.egress import Egress
from vaultlike.seal.configured import Stanza, seals_of
from vaultlike.seal.initialization import InitOrder
from vaultlike.settings import Settings
from vaultlike.storage.sqlite import SqliteEngine


class Answer(Struct, frozen=True):
    """An HTTP answer: `body` is decoded JSON, None where there is none."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def data(self) -> Any:
        """The envelope's data."""
        return self.body["data"]

    @property
    def auth(self) -> Any:
        """The envelope's auth block."""
        return self.body["auth"]

    @property
    def errors(self) -> list[str]:
        """The texts of a refusal."""
        found: list[str] = self.body["errors"]
        return found


class TestServer:
    """One server. `path` None keeps a database file of its own; `unsealed=False` leaves it uninitialised.

    `root_token` is the first root token; `keys` the unseal keys (one of one), or recovery keys where `seals` open by
    themselves. `settings` replaces single settings.
    """

    __test__ = False  # not a test class, whatever its name says

    def __init__(
        self,
        *,
        clock: FakeClock | None = None,
        path: Path | None = None,
        unsealed: bool = True,
        settings: Settings | None = None,
        root_token: str = "root",
        seals: Sequence[Stanza] = (),
    ) -> None:
        self.clock = clock or FakeClock()
        self.root_token = root_token
        self.keys: tuple[str, ...] = ()
        self._seals = tuple(seals)
        self._unsealed, self._settings = unsealed, settings or Settings()
        self._folder = tempfile.TemporaryDirectory() if path is None else None
        self.path = path or Path(self._folder.name if self._folder else "") / "vaultlike.db"
        self.server: Server
        self.url = ""
        self._http: HttpServer
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> TestServer:
        log: Any = structlog.get_logger()
        egress = Egress(clock=self.clock, log=log, user_agent="vaultlike-test")
        self.server = Server(
            engine=SqliteEngine(str(self.path)), settings=self._settings, clock=self.clock, log=log, egress=egress,
            seals=seals_of(self._seals, egress, os.urandom, log), random=os.urandom,
        )  # fmt: skip
        try:
            await self._open()
        except BaseException:
            await self.server.stop()  # the database's thread would outlive the test
            raise
        self._http = HttpServer(self.clock)
        await self._http.start(Faces(self.server, log), [ListenerSettings(address="127.0.0.1:0", tls_disable=True)])
        self.url = f"http://{self._http.addresses[0]}"
        self._session = aiohttp.ClientSession()
        return self

    async def _open(self) -> None:
        await self.server.start()
        if self._unsealed and not await self.server.custodian.initialized():
            automatic = any(not stanza.disabled for stanza in self._seals)
            order = (
                InitOrder(recovery_shares=1, recovery_threshold=1)
                if automatic
                else InitOrder(secret_shares=1, secret_threshold=1)
            )
            made, self.root_token = await self.server.initialize(order, self.root_token)
            self.keys = tuple(made.issued.keys_base64)
            if not automatic:
                await self.server.unseal(self.keys[0])

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()
        await self._http.drain(1.0)
        await self.server.stop()
        if self._folder is not None:
            self._folder.cleanup()

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        """One request to `/v1/<path>` (or to an absolute `/path`); `token` None is the root token, "" none."""
        url = self.url + (path if path.startswith("/") else f"/v1/{path}")
        sent = dict(headers or {})
        if text := self.root_token if token is None else token:
            sent.setdefault("X-Vault-Token", text)
        data = raw if raw is not None else (msgspec.json.encode(body) if body is not None else None)
        async with self._session.request(method, url, data=data, headers=sent, allow_redirects=False) as response:
            content = await response.read()
            decoded = msgspec.json.decode(content) if content[:1] in (b"{", b"[") else (content or None)
            return Answer(response.status, decoded, response.headers)

    async def get(self, path: str, **facts: Any) -> Answer:
        """GET."""
        return await self.call("GET", path, **facts)

    async def post(self, path: str, body: object = None, **facts: Any) -> Answer:
        """POST."""
        return await self.call("POST", path, body, **facts)

    async def list(self, path: str, **facts: Any) -> Answer:
        """LIST."""
        return await self.call("LIST", path, **facts)

    async def delete(self, path: str, **facts: Any) -> Answer:
        """DELETE."""
        return await self.call("DELETE", path, **facts)

    async def token(self, *policies: str, **facts: object) -> str:
        """A new token with these policies."""
        answer = await self.post("auth/token/create", {"policies": policies or ("default",), **facts})
        text: str = answer.auth["client_token"]
        return text
