"""The conversion table of spec/vault-api.md 1.10 and 1.11, with the recorded texts of misfits."""

from __future__ import annotations

import re
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Meta, Struct, UnsetType

from vaultlike.errors import FieldInvalid, Invalid
from vaultlike.sdk.conversion import go_text
from vaultlike.sdk.fields import fields_of
from vaultlike.types import (
    NO_SECRET,
    Anything,
    Cidrs,
    Duration,
    Integers,
    Kind,
    LowerText,
    Names,
    Object,
    Pairs,
    Secret,
    SignedDuration,
    Strings,
)


class Sample(Struct, kw_only=True):
    """One field of each wire type."""

    text: Annotated[str, Meta(description="A text.")] = ""
    lower: LowerText = ""
    number: int = 0
    ratio: float = 0.0
    flag: bool = False
    names: Names = ()
    strings: Strings = ()
    numbers: Integers = ()
    pairs: Pairs = {}
    maybe: Pairs | UnsetType = UNSET
    nullable: Pairs | None = None
    table: Object = {}
    any: Anything = None
    cidrs: Cidrs = ()
    span: Duration = 0
    signed: SignedDuration = 0
    at: Annotated[float, Kind("time")] = 0.0
    secret: Secret = NO_SECRET


FIELDS = fields_of(Sample)


def one(name: str, value: object) -> Any:
    return getattr(FIELDS.convert({name: value}), name)


STRING, INT, BOOL = "expected type 'string', got unconvertible type", "strconv.ParseInt: invalid syntax", "'bool'"
REFUSED: list[tuple[str, object, str]] = [
    ("text", ["a"], f"'' {STRING} '[]interface {{}}'"),
    ("text", {"a": 1}, f"'' {STRING} 'map[string]interface {{}}'"),
    ("number", "many", f"'' cannot parse value as 'int': {INT}"),
    ("number", 1.5, f"'' cannot parse value as 'int': {INT}"),
    ("number", 2.0, f"'' cannot parse value as 'int': {INT}"),
    ("number", " 5", INT),
    ("number", "٣", INT),
    ("number", "1e1", INT),
    ("number", "9" * 41, INT),
    ("number", 2**63, "value out of range"),
    ("number", -(2**63) - 1, "value out of range"),
    ("number", "0x8000000000000000", "value out of range"),
    ("number", [1], "'' expected type 'int', got unconvertible type '[]interface {}'"),
    ("ratio", "fast", "'' cannot parse value as 'float64': strconv.ParseFloat: invalid syntax"),
    ("ratio", "nan", "'float64'"),
    ("ratio", "inf", "'float64'"),
    ("ratio", " 1", "'float64'"),
    ("ratio", 10**400, "'float64'"),
    ("ratio", {}, "'' expected type 'float64', got unconvertible type 'map[string]interface {}'"),
    ("flag", "perhaps", "'' cannot parse value as 'bool': strconv.ParseBool: invalid syntax"),
    ("flag", "tRUE", BOOL),
    ("flag", "yes", BOOL),
    ("flag", 2, BOOL),
    ("flag", -1, BOOL),
    ("flag", 1.0, BOOL),
    ("flag", [], "'' expected type 'bool', got unconvertible type '[]interface {}'"),
    ("names", {"a": 1}, f"1 error(s) decoding:\n\n* '[0]' {STRING} 'map[string]interface {{}}', value: 'map[a:1]'"),
    ("names", ["a", ["b"]], f"1 error(s) decoding:\n\n* '[1]' {STRING} '[]interface {{}}', value: '[b]'"),
    (
        "strings",
        {"a": "b"},
        f"decoding failed due to the following error(s):\n\n'[0]' {STRING} 'map[string]interface {{}}'",
    ),
    ("numbers", "1,x", "decoding failed due to the following error(s):\n\n'[1]' cannot parse value as 'int'"),
    ("numbers", [1.5], "'[0]' cannot parse value as 'int'"),
    ("pairs", "nothing", 'invalid key pair "nothing"'),
    ("pairs", ["a=1", "b"], 'invalid key pair "b"'),
    ("pairs", "", 'invalid key pair ""'),
    ("pairs", "=a", 'invalid key pair "=a"'),
    ("pairs", '{"a"', r'invalid key pair "{\"a\""'),
    ("pairs", [["a=1"]], f"'[0]' {STRING} '[]interface {{}}'"),
    (
        "pairs",
        {"k": {"deep": 1}},
        f"decoding failed due to the following error(s):\n\n'[0]' {STRING} 'map[string]interface {{}}'",
    ),
    ("table", "{}", "'' expected type 'map[string]interface {}', got unconvertible type 'string'"),
    ("numbers", "1, 2", "'[1]' cannot parse value as 'int'"),
    ("table", [None, "a"], "'[1]' expected type"),
    ("table", ["a"], "'[0]' expected type 'map[string]interface {}', got unconvertible type 'string'"),
    ("span", -1, "cannot provide negative value '-1'"),
    ("span", "-1h", "cannot provide negative value '-3600'"),
    ("span", "soon", 'time: invalid duration "soon"'),
    ("span", 3600.0, 'time: missing unit in duration "3600.0"'),
    ("span", "1h 30m", 'time: unknown unit "h " in duration "1h 30m"'),
    ("span", [1], "could not parse duration"),
    ("signed", "later", 'time: invalid duration "later"'),
    ("at", "2026-01-01", "could not parse string as date and time"),
    ("at", True, "could not parse time from input type"),
    ("at", [1], "could not parse time from input type"),
    ("at", "2026-01-01T00:00:00", "could not parse "),
    ("at", True, "could not parse "),
    ("at", [1], "could not parse "),
    ("at", 10**400, "could not parse "),
]


