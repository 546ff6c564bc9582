"""The documentation is true: generated pages are current, links lead somewhere, commands and tests it names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vaultlike.cli import reference
from vaultlike.testing import apidocs

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
AGAIN = "run: make docs"


async def test_the_pages_of_the_api_are_current() -> None:
    made = await apidocs.pages()
    committed = {path.name: path.read_text() for path in (ROOT / "docs" / "api").glob("*.md")}
    assert sorted(made) == sorted(committed), AGAIN
    for name, text in made.items():
        assert committed[name] == text, f"docs/api/{name} is not what the declarations say; {AGAIN}"


async def test_no_path_and_no_field_lacks_a_description() -> None:
    bare = []
    for name, text in (await apidocs.pages()).items():
        place, described = "", 0
        for line in text.splitlines():
            cells = [cell.strip() for cell in line.split("|")]
            if line.startswith("### "):
                place, described = line, 2  # the table of verbs: the summary is its second column
            elif line.startswith("| Field |"):
                described = 3
            elif line.startswith("| `") and not cells[described]:
                bare.append(f"{name} {place}: {line}")
    assert bare == []


def test_links_lead_somewhere() -> None:
    broken = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)} -> {target}")
    assert broken == []


def test_files_that_are_named_exist() -> None:
    missing = []
    for page in PAGES:
        if page.parent.name in ("api", "adr"):
            continue
        for name in re.findall(r"`((?:tests|examples|vaultlike|plugins|docs|config)/[\w./-]+)", page.read_text()):
            if not (ROOT / name.rstrip("./")).exists():
                missing.append(f"{page.relative_to(ROOT)}: {name}")
    assert missing == []


def test_tests_that_are_named_exist() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text()
    named = re.findall(r"`(tests/[\w./]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 10
    for file, test in named:
        assert (ROOT / file).exists(), file
        if test:
            assert re.search(rf"(def|class) {test}\b", (ROOT / file).read_text()), f"{file} has no {test}"


def test_commands_that_are_shown_exist() -> None:
    known = reference.markdown()
    for page in PAGES:
        for line in re.findall(r"^ {4}(?:\$ )?vaultlike ([a-z-]+(?: [a-z-]+)?)", page.read_text(), re.M):
            first = line.split()[0]
            assert f"### {line}\n" in known or f"### {first}\n" in known, f"{page.name}: vaultlike {line}"


@pytest.mark.parametrize("make", ["demo", "test", "setup", "docs", "bench", "example-go", "compat-hvac"])
def test_targets_that_are_named_exist(make: str) -> None:
    assert f"\n{make}:" in (ROOT / "Makefile").read_text()
