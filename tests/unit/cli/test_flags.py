"""Go's flag notation: what is refused, then what is understood."""

from __future__ import annotations

import pytest

from vaultlike.cli.failures import UsageError
from vaultlike.cli.flags import Flag, parse

DECLARED = (
    Flag("ttl", "", "duration"),
    Flag("force", "", "bool", aliases=("f",)),
    Flag("count", "", "int"),
    Flag("policy", "", "list"),
    Flag("meta", "", "pairs"),
    Flag("address", "", default="https://here", env=("VAULT_ADDR", "BAO_ADDR")),
)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-nosuch"], "flag provided but not defined: -nosuch"),
        (["-forse"], "did you mean -force?"),
        (["-ttl"], "flag needs an argument: -ttl"),
        (["-ttl=soon"], 'invalid value "soon" for flag -ttl'),
        (["-ttl=1d12"], "invalid duration"),
        (["-force=maybe"], 'invalid boolean value "maybe" for -force'),
        (["-count=three"], "not a whole number"),
    ],
)
def test_refused(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        parse(words, DECLARED, {})


@pytest.mark.parametrize("item", ["novalue", "=x"])
def test_a_pair_needs_key_and_sign(item: str) -> None:
    flags, _ = parse([f"-meta={item}"], DECLARED, {})
    with pytest.raises(UsageError, match="must be key=value"):
        flags.pairs("meta")


def test_one_dash_two_dashes_equals_and_blank() -> None:
    flags, args = parse(["-ttl", "1h30m", "--count=7", "-f", "--policy=a", "-policy", "b", "path"], DECLARED, {})
    assert (flags.seconds("ttl"), flags.number("count"), flags.on("force")) == (5400.0, 7, True)
    assert (flags.items("policy"), args) == (["a", "b"], ["path"])


def test_flags_after_arguments_count_only_when_they_are_declared() -> None:
    flags, args = parse(["path", "-force", "-5", "key=-", "-", "-unknown=1"], DECLARED, {})
    assert flags.on("force")
    assert args == ["path", "-5", "key=-", "-", "-unknown=1"]


def test_two_dashes_end_the_flags() -> None:
    flags, args = parse(["--", "-force"], DECLARED, {})
    assert not flags.on("force")
    assert args == ["-force"]


def test_command_line_beats_environment_beats_default() -> None:
    assert parse([], DECLARED, {})[0].text("address") == "https://here"
    assert parse([], DECLARED, {"BAO_ADDR": "b"})[0].text("address") == "b"
    assert parse([], DECLARED, {"BAO_ADDR": "b", "VAULT_ADDR": "v"})[0].text("address") == "v"
    flags, _ = parse(["-address=c"], DECLARED, {"VAULT_ADDR": "v"})
    assert flags.text("address") == "c"
    assert flags.given("address")


def test_a_boolean_can_be_switched_off() -> None:
    flags, _ = parse(["-force=false"], DECLARED, {})
    assert not flags.on("force")
