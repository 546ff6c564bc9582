"""Bad input over a real socket: each gets its 4xx with a JSON body, none a 5xx, and the server goes on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import msgspec
import pytest

from vaultlike.testing.server import TestServer


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    async with TestServer() as made:
        assert (await made.post("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})).status == 204
        assert (await made.post("sys/auth/azure", {"type": "azure"})).status == 204
        yield made


BODIES: dict[str, tuple[bytes, int]] = {
    "truncated": (b'{"data":', 400),
    "array": (b"[]", 400),
    "number": (b"1", 400),
    "trailing": (b'{"data":{}}x', 400),
    "not UTF-8": (b'{"data":{"a":"\xff"}}', 400),
    "UTF-16": ('{"data":{}}'.encode("utf-16"), 400),
    "byte order mark": (b'\xef\xbb\xbf{"data":{}}', 400),
    "lone surrogate": (b'{"data":{"a":"\\ud800"}}', 400),
    "NaN": (b'{"data":{"a":NaN}}', 400),
    "1e400": (b'{"data":{"a":1e400}}', 400),
    "5000 digits": (b'{"data":{"a":' + b"9" * 5000 + b"}}", 400),
    "100,000 brackets": (b"[" * 100_000, 400),
    "300 objects deep": (b'{"data":' * 300 + b"1" + b"}" * 300, 400),
    "list as data": (b'{"data":[1]}', 400),
    "70 bits": (b'{"data":{"a":1180591620717411303424}}', 200),
    "NUL in a key": (b'{"data":{"\\u0000":1}}', 200),
    "a member twice": (b'{"data":{"a":1},"data":{"a":2}}', 200),
}


async def test_bodies(server: TestServer) -> None:
    for name, (body, status) in BODIES.items():
        answer = await server.post("secret/data/bad", raw=body)
        assert answer.status == status, name
        assert answer.headers["Content-Type"] == "application/json", name
        if status == 200:
            assert (await server.get("secret/data/bad")).status == 200, name


NUMBERS: tuple[object, ...] = (
    -1,
    "-1s",
    2**63,
    2**70,
    1e308,
    "1e400",
    "9999999999999h",
    "99999999999999999999",
    [],
    {},
    "\u0661",
    1.5,
)
FIELDS = {
    "auth/token/create": ("ttl", "explicit_max_ttl", "period", "num_uses"),
    "auth/azure/role/n": ("token_ttl", "token_max_ttl", "token_period", "token_num_uses", "token_explicit_max_ttl"),
    "auth/azure/config": ("root_password_ttl", "identity_token_ttl"),
    "sys/auth/azure/tune": ("default_lease_ttl", "max_lease_ttl"),
}


@pytest.mark.parametrize("path", FIELDS)
async def test_numbers_that_are_none_of_ours(server: TestServer, path: str) -> None:
    kept = {"tenant_id": "t", "resource": "r", "bound_service_principal_ids": "a"}
    for field in FIELDS[path]:
        for value in NUMBERS:
            answer = await server.post(path, {**kept, field: value} if "azure/" in path else {field: value})
            assert answer.status == 400, (field, value)
            assert answer.errors, (field, value)


PATHS = {
    "secret/data/%2e%2e": 400,
    "secret/data/..%2f..%2fsys%2fmounts": 400,
    "secret/data/%00": 400,
    "secret/data/%0d%0aX:y": 400,
    "secret/data/%ff": 400,
    "secret/data/%e2%80%ae": 400,
    "secret/data/" + "a" * 5000: 400,
    "secret%2fdata%2fnone": 404,
    "secret/data/%zz": 404,
    "secret/data/none/": 404,
    "": 404,
}


async def test_paths(server: TestServer) -> None:
    from yarl import URL

    for path, status in PATHS.items():
        url = URL(f"{server.url}/v1/{path}", encoded=True)
        async with server._session.get(url, headers={"X-Vault-Token": "root"}, allow_redirects=False) as answer:
            assert answer.status == status, path
            assert isinstance(msgspec.json.decode(await answer.read()), dict), path


@pytest.mark.parametrize("token", ["x", "hvs.", "hvb.", "hvb." + "A" * 7000, "hvs.\xe9", "root\tx", "' or 1=1", "ROOT"])
async def test_tokens(server: TestServer, token: str) -> None:
    answer = await server.get("auth/token/lookup-self", token=token)
    assert (answer.status, answer.errors) == (403, ["permission denied"])


HOSTILE = {
    "blocks": 'path "a" { ' * 500,
    "braces": "{" * 20_000,
    "brackets": "[" * 20_000,
    "comment": "/*" * 50_000,
    "long": "x" * 300_000,
    "heredoc": 'path "a" { capabilities = <<E\n' + "x" * 1000,
    "number": 'path "a" { capabilities = [1e400] }',
    "NUL": 'path "\x00" { capabilities = ["read"] }',
    "capability": 'path "a" { capabilities = ["fly"] }',
    "json": '{"path": 5}',
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_policies(server: TestServer, name: str) -> None:
    async with asyncio.timeout(2):
        answer = await server.post("sys/policies/acl/h", {"policy": HOSTILE[name]})
    assert answer.status == 400
    assert len(answer.errors[0]) < 400  # the text is not sent back


VALUES: tuple[object, ...] = (
    None, True, 0, -1, 2**63, 2**70, 1.5, "", "*", "../x", "a/b", "\n", "\x00", "\u202e", "x" * 5000, [], [None], [[]],
    {}, {"a": {"b": 1}}, "9999999999999h", "1e400", "10.0.0.0/33", "-----BEGIN CERTIFICATE-----", "{{identity.x}}",
    "root", "response-wrapping", [""], {"": ""}, {"k": None},
)  # fmt: skip
NAMES = (
    "a",
    "A",
    "%2e%2e",
    "%2F",
    "%00",
    "%ff",
    "%C3%A9",
    "x" * 300,
    "*",
    "+",
    "a.b",
    "-1",
    "root",
    "default",
    "9" * 20,
)
FATAL = (
    "sys/monitor",  # its answer has no end
    "sys/seal",
    "sys/unseal",
    "sys/init",
    "sys/rekey",
    "sys/rotate",
    "sys/generate-root",
    "sys/step-down",
    "revoke",
)


async def test_every_declared_path_survives_nonsense(server: TestServer) -> None:
    """Seeded noise over all that the API declares: any answer but a 500, and errors always as JSON."""
    paths = (await server.get("sys/internal/specs/openapi")).body["paths"]
    dice = random.Random(20260101)
    for path, verbs in paths.items():
        if any(word in path for word in FATAL):
            continue
        for verb, facts in verbs.items():
            if verb not in ("get", "post", "delete"):
                continue
            for _ in range(3):
                filled = path
                while "{" in filled:
                    before, _, rest = filled.partition("{")
                    filled = before + dice.choice(NAMES) + rest.partition("}")[2]
                wanted = facts.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
                body = {name: dice.choice(VALUES) for name in wanted.get("properties", {}) if dice.random() < 0.6}
                method = verb.upper() if dice.random() < 0.8 else dice.choice(("LIST", "PUT", "PATCH", "BREW"))
                answer = await _raw(server, method, filled, body)
                assert answer[0] < 500 or answer[0] in (501, 502, 503), (method, filled, body, answer)
                if answer[0] >= 400:
                    assert isinstance(msgspec.json.decode(answer[1]), dict), (method, filled, body, answer)
    assert (await server.get("auth/token/lookup-self")).status == 200


async def _raw(server: TestServer, method: str, path: str, body: object) -> tuple[int, bytes]:
    from yarl import URL

    url = URL(f"{server.url}/v1{path}", encoded=True)
    data = msgspec.json.encode(body) if method in ("POST", "PUT", "PATCH") else None
    headers = {"X-Vault-Token": "root"}
    async with server._session.request(method, url, data=data, headers=headers, allow_redirects=False) as answer:
        return answer.status, await answer.read()


async def test_bodies_that_grow_when_they_are_decoded(server: TestServer) -> None:
    swollen = b'{"data":{"a":[' + b"[]," * 1_000_000 + b"[]]}}"
    for path in ("auth/azure/login", "sys/wrapping/lookup", "sys/unseal"):
        assert (await server.post(path, raw=swollen, token="")).status == 413
    assert (await server.post("secret/data/bad", raw=swollen, token="")).status == 403
    answer = await server.post("secret/data/bad", raw=swollen)
    assert (answer.status, answer.errors) == (400, ["failed to decode JSON input: too many values"])
    text = msgspec.json.encode({"data": {"a": '\\"[],' * 300_000}})
    assert (await server.post("secret/data/good", raw=text)).status == 200
