"""What every auth method must do, as a pytest class made from the method's own declarations.

    class TestMine(AuthMethodConformance):
        @pytest.fixture
        def scenario(self): return MyScenario()

A `Scenario` says how to set the method up, with every bound set to a value that fits, and makes login bodies that
succeed. The method runs as in production: loaded by its entry point, behind a real socket, over a real database.
The checks of single use are in `once.py`.
Needs pytest-asyncio in auto mode.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from vaultlike.clock import FakeClock
from vaultlike.mounts.gauges import OF_A_MOUNT
from vaultlike.sdk.fields import fields_of
from vaultlike.sdk.routes import compile_pattern
from vaultlike.testing.hostile import HOSTILE, spellings
from vaultlike.testing.once import SingleUseConformance
from vaultlike.testing.outside import Outside
from vaultlike.testing.scenario import STRANGER, Scenario
from vaultlike.testing.server import Answer, TestServer
from vaultlike.testing.stage import ROLE, UNLOCKED, Stage, backend_of, constraints_of, declared, login_of

__all__ = ["HOSTILE", "ROLE", "STRANGER", "AuthMethodConformance", "Scenario", "Stage"]
MAX_PATH = 4000  # characters of a path that the server takes
ELSEWHERE = "192.0.2.0/24"  # for documentation (RFC 5737): nobody calls from there


class AuthMethodConformance(SingleUseConformance):
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
        settings = replace(settings, environment={**settings.environment, **UNLOCKED})
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
        for name in constraints_of(scenario):
            assert role.get(name), f"the scenario leaves {name} empty, so it tests nothing"
            await stage.role(**{name: scenario.stranger(name)})
            answer = await stage.login()
            assert answer.status == (400 if scenario.tells_why else 403), (name, await stage.why(answer))
            told = msgspec.json.encode(answer.body).decode()
            for text in _texts(scenario.stranger(name)):
                assert text not in told, f"{name}: the caller learns what the role asks for"
            if not scenario.tells_why:
                assert answer.errors == ["permission denied"], name
                assert name not in told, f"{name}: the caller learns which bound refused"
            assert await stage.failed(answer), f"{name}: the operator cannot see what refused"
            await stage.role()
        assert stage.rows() == before, "a refused login wrote rows"
        assert (await stage.login()).status == 200

    async def test_a_role_that_narrows_nothing_is_refused(self, stage: Stage) -> None:
        wide = stage.scenario.wide(constraints_of(stage.scenario))
        answer = await stage.server.post(stage.role_path("wide"), wide)
        assert answer.status == 400, answer
        assert (await stage.server.get(stage.role_path("wide"))).status == 404

    async def test_the_addresses_of_a_role(self, stage: Stage) -> None:
        """They bind the login too, or by contract only what its token is used for."""
        await stage.role(token_bound_cidrs=[ELSEWHERE])
        before, answer = stage.rows(), await stage.login()
        if stage.scenario.addresses_at_use:
            assert answer.status == 200, await stage.why(answer)
            looked = await stage.server.get("auth/token/lookup-self", token=answer.auth["client_token"])
            assert looked.status == 403, "the token works from anywhere"
        else:
            assert answer.errors == ["permission denied"], await stage.why(answer)
            assert (answer.status, stage.rows()) == (403, before)
            assert await stage.failed(answer) == ["token_bound_cidrs"]
        await stage.role(token_bound_cidrs=[ELSEWHERE, "127.0.0.0/8"])
        assert (await stage.server.get("auth/token/lookup-self", token=await stage.token())).status == 200

    async def test_forged_proof(self, stage: Stage) -> None:
        before = stage.rows()
        for name, body in stage.scenario.forged(ROLE).items():
            answer = await stage.login(body)
            assert answer.status in (400, 403), (name, await stage.why(answer))
        assert stage.rows() == before

    async def test_no_login_field_can_break_it(self, stage: Stage) -> None:
        kind = declared(login_of(stage.scenario))
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

    async def test_no_name_in_the_path_can_break_it(self, stage: Stage) -> None:
        if not stage.named_by_path:
            pytest.skip("logins of this method have one path")
        before = stage.rows()
        for label, value in HOSTILE.items():
            if value and isinstance(value, str):
                answer = await stage.login(name=value[:MAX_PATH])
                assert answer.status in (400, 403, 404), (label, answer)
        assert stage.rows() == before

    async def test_other_spellings_are_the_same_or_nobody(self, stage: Stage) -> None:
        """A name that is compared in one form and stored in another would give somebody a second identity."""
        first = await stage.login()
        assert first.status == 200, await stage.why(first)
        aliases = stage.rows()["aliases"]
        for field, label, text in _spelled(stage):
            body = stage.scenario.login(ROLE)
            answer = await (stage.login({**body, field: text}) if field else stage.login(body, text))
            assert answer.status in (200, 400, 403, 404), (field, label, await stage.why(answer))
            if answer.status == 200:
                assert _who(answer) == _who(first), (field, label)
        assert stage.rows()["aliases"] == aliases

    async def test_bodies_that_are_no_login(self, stage: Stage) -> None:
        before = stage.rows()
        for raw in (b"", b"null", b"[]", b'"x"', b"{", b"\xff\xfe", b'{"role":' + b"[" * 5000):
            answer = await stage.server.call("POST", stage.login_path(), raw=raw, token="")
            assert answer.status in (400, 403), (raw[:20], answer)
        assert stage.rows() == before

    async def test_an_unknown_role_names_no_other(self, stage: Stage) -> None:
        statuses = (400, 403, 404) if stage.named_by_path else (400, 403)
        for name in ("nobody", "conformanc", "CONFORMANCE2", f"{ROLE}/", "%2e%2e", "..x"):
            answer = await stage.login_as(name)
            assert answer.status in statuses, (name, answer)
            told = msgspec.json.encode(answer.body["errors"]).decode().lower()
            assert ROLE.lower() not in told.replace(name.lower(), "")

    async def test_upstream_failures_are_nobodys_success(self, stage: Stage) -> None:
        body = stage.scenario.login(ROLE)
        if not await stage.scenario.break_upstream():
            pytest.skip("this method depends on nobody")
        before = stage.rows()
        answer = await stage.login(body)
        assert answer.status == 502, await stage.why(answer)
        assert stage.rows() == before

    # What must work.

    async def test_a_login_says_who(self, stage: Stage) -> None:
        answer = await stage.login()
        assert answer.status == 200, await stage.why(answer)
        entity = await stage.server.get(f"identity/entity/id/{answer.auth['entity_id']}")
        aliases = [alias for alias in entity.data["aliases"] if alias["mount_path"] == f"{stage.mount}/"]
        assert len(aliases) == 1 and aliases[0]["name"]
        looked = await stage.server.get("auth/token/lookup-self", token=answer.auth["client_token"])
        assert looked.data["path"] == stage.login_path()

    async def test_a_dry_run_writes_nothing(self, stage: Stage) -> None:
        before = stage.rows()
        body = stage.scenario.login(ROLE)
        for _ in range(2):  # the second finds nothing spent
            tried = await stage.server.post(f"sys/explain/simulate/{stage.login_path()}", body)
            assert tried.data["outcome"] == "accepted", tried
            assert "client_token" not in msgspec.json.encode(tried.body).decode()
        assert stage.rows() == before
        assert (await stage.login(body)).status == 200

    async def test_secrets_never_come_back(self, stage: Stage) -> None:
        backend = backend_of(stage.scenario.kind)
        body = stage.scenario.login(ROLE)
        login = await stage.login(body)
        texts = [(path, await stage.server.get(f"{stage.mount}/{path}")) for path, _ in stage.scenario.setup()]
        texts.append((stage.scenario.roles.format(name=ROLE), await stage.server.get(stage.role_path())))
        texts.append(("explain", await stage.explanation(login)))
        texts.append(("metrics", await stage.server.get("sys/metrics")))
        kind = declared(login_of(stage.scenario))
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
                ours = route.verb == "write" and compile_pattern(route.pattern)[0].fullmatch(path)
                if ours and answer.status == 200:
                    assert not set(secret_fields) & set(answer.data), path

    async def test_nobody_feeds_the_monitoring(self, stage: Stage) -> None:
        """A label says what the configuration knows: whoever tries to log in adds no series."""
        seen: list[set[tuple[str, tuple[tuple[str, str], ...]]]] = []
        for _ in range(2):  # what is fetched at the first time may be shown then
            for body in (stage.scenario.login(ROLE), *stage.scenario.forged(ROLE).values()):
                await stage.login(body)
                await stage.login_as(f"r-{len(seen)}-{id(body)}")
            gauges = list(stage.backend().gauges())
            assert len(gauges) <= OF_A_MOUNT
            seen.append({(gauge.name, gauge.labels) for gauge in gauges})
        assert seen[0] == seen[1]

    async def test_secrets_are_in_no_log(self, bare: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        trail = tmp_path / "audit.log"
        device = {"type": "file", "options": {"file_path": str(trail)}}
        assert (await bare.server.post("sys/audit/file", device)).status == 204
        await bare.prepare()
        good = bare.scenario.login(ROLE)
        bodies = [*bare.scenario.forged(ROLE).values(), good]
        answers = [await bare.login(body) for body in bodies]
        assert answers[-1].status == 200, await bare.why(answers[-1])
        kind = declared(login_of(bare.scenario))
        assert kind is not None
        names = [field.name for field in fields_of(kind).fields.values() if field.kind == "secret"]
        proofs = [str(good[name]) for name in names if good.get(name)]
        written, logged = trail.read_text(), "".join(capsys.readouterr())
        assert bare.login_path() in written
        for secret in (*bare.scenario.secrets, *proofs, answers[-1].auth["client_token"]):
            assert secret not in written, "the audit shows a secret"
            assert secret not in logged, "the log shows a secret"

    async def test_what_is_written_is_read(self, stage: Stage) -> None:
        writes = [*stage.scenario.setup(), (stage.scenario.roles.format(name=ROLE), stage.scenario.role())]
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
                role = (await server.get(stage.role_path())).data
            async with TestServer(clock=clock, path=path, settings=settings, root_token=root) as server:
                unsealed = await server.post("sys/unseal", {"key": keys[0]}, token="")
                assert unsealed.status == 200
                stage = Stage(scenario, server, mount)
                assert (await server.get(stage.role_path())).data == role
                assert (await server.get("auth/token/lookup-self", token=token)).status == 200
                assert (await server.post("auth/token/renew-self", token=token)).status == 200
                await stage.token()
        finally:
            await scenario.close()

    async def test_two_mounts_are_apart(self, stage: Stage) -> None:
        server, kind = stage.server, stage.scenario.kind
        assert (await server.post("sys/auth/second", {"type": kind})).status == 204
        other = Stage(stage.scenario, server, "auth/second")
        assert (await server.get(other.role_path())).status == 404
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
            for name in constraints_of(stage.scenario):
                await stage.role(**{name: stage.scenario.stranger(name)})
                answer = await server.post("auth/token/renew-self", token=token)
                assert answer.status in (400, 403), (name, answer)
                await stage.role()
        if stage.scenario.renewal_checks_policies:
            await stage.role(token_policies=["another"])
            answer = await server.post("auth/token/renew-self", token=token)
            assert answer.status in (400, 403), answer
            await stage.role()
            assert (await server.post("auth/token/renew-self", token=token)).status == 200
        assert (await server.delete(stage.role_path())).status == 204
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

    def test_roles_can_be_narrowed(self, scenario: Scenario) -> None:
        assert constraints_of(scenario), "a role that cannot be narrowed admits everybody"

    async def test_time_and_network_come_from_the_context(self, bare: Stage) -> None:
        package = backend_of(bare.scenario.kind).__module__.partition(".")[0]
        with Outside(package) as outside:
            await bare.prepare()
            token = await bare.token()
            for body in bare.scenario.forged(ROLE).values():
                await bare.login(body)
            await bare.backend().tick()
            renewed = await bare.server.post("auth/token/renew-self", token=token)
        assert outside.reached == []
        assert renewed.status == 200, renewed


def _alike(read: Any, written: object) -> bool:
    if isinstance(read, list) and not isinstance(written, list):
        return [str(item) for item in read] == [part.strip() for part in str(written).split(",")]
    return bool(read == written)


def _texts(value: object) -> Iterator[str]:
    """The texts in a value of a role's field."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _who(answer: Answer) -> tuple[object, ...]:
    """Whose token a login made, and what it may do. Metadata repeats names as they were typed, by contract."""
    metadata = {name: text.lower() for name, text in (answer.auth["metadata"] or {}).items()}
    return answer.auth["entity_id"], answer.auth["policies"], metadata


def _spelled(stage: Stage) -> Iterator[tuple[str, str, str]]:
    """The names in a login, each in all spellings: (field of the body, or "" for the path; which spelling; text)."""
    kind = declared(login_of(stage.scenario))
    known = fields_of(kind).fields if kind is not None else {}
    for field, value in stage.scenario.login(ROLE).items():
        if isinstance(value, str) and field in known and known[field].kind != "secret":
            for label, text in spellings(value).items():
                yield field, label, text
    if stage.named_by_path:
        for label, text in spellings(ROLE).items():
            yield "", label, text