@pytest.mark.parametrize(("name", "value", "problem"), REFUSED)
def test_what_does_not_fit_is_refused_by_name(name: str, value: object, problem: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        one(name, value)
    (text,) = refused.value.messages
    assert text.startswith(f'Field validation failed: error converting input for field "{name}": ')
    assert problem in text


@pytest.mark.parametrize("value", ["localhost", ["10.0.0.0/33"], "10", "10.0.0.0/8,"])
def test_what_is_no_address_is_told_without_the_name_of_its_field(value: object) -> None:
    with pytest.raises(FieldInvalid) as refused:
        one("cidrs", value)
    (text,) = refused.value.messages
    assert re.fullmatch(r'error parsing address "(.*)": Unable to convert "\1" to an IPv4 .*, or a UNIX Socket', text)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("text", "a", "a"),
        ("text", 7, "7"),
        ("text", True, "1"),
        ("text", False, "0"),
        ("text", None, ""),
        ("lower", "MiXed", "mixed"),
        ("number", 7, 7),
        ("number", "7", 7),
        ("number", "0x1F", 31),
        ("number", "-0b11", -3),
        ("number", "017", 15),
        ("number", "0", 0),
        ("number", "", 0),
        ("number", None, 0),
        ("number", True, 1),
        ("ratio", "1.5", 1.5),
        ("ratio", 2, 2.0),
        ("ratio", None, 0.0),
        ("flag", "t", True),
        ("flag", "FALSE", False),
        ("flag", 0, False),
        ("flag", 1, True),
        ("flag", "", False),
        ("flag", None, False),
        ("names", "a, b ,a", ("a", "b", "a")),
        ("names", ["a ", "", True, 7], ("a", "", "1", "7")),
        ("names", '["a"]', ('["a"]',)),
        ("names", "", ()),
        ("names", {}, ()),
        ("names", None, ()),
        ("strings", "a,b", ("a,b",)),
        ("strings", ["a", 7], ("a", "7")),
        ("strings", 7, ("7",)),
        ("strings", [], ()),
        ("strings", {}, ()),
        ("strings", " a ", ("a",)),
        ("numbers", "1,0x2", (1, 2)),
        ("numbers", {}, ()),
        ("numbers", [1, "2"], (1, 2)),
        ("numbers", None, ()),
        ("pairs", {"a": 1, "b": True}, {"a": "1", "b": "1"}),
        ("pairs", ["a=1", "b=x=y"], {"a": "1", "b": "x=y"}),
        ("pairs", "k=v", {"k": "v"}),
        ("pairs", {}, {}),
        ("pairs", [None], {}),
        ("pairs", " a = b ", {" a ": " b "}),
        ("nullable", None, None),
        ("nullable", {}, {}),
        ("maybe", None, {}),
        ("table", {"a": [1]}, {"a": [1]}),
        ("table", [{"a": 1}, {"b": 2}], {"a": 1, "b": 2}),
        ("table", None, {}),
        ("table", [None], {}),
        ("any", [{"a": None}], [{"a": None}]),
        ("cidrs", "10.1.2.3", ("10.1.2.3",)),
        ("cidrs", ["10.1.2.3/32", "::1/128"], ("10.1.2.3", "::1")),
        ("cidrs", "10.1.2.3/8, ::/0, 2001:DB8::0:1/64", ("10.1.2.3/8", "::/0", "2001:db8::1/64")),
        ("span", 3600, 3600),
        ("span", "010", 10),
        ("span", "1h30m", 5400),
        ("span", "7d", 604_800),
        ("span", "", 0),
        ("span", "1.9s", 1),
        ("signed", "-1h", -3600),
        ("at", "2026-01-01T00:00:00Z", 1_767_225_600.0),
        ("at", "2026-01-01T01:00:00+01:00", 1_767_225_600.0),
        ("at", 12, 12.0),
        ("secret", "s3cret", Secret("s3cret")),
    ],
)
def test_lenient_conversion(name: str, value: object, expected: object) -> None:
    assert one(name, value) == expected


