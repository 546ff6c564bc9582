"""Dispatch, help pages, the generated reference, and what start-up may import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vaultlike.cli import reference
from vaultlike.cli.commands import elsewhere
from vaultlike.cli.failures import CommandError
from vaultlike.cli.help import described, spelled
from vaultlike.cli.login import METHODS
from vaultlike.cli.main import find
from vaultlike.cli.options import GLOBAL_FLAGS
from vaultlike.cli.registry import COMMANDS, GROUPS
from vaultlike.cli.session import Session

from .conftest import Cli


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("raed", "x"), 'Did you mean "read"?'),
        (("auth", "enabel"), 'Did you mean "auth enable"?'),
        (("frobnicate",), 'Unknown command "frobnicate".'),
        (("kv", "metadata", "gett"), 'Did you mean "kv metadata get"?'),
        ((), "Usage: vaultlike <command>"),
        (("operator",), "Usage: vaultlike operator <subcommand>"),
    ],
)
def test_what_is_no_command(cli: Cli, words: tuple[str, ...], message: str) -> None:
    result = cli(*words)
    whole = bool(words) and words[0] in ("raed", "frobnicate")  # no command at all, as a shell says it
    assert (result.code, result.out) == (127 if whole else 1, "")
    assert message in result.err


@pytest.mark.parametrize("words", [("-h",), ("--help",), ("-help",), ("help",)])
def test_the_overview_names_everything(cli: Cli, words: tuple[str, ...]) -> None:
    result = cli(*words)
    assert result.code == 0
    for name in (*(name for name in COMMANDS if " " not in name), *(name for name in GROUPS if " " not in name)):
        assert f"    {name} " in result.out


@pytest.mark.parametrize("name", [name for name in COMMANDS if not find(name).passthrough])
def test_every_command_has_a_page_with_all_its_flags(cli: Cli, name: str) -> None:
    result = cli(*name.split(), "-h")
    command = find(name)
    assert result.code == 0
    assert result.out.startswith(f"Usage: vaultlike {name}")
    assert command.about.split("\n")[0] in result.out
    for flag in (*command.flags, *(GLOBAL_FLAGS if command.remote else ())):
        assert spelled(flag) in result.out
    assert cli("help", *name.split()).out == result.out


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_has_a_page(cli: Cli, group: str) -> None:
    result = cli(*group.split(), "-h")
    assert result.code == 0
    for name in COMMANDS:
        if name.startswith(group + " "):
            assert name[len(group) + 1 :] in result.out


def test_every_group_of_a_command_is_declared() -> None:
    assert {name.rsplit(" ", 1)[0] for name in COMMANDS if " " in name} == set(GROUPS)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_flag_is_declared_twice(name: str) -> None:
    flags = (*find(name).flags, *GLOBAL_FLAGS)
    spellings = [spelling for flag in flags for spelling in (flag.name, *flag.aliases)]
    assert len(spellings) == len(set(spellings))


def test_the_reference_is_complete() -> None:
    text = reference.markdown()
    for name, entry in COMMANDS.items():
        assert f"\n### {name}\n" in text
        assert entry.summary in text
        for flag in find(name).flags:
            assert f"| `{spelled(flag)}` | {described(flag)} |" in text
    for flag in GLOBAL_FLAGS:
        assert f"| `{spelled(flag)}` |" in text
    for method in METHODS:
        assert f"\n### login with {method}\n" in text


def test_the_document_is_current() -> None:
    document = Path(__file__).parents[3] / "docs" / "cli.md"
    assert document.read_text() == reference.markdown(), "run: python -m vaultlike.cli.reference > docs/cli.md"


def test_a_part_that_is_not_installed_says_so(session: Session) -> None:
    with pytest.raises(CommandError, match="does not contain"):
        elsewhere.handing_over_to("vaultlike.no_such_part.command")(session)


def imported(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('IMPORTED', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split("IMPORTED")[-1].split())


def test_help_and_usage_errors_import_nothing_heavy() -> None:
    names = imported("from vaultlike.cli.main import main; main(['--help']); main(['raed'])")
    assert not names & {"ssl", "http.client", "json", "aiohttp", "msgspec", "email", "asyncio", "vaultlike.cli.client"}


def test_a_command_imports_only_the_standard_library() -> None:
    code = "from vaultlike.cli.main import main; main(['read', '-address=http://127.0.0.1:1', 'a/b'])"
    names = imported("import os; os.environ['VAULT_MAX_RETRIES'] = '0'\n" + code)
    assert "http.client" in names
    assert not names & {"aiohttp", "msgspec", "cryptography", "asyncio", "yaml", "dataclasses", "importlib.metadata"}
    commands = {name for name in names if name.startswith("vaultlike.cli.commands.")}
    assert commands == {"vaultlike.cli.commands.logical"}


def test_python_dash_m_is_the_same_program() -> None:
    done = subprocess.run([sys.executable, "-m", "vaultlike", "-version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.startswith("vaultlike v")) == (0, True)
