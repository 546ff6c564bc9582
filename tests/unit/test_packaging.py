"""Promises of the package layout that no other tool can check by itself."""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = sorted({source.parent.name for source in ROOT.glob("plugins/*/*.py")})
OPEN_TO_PLUGINS = ("vaultlike.sdk", "vaultlike.errors", "vaultlike.types")


def imported(source: Path) -> set[str]:
    """The absolute names a module imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_imports_only_what_is_open_to_plugins(plugin: str) -> None:
    for source in (ROOT / "plugins" / plugin).rglob("*.py"):
        for name in imported(source):
            if name.split(".")[0] == "vaultlike":
                assert name.startswith(OPEN_TO_PLUGINS), f"{source.name} imports {name}"
            elif name.startswith("vaultlike_"):
                assert name.split(".")[0] == plugin, f"{source.name} imports another plugin: {name}"


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_is_in_every_plugin_contract(plugin: str) -> None:
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / "setup.cfg")
    assert plugin in contracts["importlinter"]["root_packages"].split()
    for section in ("plugins", "plugins-unnamed", "plugins-apart"):
        named = re.findall(r"[\w.]+", contracts[f"importlinter:contract:{section}"]["layers"])
        assert plugin in named, section


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_is_declared_as_an_entry_point(plugin: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    targets = {target.split(":")[0].split(".")[0] for target in project["entry-points"]["vaultlike.auth"].values()}
    assert plugin in targets


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_pins_hashes_and_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE), "an option line"
    for requirement in re.findall(r"^[a-z0-9].*", text, re.MULTILINE | re.IGNORECASE):
        assert re.match(r"[\w.-]+==\S+( ; .+)? \\$", requirement), requirement


def test_the_dev_lock_holds_every_pin_of_the_runtime_lock() -> None:
    runtime, dev = (
        set(re.findall(r"^([\w.-]+==\S+)", (ROOT / lock).read_text(), re.MULTILINE))
        for lock in ("requirements.lock", "requirements-dev.lock")
    )
    assert runtime
    assert runtime <= dev


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "vaultlike" / "py.typed").exists()
