"""Path declarations and the table that finds them."""

from __future__ import annotations

import time

import pytest
from msgspec import Struct

from vaultlike.sdk.routes import RouteTable, compile_pattern, delete, list_, login, read, routes_of_function, write


class Body(Struct):
    """A body."""

    name: str = ""


class Paths:
    """A few declarations."""

    @read("config")
    async def config(self, call: object) -> None:
        """Reads the config.

        More of it.
        """

    @write("role/{name}", summary="Writes a role.")
    async def write_role(self, call: object, body: Body) -> None: ...

    @delete("role/{name}")
    async def delete_role(self, call: object) -> None: ...

    @list_("role/")
    async def list_roles(self, call: object) -> None: ...

    @read("role/{name}/secret-id")
    async def one(self, call: object) -> None: ...

    @list_("role/{name}/secret-id/")
    async def secret_ids(self, call: object) -> None: ...

    @login("login/{user:at}", alias="user")
    async def log_in(self, call: object) -> None: ...

    @read("data/{path:rest}")
    async def data(self, call: object) -> None: ...

    @read("{path:maybe}")
    async def anything(self, call: object) -> None: ...


def table(owner: type) -> RouteTable:
    me = owner()
    return RouteTable((r, me) for item in vars(owner).values() if callable(item) for r in routes_of_function(item))


TABLE = table(Paths)


@pytest.mark.parametrize("path", ["role/-x", "role/x-", "role/.x", "role/x y", "role/x@y", "role/ü", "role/x\n"])
def test_names_that_are_none(path: str) -> None:
    found = TABLE.find(path)
    assert found is not None
    assert found[0].pattern == "{path:maybe}"


@pytest.mark.parametrize(
    ("path", "pattern", "params"),
    [
        ("config", "config", {}),
        ("role", "role", {}),
        ("role/", "role", {}),
        ("role/a", "role/{name}", {"name": "a"}),
        ("role/a.b-c_d", "role/{name}", {"name": "a.b-c_d"}),
        ("role/a/secret-id", "role/{name}/secret-id", {"name": "a"}),
        ("role/a/secret-id/", "role/{name}/secret-id", {"name": "a"}),
        ("login/ann@x.org", "login/{user:at}", {"user": "ann@x.org"}),
        ("data/a/b/", "data/{path:rest}", {"path": "a/b/"}),
        ("", "{path:maybe}", {"path": ""}),
        ("data/", "{path:maybe}", {"path": "data/"}),
        ("config/", "{path:maybe}", {"path": "config/"}),
    ],
)
def test_find(path: str, pattern: str, params: dict[str, str]) -> None:
    found = TABLE.find(path)
    assert found is not None
    assert (found[0].pattern, found[1]) == (pattern, params)


def test_a_table_without_a_catch_all_finds_nothing_elsewhere() -> None:
    class Small:
        @read("config")
        async def config(self, call: object) -> None: ...

    assert table(Small).find("konfig") is None
    assert table(Small).find("") is None


def test_facts_come_from_the_declaration_every_time() -> None:
    for _ in range(2):  # a second mount reads the same declarations again
        (route,) = routes_of_function(Paths.write_role)
        assert (route.summary, route.body, route.open) == ("Writes a role.", Body, False)
    (route,) = routes_of_function(Paths.config)
    assert route.summary == "Reads the config."
    (route,) = routes_of_function(Paths.log_in)
    assert route.open and route.login is not None and route.login.alias == "user"


def test_the_same_operation_twice_is_a_declaration_error() -> None:
    class Twice:
        @read("config")
        async def one(self, call: object) -> None: ...

        @read("config")
        async def two(self, call: object) -> None: ...

    with pytest.raises(TypeError, match="read config is declared twice"):
        table(Twice)


def test_hostile_names_cost_little() -> None:
    regex, _ = compile_pattern("role/{name}/secret-id/{id:at}/x")
    started = time.perf_counter()
    assert regex.fullmatch("role/" + "a-" * 2000 + "/secret-id/" + "b." * 2000) is None
    assert time.perf_counter() - started < 0.5
