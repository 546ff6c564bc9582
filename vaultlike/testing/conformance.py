"""What every auth method must do, as a pytest class made from the method's own declarations.

    class TestMine(AuthMethodConformance):
        @pytest.fixture
        def scenario(self): return MyScenario()

A `Scenario` says how to set the method up, with every bound set to a value that fits, and makes login bodies that
succeed. The method runs as in production: loaded by its entry point, behind a real socket, over a real database.
Needs pytest-asyncio in auto mode.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from vaultlike.clock import FakeClock
from vaultlike.mounts.catalog import Catalog
from vaultlike.sdk import Backend, Collection, TokenParams, bounds_of
from vaultlike.sdk.fields import fields_of
from vaultlike.sdk.routes import Route
from vaultlike.testing.scenario import STRANGER, Scenario
from vaultlike.testing.server import Answer, TestServer

__all__ = ["HOSTILE", "ROLE", "STRANGER", "AuthMethodConformance", "Scenario", "Stage"]

ROLE = "conformance"
_ROWS = ("tokens", "entities", "aliases", "cubbyholes")
HOSTILE: dict[str, object] = {
    "null": None,
    "number": 12345,
    "boolean": True,
    "list": ["a", "b"],
    "object": {"a": "b"},
    "empty": "",
    "blank": "   ",
    "huge": "A" * 200_000,
    "control": "a\x00b\r\nc\x1b[0m",
    "dots": "../../sys/raw",
    "slash": "a/b",
    "percent": "%2e%2e%2f",
    "unicode": "\u202eﬁ\ud7ff\U0001f511",
    "quote": "'\";--",
}


class Stage:
    """A running server with the method mounted."""

    def __init__(self, scenario: Scenario, server: TestServer, mount: str) -> None:
        self.scenario, self.server, self.mount = scenario, server, mount

    async def prepare(self, **changed: object) -> None:
        """Enables and configures the method and writes the role, with some of its fields changed."""
        enabled = await self.server.post(f"sys/{self.mount}", {"type": self.scenario.kind})
        assert enabled.status == 204, enabled
        for path, body in self.scenario.setup():
            written = await self.server.post(f"{self.mount}/{path}", body)
            assert written.status in (200, 204), (path, written)
        await self.role(**changed)

    async def role(self, **changed: object) -> None:
        written = await self.server.post(f"{self.mount}/role/{ROLE}", {**self.scenario.role(), **changed})
        assert written.status in (200, 204), written

    async def login(self, body: dict[str, object] | None = None) -> Answer:
        sent = self.scenario.login(ROLE) if body is None else body
        return await self.server.post(f"{self.mount}/login", sent, token="")

    async def token(self) -> str:
        answer = await self.login()
        assert answer.status == 200, await self.why(answer)
        text: str = answer.auth["client_token"]
        return text

    async def why(self, answer: Answer) -> object:
        """The answer and the server's explanation of it, for a failure's message."""
        return answer.body, (await self.explanation(answer)).body

    async def explanation(self, answer: Answer) -> Answer:
        """What the operator sees. Refusals carry their request id in a header, others in the body."""
        request = answer.headers.get("X-Request-Id") or answer.body["request_id"]
        return await self.server.get(f"sys/explain/{request}")

    def rows(self) -> dict[str, int]:
        """How many rows the database holds of each kind that a login may write."""
        with sqlite3.connect(f"file:{self.server.path}?mode=ro", uri=True) as db:
            return {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in _ROWS}


def backend_of(kind: str) -> type[Backend]:
    """The class that the server would mount."""
    plugin = Catalog({}).find(kind, auth=True)
    assert plugin is not None and plugin.backend is not None, f"{kind} cannot be loaded: {plugin and plugin.problem}"
    return plugin.backend


def roles_of(backend: type[Backend]) -> type[TokenParams]:
    """The Struct of the method's roles."""
    for owner in backend.__mro__:
        for item in vars(owner).values():
            if isinstance(item, Collection) and issubclass(item.kind, TokenParams):
                return item.kind
    raise AssertionError(f"{backend.__name__} declares no roles")


def login_of(backend: type[Backend]) -> Route:
    """The declaration of the login."""
    return next(route for route in backend.__declared__ if route.login is not None and route.pattern == "login")


