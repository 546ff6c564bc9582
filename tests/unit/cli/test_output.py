"""Tables, durations, YAML: the shapes that people and scripts know."""

from __future__ import annotations

import json

import pytest

from vaultlike.cli import output, yaml
from vaultlike.cli.answer import Answer
from vaultlike.cli.durations import readable, seconds


@pytest.mark.parametrize("text", ["", "x", "1x", "1h30", "1 h", "--1s", "1.h.", "h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("90", 90), ("010", 10), ("1h30m", 5400), ("1.5h", 5400), ("7d", 604800), ("-5s", -5), ("500ms", 0.5)],
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0s"),
        (59, "59s"),
        (60, "1m"),
        (90, "1m30s"),
        (3600, "1h"),
        (3601, "1h0m1s"),
        (2764800, "768h"),
        (-60, "-1m"),
    ],
)
def test_readable_durations(value: int, text: str) -> None:
    assert readable(value) == text


def test_a_data_table_shows_values_as_go_does() -> None:
    data = {
        "ttl": 2764800,
        "policies": ["default", "dev"],
        "meta": {"b": 1, "a": None},
        "on": True,
        "period": 0,
        "z": 1.5,
    }
    assert output.data_table(data) == "\n".join(
        (
            "Key         Value",
            "---         -----",
            "meta        map[a:<nil> b:1]",
            "on          true",
            "period      0s",
            "policies    [default dev]",
            "ttl         768h",
            "z           1.5",
        )
    )


def test_an_empty_cell_reads_not_available() -> None:
    assert (
        output.table(("Path", "Description"), [["a/", ""]]) == "Path    Description\n----    -----------\na/      n/a"
    )


def test_the_token_table() -> None:
    auth = {
        "client_token": "hvs.x",
        "accessor": "acc",
        "policies": ["default", "dev"],
        "token_policies": ["default"],
        "identity_policies": ["dev"],
        "metadata": {"username": "bob"},
        "lease_duration": 3600,
        "renewable": True,
    }
    lines = output.answer_table(
        Answer(200, json.dumps({"request_id": "r", "lease_id": "", "auth": auth}).encode())
    ).split("\n")
    assert lines[0].split() == ["Key", "Value"]
    assert lines[2:] == [
        "token                  hvs.x",
        "token_accessor         acc",
        "token_duration         1h",
        "token_renewable        true",
        'token_policies         ["default"]',
        'identity_policies      ["dev"]',
        'policies               ["default" "dev"]',
        "token_meta_username    bob",
    ]


def test_a_root_token_never_ends() -> None:
    body = {"request_id": "r", "lease_id": "", "auth": {"client_token": "t", "lease_duration": 0}}
    assert "token_duration       ∞" in output.answer_table(Answer(200, json.dumps(body).encode()))


def test_banners_have_equal_sides() -> None:
    assert output.banner("Data", 18) == "====== Data ======"
    assert output.banner("Secret Path", 15) == "= Secret Path ="
    assert output.banner("Metadata", 3) == "== Metadata =="


def test_an_answer_that_is_not_json_is_kept_raw() -> None:
    answer = Answer(200, b"<html>")
    assert answer.body == {}
    assert answer.raw == b"<html>"
    assert answer.empty


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "{}"),
        ([], "[]"),
        (None, "null"),
        ({"a": "yes"}, 'a: "yes"'),
        ({"a": "null"}, 'a: "null"'),
        ({"a": "1"}, 'a: "1"'),
        ({"a": ""}, 'a: ""'),
        ({"a": "- x"}, 'a: "- x"'),
        ({"a": "k: v"}, 'a: "k: v"'),
        ({"a": "x #y"}, 'a: "x #y"'),
        ({"a": "\x1b"}, 'a: "\\u001b"'),
        ({"b": 1, "a": True}, "a: true\nb: 1"),
        ({"l": ["x", {"k": 1, "m": []}]}, "l:\n- x\n- k: 1\n  m: []"),
        ({"m": {"k": {"d": None}}}, "m:\n  k:\n    d: null"),
        ({"t": "a\nb\n"}, "t: |\n  a\n  b"),
        ({"t": "a\n\nb"}, "t: |-\n  a\n\n  b"),
        ({"t": " a\nb"}, 't: " a\\nb"'),
        ([["a"], "b"], "- - a\n- b"),
    ],
)
def test_yaml(value: object, text: str) -> None:
    assert yaml.dump(value) == text
