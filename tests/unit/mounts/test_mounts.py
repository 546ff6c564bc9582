"""Mount tables, routing and the catalog, without a server."""

from __future__ import annotations

from typing import Any

import pytest
import structlog

from vaultlike.errors import Invalid
from vaultlike.mounts.catalog import Catalog, Plugin
from vaultlike.mounts.entry import MountEntry, shown
from vaultlike.mounts.router import Mount, Router
from vaultlike.mounts.table import check_free
from vaultlike.sdk import Backend

LOG: Any = structlog.get_logger()


def entry(path: str, number: int = 0, **facts: Any) -> MountEntry:
    return MountEntry(path=path, kind="kv", uuid=f"uuid-{path}-{number}", accessor=f"kv_{path}", **facts)


ENTRIES = [entry("secret/"), entry("auth/corp/azure/"), entry("sys/")]


@pytest.mark.parametrize(
    "path", ["secret/", "secret/inner/", "auth/corp/", "auth/corp/azure/", "auth/corp/azure/x/", "auth/", "sys/raw/"]
)
def test_a_path_inside_or_around_a_mount_is_taken(path: str) -> None:
    with pytest.raises(Invalid, match="path is already in use at"):
        check_free(ENTRIES, path)


@pytest.mark.parametrize("path", ["secrets/", "sec/", "auth/corp/aws/", "auth/corporate/"])
def test_a_free_path(path: str) -> None:
    check_free(ENTRIES, path)
    check_free(ENTRIES, "secret/", ignore="secret/")


class Noted(Backend):
    """Notes its life."""

    def __init__(self, path: str, life: list[str], broken: str = "") -> None:
        self.path, self.life, self.broken = path, life, broken

    async def start(self) -> None:
        self.life.append(f"start {self.path}")
        if self.broken == "start":
            raise RuntimeError("broken")

    async def stop(self) -> None:
        self.life.append(f"stop {self.path}")
        if self.broken == "stop":
            raise RuntimeError("broken")


def router(life: list[str], broken: dict[str, str] | None = None) -> Router:
    return Router(lambda made: Mount(made, Noted(made.path, life, (broken or {}).get(made.path, ""))), LOG)


async def test_finding_the_mount_of_a_path() -> None:
    routes = router([])
    await routes.load(ENTRIES)
    for path, mount, rest in [
        ("secret/a/b", "secret/", "a/b"),
        ("secret/", "secret/", ""),
        ("secret", "secret/", ""),
        ("auth/corp/azure/login", "auth/corp/azure/", "login"),
        ("sys/mounts/secret", "sys/", "mounts/secret"),
    ]:
        found = routes.find(path)
        assert found is not None
        assert (found[0].entry.path, found[1]) == (mount, rest)
    for path in ("", "secrets/a", "auth/corp/x", "auth", "auth/corp"):
        assert routes.find(path) is None


async def test_loading_keeps_what_stayed_and_restarts_what_moved() -> None:
    life: list[str] = []
    routes = router(life)
    await routes.load([entry("a/"), entry("b/"), entry("c/")])
    kept = routes.at("a/")
    life.clear()
    moved = MountEntry(path="d/", kind="kv", uuid=entry("b/").uuid, accessor="kv_b/")
    await routes.load([entry("a/", description="tuned"), moved])
    assert routes.at("a/") is kept
    assert kept is not None and kept.entry.description == "tuned"
    assert sorted(life) == ["start d/", "stop b/", "stop c/"]
    assert routes.by_accessor("kv_b/") is routes.at("d/") and routes.by_accessor("kv_c/") is None
    await routes.unload()
    assert routes.mounts() == [] and routes.find("a/x") is None


async def test_one_broken_mount_takes_no_other_down() -> None:
    life: list[str] = []
    routes = router(life, {"a/": "start", "b/": "stop"})
    await routes.load([entry("a/"), entry("b/"), entry("c/")])
    await routes.load([entry("c/")])
    assert [mount.entry.path for mount in routes.mounts()] == ["c/"]
    assert life == ["start a/", "start b/", "start c/", "stop a/", "stop b/"]


def test_the_catalog_tells_unknown_from_unavailable() -> None:
    catalog = Catalog({"kv": Backend})
    catalog.add(Plugin("odd", True, None, problem="its import failed"))
    assert catalog.require("kv", auth=False).backend is Backend
    for kind, auth, text in [
        ("kv", True, "plugin not found in the catalog: kv"),
        ("nope", False, "plugin not found in the catalog: nope"),
        ("odd", True, "plugin odd is unavailable: its import failed"),
    ]:
        with pytest.raises(Invalid, match=text):
            catalog.require(kind, auth=auth)


def test_what_the_api_shows_of_a_mount() -> None:
    info = shown(entry("secret/"), "1.0")
    assert info["config"] == {"default_lease_ttl": 0, "max_lease_ttl": 0, "force_no_cache": False}
    assert info["options"] is None and info["deprecation_status"] == "supported"
    auth = shown(MountEntry(path="auth/token/", kind="token", uuid="u", accessor="a"), "1.0")
    assert "deprecation_status" not in auth
