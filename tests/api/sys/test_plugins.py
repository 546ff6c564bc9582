"""Vouching for a third party's plugin: what is refused, and that another package makes its mounts unavailable.

The package of the plugin is made here: metadata as pip writes it, with a RECORD.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.sys.conftest import People
from vaultlike.mounts import vetting
from vaultlike.mounts.catalog import Plugin
from vaultlike.testing.server import TestServer

CATALOG = "sys/plugins/catalog/auth/signed"
PIN = "sys/plugins/pins/auth/signed"
RECORD = "signed.py,sha256=abc,1\n"
SHA256 = hashlib.sha256(RECORD.encode()).hexdigest()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The RECORD of an installed package."""
    folder = tmp_path / "signed_methods-1.2.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: signed-methods\nVersion: 1.2\n")
    (folder / "RECORD").write_text(RECORD)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    vetting.checksum.cache_clear()
    yield folder / "RECORD"
    vetting.checksum.cache_clear()


def install(server: TestServer, version: str = "1.2") -> None:
    server.server.catalog.add(Plugin("signed", True, People, "signed-methods", version))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "missing SHA-256 value"),
        ({"sha256": "xy"}, "Could not decode SHA-256 value from Hex"),
        ({"sha256": "00"}, "the checksum is not that of the installed package"),
        ({"sha256": SHA256, "command": "other"}, 'a plugin is registered under the name of its entry point, "signed"'),
        ({"sha256": SHA256, "args": ["-x"]}, "a plugin is a Python package: it takes no arguments and no environment"),
        ({"sha256": SHA256, "version": "v9.9"}, "version 1.2 of the plugin is installed"),
    ],
)
async def test_registrations_that_are_refused(
    server: TestServer, package: Path, body: dict[str, Any], text: str
) -> None:
    install(server)
    answer = await server.call("PUT", CATALOG, body)
    assert (answer.status, answer.errors) == (400, [text])


async def test_pins_that_are_refused(server: TestServer, package: Path) -> None:
    assert (await server.post(PIN, {"version": "1.2"})).status == 400  # not installed
    install(server)
    for body in ({}, {"version": "1.3"}):
        assert (await server.post(PIN, body)).status == 400
    assert (await server.post("sys/plugins/pins/auth/people", {"version": "1"})).status == 400
    assert (await server.get("sys/plugins/pins")).data == {"pinned_versions": []}
    assert (await server.get(PIN)).status == 404
    assert (await server.delete(PIN)).status == 204


async def test_a_registered_package_must_stay_as_it_is(tmp_path: Path, package: Path, server: TestServer) -> None:
    async with TestServer(path=tmp_path / "v.db") as first:
        install(first)
        assert (await first.get(CATALOG)).data["sha256"] == SHA256
        body = {"sha256": SHA256.upper(), "command": "signed", "version": "v1.2"}
        assert (await first.call("PUT", CATALOG, body)).status == 204
        assert (await first.post("sys/auth/s", {"type": "signed", "plugin_version": "v1.2"})).status == 204
        assert (await first.list("auth/s/users")).status == 404
        keys, root = first.keys, first.root_token
    package.write_text(RECORD + "more.py,sha256=def,1\n")
    vetting.checksum.cache_clear()
    async with TestServer(path=tmp_path / "v.db", root_token=root) as again:
        install(again)
        await again.server.unseal(keys[0])
        assert (await again.list("auth/s/users")).status == 503
        refused = await again.post("sys/auth/t", {"type": "signed"})
        assert refused.status == 400 and "checksum was registered" in refused.errors[0]
        assert (await again.delete(CATALOG)).status == 204
        assert (await again.list("auth/s/users")).status == 404
        assert (await again.post("sys/auth/t", {"type": "signed"})).status == 204


async def test_a_pinned_version(tmp_path: Path, package: Path, server: TestServer) -> None:
    async with TestServer(path=tmp_path / "v.db") as first:
        install(first)
        await first.post("sys/auth/s", {"type": "signed"})
        assert (await first.post(PIN, {"version": "v1.2"})).status == 204
        shown = {"type": "auth", "name": "signed", "version": "v1.2"}
        assert (await first.get(PIN)).data == shown
        assert (await first.get("sys/plugins/pins")).data == {"pinned_versions": [shown]}
        keys, root = first.keys, first.root_token
    async with TestServer(path=tmp_path / "v.db", root_token=root) as again:
        install(again, "1.3")
        await again.server.unseal(keys[0])
        assert (await again.list("auth/s/users")).status == 503
        await again.delete(PIN)
        await again.post("sys/auth/t", {"type": "signed"})
        assert (await again.list("auth/t/users")).status == 404


async def test_versions_that_are_not_installed(server: TestServer) -> None:
    text = 'plugin "people" has no version "v9" in the catalog'
    answer = await server.post("sys/auth/p", {"type": "people", "plugin_version": "v9"})
    assert (answer.status, answer.errors) == (400, [text])
    await server.post("sys/auth/p", {"type": "people"})
    version = (await server.get("sys/plugins/catalog/auth/people")).data["version"]
    assert (await server.post("sys/auth/p/tune", {"plugin_version": "v9"})).errors == [text]
    assert (await server.post("sys/auth/p/tune", {"plugin_version": version})).status == 204
    assert (await server.get("sys/auth/p/tune")).data["plugin_version"] == version


async def test_a_reload_reaches_every_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []

    async def start(self: People) -> None:
        started.append(self)

    monkeypatch.setattr(People, "start", start)
    async with TestServer(path=tmp_path / "v.db") as one:
        one.server.catalog.add(Plugin("people", True, People))
        await one.post("sys/auth/p", {"type": "people"})
        await one.post("sys/auth/q", {"type": "people"})
        async with TestServer(path=tmp_path / "v.db", root_token=one.root_token) as two:
            two.server.catalog.add(Plugin("people", True, People))
            await two.server.unseal(one.keys[0])
            assert len(started) == 4
            assert (await one.post("sys/plugins/reload/backend", {"mounts": "auth/p"})).status == 200
            await two.get("sys/auth")
            assert len(started) == 6
            answer = await one.post("sys/plugins/reload/auth/people", {"scope": "global"})
            assert answer.status == 202 and answer.data["reload_id"]
            await two.get("sys/auth")
            assert len(started) == 10
            assert (await one.post("sys/plugins/reload/auth/none", {})).status == 400
            assert (await one.post("sys/plugins/reload/auth/people", {"scope": "moon"})).status == 400
