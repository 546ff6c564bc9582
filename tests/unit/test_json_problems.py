"""The texts for what is no JSON; what is JSON has none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultlike.json_problems import MAX_TEXT, json_problem

CASES = {
    b"": "EOF",
    b"  ": "EOF",
    b"{": "unexpected EOF",
    b'{"a': "unexpected EOF",
    b'{"a":': "unexpected EOF",
    b'{"a": nu': "unexpected EOF",
    b'{"a": 1.': "unexpected EOF",
    b"[1,": "unexpected EOF",
    b"not json": "invalid character 'o' in literal null (expecting 'u')",
    b'{"a": trve}': "invalid character 'v' in literal true (expecting 'u')",
    b"hello": "invalid character 'h' looking for beginning of value",
    b"{a: 1}": "invalid character 'a' looking for beginning of object key string",
    b'{"a": 1,}': "invalid character '}' looking for beginning of object key string",
    b'{"a" 1}': "invalid character '1' after object key",
    b'{"a": 1 "b"}': "invalid character '\"' after object key:value pair",
    b'{"a": [1 2]}': "invalid character '2' after array element",
    b"[1,]": "invalid character ']' looking for beginning of value",
    b"{'a': 1}": "invalid character '\\'' looking for beginning of object key string",
    b'"a\nb"': "invalid character '\\n' in string literal",
    b'"\\x"': "invalid character 'x' in string escape code",
    b'"\\u12g4"': "invalid character 'g' in \\u hexadecimal character escape",
    b"-a": "invalid character 'a' in numeric literal",
    b"1.a": "invalid character 'a' after decimal point in numeric literal",
    b"1e+a": "invalid character 'a' in exponent of numeric literal",
    b"[01]": "invalid character '1' after array element",
    b"\x00": "invalid character '\\x00' looking for beginning of value",
}


@pytest.mark.parametrize("body", CASES)
def test_problems(body: bytes) -> None:
    assert json_problem(body) == CASES[body]


def test_what_lies_far_behind_is_not_looked_for() -> None:
    assert json_problem(b"[" * MAX_TEXT + b"x") is None
    assert json_problem(b"[" * MAX_TEXT) == "unexpected EOF"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(JSON, st.booleans())
def test_json_has_no_problem_and_its_beginnings_only_end_too_early(value: object, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert json_problem(body) is None
    if body[:1] in (b"{", b"[", b'"'):
        assert {json_problem(body[:length]) for length in range(1, min(len(body), 50))} <= {"unexpected EOF"}


@given(st.binary(max_size=20) | st.text(alphabet='{}[]",:\\ue+-.01truefalsn \n', max_size=20).map(str.encode))
def test_anything_is_answered(body: bytes) -> None:
    problem = json_problem(body)
    if problem is not None:
        with pytest.raises(ValueError):
            json.loads(body)
