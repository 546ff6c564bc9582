"""The conformance suite's stage: a running server with one method mounted as its scenario says, and the method's
declarations. Asserts nothing but that the set-up went well."""

from __future__ import annotations

import sqlite3
from urllib.parse import quote

from msgspec import Struct

from vaultlike.mounts.catalog import Catalog
from vaultlike.sdk import Backend, Collection, TokenParams, bounds_of
from vaultlike.sdk.routes import Route, compile_pattern
from vaultlike.testing.scenario import Scenario
from vaultlike.testing.server import Answer, TestServer

ROLE = "Conformance"  # in mixed case: every test would fail for a method that folds names on one side only
_ROWS = ("tokens", "entities", "aliases", "cubbyholes")
UNLOCKED = {"VAULT_DISABLE_USER_LOCKOUT": "true"}  # or five bad bodies would shield the method from all others


class Stage:
    """A running server with the method mounted."""

    def __init__(self, scenario: Scenario, server: TestServer, mount: str) -> None:
        self.scenario, self.server, self.mount = scenario, server, mount

    async def prepare(self, **changed: object) -> None:
        """Enables and configures the method and writes the role, with some of its fields changed."""
        enabled = await self.server.post(f"sys/{self.mount}", {"type": self.scenario.kind})
        assert enabled.status == 204, enabled
        await self._write(self.scenario.setup())
        await self.role(**changed)
        await self._write(self.scenario.credentials(ROLE))

    async def _write(self, writes: list[tuple[str, dict[str, object]]]) -> None:
        for path, body in writes:
            written = await self.server.post(f"{self.mount}/{path}", body)
            assert written.status in (200, 204), (path, written)

    async def role(self, **changed: object) -> None:
        written = await self.server.post(self.role_path(), {**self.scenario.role(), **changed})
        assert written.status in (200, 204), written

    def role_path(self, name: str = ROLE) -> str:
        """The whole path of a role (or user)."""
        return f"{self.mount}/{self.scenario.roles.format(name=name)}"

    def login_path(self, name: str = ROLE) -> str:
        """The whole path of a login; `name` as it stands, where the path carries it."""
        return f"{self.mount}/{self.scenario.logins.format(name=name)}"

    @property
    def named_by_path(self) -> bool:
        """Whether the path of a login says who logs in."""
        return "{name}" in self.scenario.logins

    async def login(self, body: dict[str, object] | None = None, name: str = ROLE) -> Answer:
        sent = self.scenario.login(ROLE) if body is None else body
        return await self.server.post(self.login_path(quote(name, safe="")), sent, token="")

    async def login_as(self, name: str) -> Answer:
        """A login that is good but for the name of its role (or user)."""
        body = self.scenario.login(ROLE)
        if self.named_by_path:
            return await self.login(body, name)
        facts = login_of(self.scenario).login
        assert facts is not None
        return await self.login({**body, facts.role: name})

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

    async def failed(self, answer: Answer) -> list[str]:
        """The names of the checks that a login did not pass, as the operator sees them."""
        explained = await self.explanation(answer)
        return [check["name"] for check in explained.data["checks"] if not check["ok"]]

    def backend(self) -> Backend:
        """The running instance of the method."""
        core = self.server.server.core
        found = core.router.find(f"{self.mount}/x") if core is not None else None
        assert found is not None and found[0].backend is not None
        return found[0].backend

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


def constraints_of(scenario: Scenario) -> tuple[str, ...]:
    """The fields of a role that narrow who logs in: all that are declared, and those that the scenario adds."""
    return (*bounds_of(roles_of(backend_of(scenario.kind))), *scenario.constraints)


def login_of(scenario: Scenario) -> Route:
    """The declaration of the login."""
    path = scenario.logins.format(name=ROLE)
    routes = [route for route in backend_of(scenario.kind).__declared__ if route.login is not None]
    return next(route for route in routes if compile_pattern(route.pattern)[0].fullmatch(path))


def declared(route: Route) -> type[Struct] | None:
    """The fields of a route's body."""
    return route.body or route.declares