def test_null_is_absent_for_durations_and_zero_for_the_rest() -> None:
    given = FIELDS.given({"span": None, "signed": None, "names": None, "flag": None})
    assert given == {"names": (), "flag": False}


def test_zeros_and_empty_lists_are_given() -> None:
    assert FIELDS.given({"names": [], "span": 0}) == {"names": (), "span": 0}


def test_unknown_names_are_sorted() -> None:
    assert FIELDS.unknown({"z": 1, "text": "a", "b": 2}) == ["b", "z"]


def test_a_secret_is_neither_quoted_in_a_refusal_nor_shown() -> None:
    text = 'error converting input {value} for field "{field}": {problem}'
    with pytest.raises(FieldInvalid) as refused:
        FIELDS.given({"secret": ["hunter2"]}, text)
    assert "hunter2" not in str(refused.value) + str(refused.value.messages)
    assert "hunter2" not in repr(Sample(secret=Secret("hunter2")))
    assert "secret" not in FIELDS.wire(Sample(secret=Secret("hunter2")))


def test_the_older_wording_quotes_the_value() -> None:
    text = 'error converting input {value} for field "{field}": {problem}'
    with pytest.raises(FieldInvalid) as refused:
        FIELDS.given({"number": "many"}, text)
    assert refused.value.messages == (
        "error converting input many for field \"number\": cannot parse '' as int: strconv.ParseInt: "
        'parsing "many": invalid syntax',
    )


def test_wire_leaves_out_what_was_never_set() -> None:
    assert "maybe" not in FIELDS.wire(Sample())
    assert FIELDS.wire(Sample(maybe={}))["maybe"] == {}


def test_a_required_field_is_asked_for() -> None:
    class Needs(Struct):
        name: str

    with pytest.raises(FieldInvalid, match="missing required field 'name'"):
        fields_of(Needs).convert({})


def test_a_type_that_is_no_wire_type_is_a_declaration_error() -> None:
    class Wrong(Struct):
        what: complex = 0j

    with pytest.raises(TypeError, match="what"):
        fields_of(Wrong)


def test_go_text_prints_as_go_does() -> None:
    assert go_text({"b": [1, True], "a": "x"}) == "map[a:x b:[1 true]]"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(FIELDS.fields)), json_values)
def test_any_json_value_converts_or_is_refused(name: str, value: object) -> None:
    try:
        first = one(name, value)
    except Invalid as refused:
        assert refused.status == 400
    else:
        assert one(name, value) == first


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.text(max_size=30))
def test_names_read_back_as_they_were_read(text: str) -> None:
    names = one("names", text)
    assert one("names", list(names)) == names
