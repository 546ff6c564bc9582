"""The words of the server's command line."""

from __future__ import annotations

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
