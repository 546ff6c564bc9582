"""The words of the server's command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from vaultlike.server.flags import BadFlags, Flags, parse_flags


@pytest.mark.parametrize(
    "words",
    [
        ["-"],
        ["--"],
        ["word"],
        ["-devv"],
        ["-config"],
        ["-workers=-1"],
        ["-workers=1e3"],
        ["-dev=2"],
        ["-dev_tls"],
        ["-="],
    ],
)
def test_bad_words_are_refused(words: list[str]) -> None:
    with pytest.raises(BadFlags):
        parse_flags(words)


def test_a_near_miss_is_named() -> None:
    with pytest.raises(BadFlags, match="did you mean -dev-listen-address"):
        parse_flags(["-dev-listen-adress=x"])


def test_every_form_of_a_flag() -> None:
    words = ["-dev", "--dev-tls=false", "-config", "a", "-config=b=c", "--workers", "3", "-dev-azure=T", "-h"]
    assert parse_flags(words) == Flags(
        dev=True, dev_tls=False, config=["a", "b=c"], workers=3, dev_azure=True, help=True
    )


def test_two_calls_share_nothing() -> None:
    assert parse_flags(["-config=a"]).config == ["a"]
    assert parse_flags([]).config == []


def test_the_commands_of_the_systemd_unit_are_understood() -> None:
    unit = (Path(__file__).parents[3] / "config" / "vaultlike.service").read_text()
    commands = [line.partition("=")[2].split() for line in unit.splitlines() if line.startswith("Exec")]
    flags = [parse_flags(words[2:]) for words in commands if words[1] == "server"]
    assert [(each.config, each.test) for each in flags] == [
        (["/etc/vaultlike/config.hcl"], True),
        (["/etc/vaultlike/config.hcl"], False),
    ]
