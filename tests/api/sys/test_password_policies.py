"""`sys/policies/password` and `sys/locked-users`."""

from __future__ import annotations

import pytest

from vaultlike.testing.server import TestServer

POLICY = """
length = 12
rule "charset" { charset = "abcdef" min-chars = 2 }
rule "charset" { charset = "0123456789" min-chars = 3 }
"""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "missing policy"),
        ("length = 3", "failed to parse policy: length must be from 4 to 100"),
        ("length = 12", "failed to parse policy: no charset rules"),
        ('length = 4 rule "charset" { charset = "ab" min-chars = 5 }',
         "failed to parse policy: the rules ask for more characters than length has"),
        ('length = 4 rule "charset" { charset = "" }',
         "failed to parse policy: a charset must have 1 to 1024 printable characters"),
        ('length = 4 rule "odd" { charset = "ab" }',
         "failed to parse policy: unknown rule on line 1; only charset is known"),
        ('length = "x" rule "charset" { charset = "ab" }', "failed to parse policy: length must be a whole number"),
        ("size = 12", "failed to parse policy: unknown key 'size' on line 1"),
    ],
)  # fmt: skip
async def test_what_is_refused(server: TestServer, text: str, problem: str) -> None:
    answer = await server.post("sys/policies/password/x", {"policy": text})
    assert (answer.status, answer.errors) == (400, [f"1 error occurred:\n\t* {problem}\n\n"])
    for path in ("x", "x/generate"):
        answer = await server.get(f"sys/policies/password/{path}")
        assert (answer.status, answer.errors) == (404, ["1 error occurred:\n\t* policy does not exist\n\n"])


@pytest.mark.parametrize("name", ["a%20b", "a/b", "a.b", "Mixed"])
async def test_any_name(server: TestServer, name: str) -> None:
    path = f"sys/policies/password/{name}"
    assert (await server.post(path, {"policy": POLICY})).status == 204
    assert (await server.get(path)).data == {"policy": POLICY}
    assert len((await server.get(f"{path}/generate")).data["password"]) == 12
    assert (await server.delete(path)).status == 204
    assert (await server.get(path)).status == 404
    assert (await server.post(f"sys/policies/password/{'n' * 513}", {"policy": POLICY})).status == 400


async def test_passwords_keep_the_policy(server: TestServer) -> None:
    assert (await server.post("sys/policies/password/x", {"policy": POLICY})).status == 204
    assert (await server.get("sys/policies/password/x")).data == {"policy": POLICY}
    assert (await server.list("sys/policies/password")).data["keys"] == ["x"]
    made = {(await server.get("sys/policies/password/x/generate")).data["password"] for _ in range(20)}
    assert len(made) == 20
    for password in made:
        digits = sum(letter.isdigit() for letter in password)
        assert len(password) == 12
        assert digits >= 3
        assert 12 - digits >= 2
        assert set(password) <= set("abcdef0123456789")
    assert (await server.delete("sys/policies/password/x")).status == 204
    assert (await server.list("sys/policies/password")).status == 404


async def test_nobody_is_locked_out(server: TestServer) -> None:
    accessor = (await server.get("sys/auth/token")).data["accessor"]
    assert (await server.get("sys/locked-users")).data == {"by_namespace": [], "total": 0}
    assert (await server.get(f"sys/locked-users?mount_accessor={accessor}")).data["total"] == 0
    assert (await server.get("sys/locked-users?mount_accessor=none")).status == 400
    assert (await server.post(f"sys/locked-users/{accessor}/unlock/bob")).status == 204
