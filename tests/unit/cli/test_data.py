"""key=value words."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from vaultlike.cli import data
from vaultlike.cli.failures import UsageError


def parse(*words: str, stdin: str = "") -> dict[str, object]:
    return data.parse(words, data.Input(io.BytesIO(stdin.encode())))


@pytest.mark.parametrize(
    ("words", "stdin", "message"),
    [
        (("novalue",), "", 'invalid key/value pair "novalue": format must be key=value'),
        (("=x",), "", "format must be key=value"),
        (("a=-", "b=-"), "x", "stdin was already used"),
        (("-",), "[1]", "must hold a JSON object"),
        (("-",), "{", "is not JSON"),
        (("a=@/no/such/file",), "", "cannot read /no/such/file"),
    ],
)
def test_refused(words: tuple[str, ...], stdin: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(*words, stdin=stdin)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8"):
        parse(f"a=@{tmp_path / 'f'}")


def test_an_endless_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "MAX_INPUT", 10)
    with pytest.raises(UsageError, match="larger than"):
        parse("a=-", stdin="x" * 11)


def test_values_files_stdin_and_repeats(tmp_path: Path) -> None:
    file = tmp_path / "jwt"
    file.write_text("token\n")
    assert parse("a=1", "b=", "c=x=y", f"d=@{file}", "e=-", "a=2", "a=3", stdin="in\n") == {
        "a": ["1", "2", "3"],
        "b": "",
        "c": "x=y",
        "d": "token\n",
        "e": "in\n",
    }


def test_an_escaped_at_sign_is_text() -> None:
    assert parse(r"a=\@home") == {"a": "@home"}


def test_json_objects_from_file_and_stdin_keep_their_types(tmp_path: Path) -> None:
    file = tmp_path / "role.json"
    file.write_text('{"n": 12345678901234567890, "l": ["a"]}')
    assert parse(f"@{file}", "x=1") == {"n": 12345678901234567890, "l": ["a"], "x": "1"}
    assert parse("-", stdin='{"deep": {"k": null}}') == {"deep": {"k": None}}


def test_a_repeat_of_a_json_list_nests_it() -> None:
    assert parse("-", "l=b", stdin='{"l": ["a"]}') == {"l": [["a"], "b"]}
