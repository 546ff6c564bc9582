"""Audit over a real database in memory and real files; events that carry canaries wherever a secret can stand."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vaultlike.audit.broker import AuditBroker
from vaultlike.audit.event import AuditAuth, AuditEvent
from vaultlike.clock import FakeClock
from vaultlike.meters import Meters
from vaultlike.sdk.egress import Egress
from vaultlike.storage.sqlite import SqliteEngine
from vaultlike.storage.view import DecodedCache, Generation, View

SALT = b"s" * 32


class Aes:
    """The real cipher."""

    def __init__(self) -> None:
        self._cipher = AESGCM(bytes(32))

    def seal(self, context: bytes, plaintext: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, plaintext, context)

    def open(self, context: bytes, sealed: bytes) -> bytes:
        return self._cipher.decrypt(sealed[:12], sealed[12:], context)


class Log:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def error(self, event: str, /, **facts: object) -> None:
        self.lines.append((event, facts))

    info = error


@pytest.fixture
async def engine() -> AsyncIterator[SqliteEngine]:
    engine = SqliteEngine(":memory:")
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def egress(clock: FakeClock) -> AsyncIterator[Egress]:
    log: Any = structlog.get_logger()
    made = Egress(clock=clock, log=log, user_agent="vaultlike-test")
    yield made
    await made.close()


@pytest.fixture
async def node(
    engine: SqliteEngine, clock: FakeClock, log: Log, egress: Egress
) -> AsyncIterator[Callable[[], AuditBroker]]:
    """Makes brokers over one database: one for each process."""
    made: list[AuditBroker] = []

    def make() -> AuditBroker:
        view = View(engine, Aes(), "", "audit/", cache=DecodedCache(Generation()))
        made.append(AuditBroker(view, clock, log, SALT, egress, Meters()))
        return made[-1]

    yield make
    for broker in made:
        await broker.close()


@pytest.fixture
def broker(node: Callable[[], AuditBroker]) -> AuditBroker:
    return node()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "audit.log"


@pytest.fixture
def enable(broker: AuditBroker) -> Callable[..., Any]:
    """Enables a device and takes the table over, as the next request does."""

    async def run(path: str = "f", kind: str = "file", **options: str) -> None:
        await broker.enable(path, kind, options=options)
        await broker.load()

    return run


def lines(file: Path) -> list[dict[str, Any]]:
    """The records after the test record of enabling."""
    text = file.read_bytes()
    assert text.endswith(b"\n")
    records = [msgspec.json.decode(line) for line in text.splitlines()]
    return [record for record in records if record["request"]["path"] != "sys/audit/test"]


def request(**facts: Any) -> AuditEvent:
    """A request with canaries."""
    auth = AuditAuth(
        client_token="hvs.CANARYtoken",
        accessor="CANARYaccessor",
        display_name="bob",
        policies=("default", "dev"),
        token_policies=("default",),
        identity_policies=("dev",),
        metadata={"user": "bob"},
        entity_id="entity-1",
        token_type="service",
        token_ttl=3600,
    )
    base: dict[str, Any] = {
        "type": "request",
        "at": 1767225600.25,
        "request_id": "id-1",
        "operation": "update",
        "path": "secret/data/x",
        "mount_path": "secret/",
        "mount_type": "kv",
        "mount_accessor": "kv_1",
        "remote": "127.0.0.1",
        "data": {
            "password": "CANARY",
            "pin": 987654321,
            "deep": {"l": ["CANARY", {"k": "CANARY"}]},
            "on": True,
            "no": None,
        },
        "headers": {"X-Vault-Token": "hvs.CANARYtoken", "User-Agent": "CANARYagent", "X-Trace": "trace-7"},
        "auth": auth,
    }
    return AuditEvent(**(base | facts))


def response(**facts: Any) -> AuditEvent:
    """Its response with canaries: data that nobody decoded, a new token, a wrapping token."""
    base: dict[str, Any] = {
        "type": "response",
        "response_data": {"data": msgspec.Raw(b'{"password":"CANARY","pin":987654321}'), "keys": ["CANARY"]},
        "response_auth": AuditAuth(client_token="hvs.CANARYnew", accessor="CANARYaccessor2", token_type="service"),
        "response_wrap": {"token": "hvs.CANARYwrap", "accessor": "CANARYa", "wrapped_accessor": "CANARYb", "ttl": 60},
    }
    return request(**(base | facts))