def declared(route: Route) -> type[Struct] | None:
    """The fields of a route's body."""
    return route.body or route.declares


class AuthMethodConformance:
    """Subclass it and provide the `scenario` fixture."""

    @pytest.fixture
    def scenario(self) -> Scenario:
        raise NotImplementedError("provide a scenario")

    @pytest.fixture
    def mount(self) -> str:
        """Where the method is mounted: not at its default path, which nothing may rely on."""
        return "auth/team/conformance"

    @pytest.fixture
    async def bare(self, scenario: Scenario, mount: str, tmp_path: Path) -> AsyncIterator[Stage]:
        clock = FakeClock(scenario.start)
        settings = await scenario.open(clock)
        try:
            async with TestServer(clock=clock, path=tmp_path / "conformance.db", settings=settings) as server:
                yield Stage(scenario, server, mount)
        finally:
            await scenario.close()

    @pytest.fixture
    async def stage(self, bare: Stage) -> Stage:
        await bare.prepare()
        return bare

    # Refusals.

    async def test_each_bound_refuses_who_does_not_fit(self, stage: Stage) -> None:
        scenario = stage.scenario
        role = scenario.role()
        before = stage.rows()
        for name in bounds_of(roles_of(backend_of(scenario.kind))):
            assert role.get(name), f"the scenario leaves {name} empty, so it tests nothing"
            await stage.role(**{name: scenario.stranger(name)})
            answer = await stage.login()
            assert answer.status == (400 if scenario.tells_why else 403), (name, await stage.why(answer))
            told = msgspec.json.encode(answer.body).decode()
            assert STRANGER not in told, f"{name}: the caller learns what the role asks for"
            if not scenario.tells_why:
                assert answer.errors == ["permission denied"], name
                assert name not in told, f"{name}: the caller learns which bound refused"
            explained = await stage.explanation(answer)
            failed = [check for check in explained.data["checks"] if not check["ok"]]
            assert failed, f"{name}: the operator cannot see what refused"
            await stage.role()
        assert stage.rows() == before, "a refused login wrote rows"
        assert (await stage.login()).status == 200

    async def test_a_role_that_narrows_nothing_is_refused(self, stage: Stage) -> None:
        names = bounds_of(roles_of(backend_of(stage.scenario.kind)))
        empty = {**stage.scenario.role(), **{name: [] for name in names}}
        answer = await stage.server.post(f"{stage.mount}/role/wide", empty)
        assert answer.status == 400, answer
        assert (await stage.server.get(f"{stage.mount}/role/wide")).status == 404

    async def test_forged_proof(self, stage: Stage) -> None:
        before = stage.rows()
        for name, body in stage.scenario.forged(ROLE).items():
            answer = await stage.login(body)
            assert answer.status in (400, 403), (name, await stage.why(answer))
        assert stage.rows() == before

    async def test_no_login_field_can_break_it(self, stage: Stage) -> None:
        kind = declared(login_of(backend_of(stage.scenario.kind)))
        assert kind is not None
        before = stage.rows()
        for name in fields_of(kind).fields:
            good = stage.scenario.login(ROLE)
            without = await stage.login({key: value for key, value in good.items() if key != name})
            assert without.status in (200, 400, 403), (name, "absent", without)
            for label, value in HOSTILE.items():
                answer = await stage.login({**stage.scenario.login(ROLE), name: value})
                # where leaving the field out is fine, a value that is not used may be too
                allowed = (200, 400, 403, 413) if without.status == 200 else (400, 403, 413)
                assert answer.status in allowed, (name, label, await stage.why(answer))
        if all(name in stage.scenario.login(ROLE) for name in fields_of(kind).fields):
            assert stage.rows() == before

    async def test_bodies_that_are_no_login(self, stage: Stage) -> None:
        before = stage.rows()
        for raw in (b"", b"null", b"[]", b'"x"', b"{", b"\xff\xfe", b'{"role":' + b"[" * 5000):
            answer = await stage.server.call("POST", f"{stage.mount}/login", raw=raw, token="")
            assert answer.status in (400, 403), (raw[:20], answer)
        assert stage.rows() == before

    async def test_an_unknown_role_names_no_other(self, stage: Stage) -> None:
        facts = login_of(backend_of(stage.scenario.kind)).login
        assert facts is not None
        for name in ("nobody", "conformanc", "CONFORMANCE2", f"{ROLE}/", ".."):
            answer = await stage.login({**stage.scenario.login(ROLE), facts.role: name})
            assert answer.status in (400, 403), (name, answer)
            told = msgspec.json.encode(answer.body["errors"]).decode().lower()
            assert ROLE not in told.replace(name.lower(), "")

    async def test_upstream_failures_are_nobodys_success(self, stage: Stage) -> None:
        body = stage.scenario.login(ROLE)
        if not await stage.scenario.break_upstream():
            pytest.skip("this method depends on nobody")
        before = stage.rows()
        answer = await stage.login(body)
        assert answer.status == 502, await stage.why(answer)
        assert stage.rows() == before

    async def test_one_proof_is_used_once(self, stage: Stage) -> None:
        if not stage.scenario.single_use:
            pytest.skip("proofs of this method may be used again")
        body = stage.scenario.login(ROLE)
        answers = await asyncio.gather(*(stage.login(dict(body)) for _ in range(8)))
        assert sorted(answer.status for answer in answers) == [200] + [403] * 7
        stage.server.clock.advance(30)
        assert (await stage.login(body)).status in (400, 403)

    # What must work.

    async def test_a_login_says_who(self, stage: Stage) -> None:
        answer = await stage.login()
        assert answer.status == 200, await stage.why(answer)
        entity = await stage.server.get(f"identity/entity/id/{answer.auth['entity_id']}")
        aliases = [alias for alias in entity.data["aliases"] if alias["mount_path"] == f"{stage.mount}/"]
        assert len(aliases) == 1 and aliases[0]["name"]
        looked = await stage.server.get("auth/token/lookup-self", token=answer.auth["client_token"])
        assert looked.data["path"] == f"{stage.mount}/login"

    async def test_a_dry_run_writes_nothing(self, stage: Stage) -> None:
        before = stage.rows()
        body = stage.scenario.login(ROLE)
        for _ in range(2):  # the second finds nothing spent
            tried = await stage.server.post(f"sys/explain/simulate/{stage.mount}/login", body)
            assert tried.data["outcome"] == "accepted", tried
            assert "client_token" not in msgspec.json.encode(tried.body).decode()
        assert stage.rows() == before
        assert (await stage.login(body)).status == 200

    async def test_secrets_never_come_back(self, stage: Stage) -> None:
        backend = backend_of(stage.scenario.kind)
        body = stage.scenario.login(ROLE)
        login = await stage.login(body)
        texts = [(path, await stage.server.get(f"{stage.mount}/{path}")) for path, _ in stage.scenario.setup()]
        texts.append(("role", await stage.server.get(f"{stage.mount}/role/{ROLE}")))
        texts.append(("explain", await stage.explanation(login)))
        kind = declared(login_of(backend))
        assert kind is not None
        proofs = [str(body[f.name]) for f in fields_of(kind).fields.values() if f.kind == "secret" and body.get(f.name)]
        assert proofs, "the login declares no secret: its proof would be logged"
        for where, answer in texts:
            shown = msgspec.json.encode(answer.body).decode()
            for secret in (*stage.scenario.secrets, *proofs):
                assert secret not in shown, f"{where} shows a secret"
        for route in backend.__declared__:
            kind = declared(route)
            secret_fields = [f.name for f in fields_of(kind).fields.values() if f.kind == "secret"] if kind else []
            for path, answer in texts:
                if route.verb == "write" and path == route.pattern and answer.status == 200:
                    assert not set(secret_fields) & set(answer.data)

    async def test_what_is_written_is_read(self, stage: Stage) -> None:
        writes = [*stage.scenario.setup(), (f"role/{ROLE}", stage.scenario.role())]
        for path, body in writes:
            first = (await stage.server.get(f"{stage.mount}/{path}")).data
            for name, value in body.items():
                if name in first and name not in stage.scenario.lossy:
                    assert _alike(first[name], value), (path, name, first[name], value)
            again = {k: v for k, v in first.items() if v is not None and k not in stage.scenario.lossy}
            written = await stage.server.post(f"{stage.mount}/{path}", again)
            assert written.status in (200, 204), (path, written)
            second = (await stage.server.get(f"{stage.mount}/{path}")).data
            assert {k: v for k, v in second.items() if k not in stage.scenario.lossy} == {
                k: v for k, v in first.items() if k not in stage.scenario.lossy
            }
        assert (await stage.login()).status == 200

    async def test_a_restart_changes_nothing(self, scenario: Scenario, mount: str, tmp_path: Path) -> None:
        clock, path = FakeClock(scenario.start), tmp_path / "restart.db"
        settings = await scenario.open(clock)
        try:
            async with TestServer(clock=clock, path=path, settings=settings) as server:
                stage = Stage(scenario, server, mount)
                await stage.prepare()
                token, keys, root = await stage.token(), server.keys, server.root_token
                role = (await server.get(f"{mount}/role/{ROLE}")).data
            async with TestServer(clock=clock, path=path, settings=settings, root_token=root) as server:
                unsealed = await server.post("sys/unseal", {"key": keys[0]}, token="")
                assert unsealed.status == 200
                stage = Stage(scenario, server, mount)
                assert (await server.get(f"{mount}/role/{ROLE}")).data == role
                assert (await server.get("auth/token/lookup-self", token=token)).status == 200
                assert (await server.post("auth/token/renew-self", token=token)).status == 200
                await stage.token()
        finally:
            await scenario.close()

    async def test_two_mounts_are_apart(self, stage: Stage) -> None:
        server, kind = stage.server, stage.scenario.kind
        assert (await server.post("sys/auth/second", {"type": kind})).status == 204
        assert (await server.get(f"auth/second/role/{ROLE}")).status == 404
        other = Stage(stage.scenario, server, "auth/second")
        assert (await other.login()).status in (400, 403)
        token = await stage.token()
        for path, _ in stage.scenario.setup():
            assert (await server.get(f"auth/second/{path}")).status == 404, path
        assert (await server.delete("sys/auth/second")).status == 204
        assert (await server.get("auth/token/lookup-self", token=token)).status == 200
        await stage.token()

    async def test_renewal_asks_the_role_of_now(self, stage: Stage) -> None:
        server, token = stage.server, await stage.token()
        assert (await server.post("auth/token/renew-self", token=token)).status == 200
        if stage.scenario.renewal_checks_bounds:
            for name in bounds_of(roles_of(backend_of(stage.scenario.kind))):
                await stage.role(**{name: stage.scenario.stranger(name)})
                answer = await server.post("auth/token/renew-self", token=token)
                assert answer.status in (400, 403), (name, answer)
                await stage.role()
        assert (await server.delete(f"{stage.mount}/role/{ROLE}")).status == 204
        answer = await server.post("auth/token/renew-self", token=token)
        assert answer.status in (400, 403), answer

    async def test_no_renewal_passes_the_maximum(self, stage: Stage) -> None:
        await stage.role(token_ttl=300, token_max_ttl=600)
        token = await stage.token()
        for _ in range(2):
            stage.server.clock.advance(250)
            answer = await stage.server.post("auth/token/renew-self", {"increment": "100h"}, token=token)
            assert answer.status == 200, answer
        assert answer.auth["lease_duration"] <= 100
        stage.server.clock.advance(101)
        assert (await stage.server.get("auth/token/lookup-self", token=token)).status == 403

    # Declarations.

    def test_everything_is_described(self, scenario: Scenario) -> None:
        backend = backend_of(scenario.kind)
        assert backend.summary, "the method has no summary"
        for route in backend.__declared__:
            assert route.summary, f"{route.verb} {route.pattern} has no description"
            kind = declared(route)
            for field in fields_of(kind).fields.values() if kind else ():
                assert field.description, f"{route.pattern}: field {field.name} has no description"

    def test_roles_narrow_by_declared_bounds(self, scenario: Scenario) -> None:
        assert bounds_of(roles_of(backend_of(scenario.kind))), "a role that cannot be narrowed admits everybody"


def _alike(read: Any, written: object) -> bool:
    if isinstance(read, list) and not isinstance(written, list):
        return [str(item) for item in read] == [part.strip() for part in str(written).split(",")]
    return bool(read == written)
