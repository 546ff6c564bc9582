"""Bodies and queries: spec/vault-api.md 1.2 and 1.4."""

from __future__ import annotations

import pytest

from vaultlike.errors import BadJson
from vaultlike.http.body import FORM, MAX_DEPTH, decode_body, decode_query


def nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize(
    "body",
    [
        b"[1]",
        b'"x"',
        b"1",
        b"true",
        b"{",
        b'{"a":1}x',
        b"\xff\xfe",
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b'{"a":NaN}',
        b'{"a":1e400}',
        b'{"a":' + b"9" * 5000 + b"}",
        b"\xef\xbb\xbf{}",
        nested(MAX_DEPTH + 1),
        nested(5000),
        b'{"a":' * 300 + b"1" + b"}" * 300,
    ],
)
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadJson):
        decode_body(body, "application/json")


@pytest.mark.parametrize(
    ("body", "content_type", "data"),
    [
        (b"", "", {}),
        (b"null", "", {}),
        (b"{}", "text/plain", {}),
        (b'{"a":10}', "", {"a": 10}),
        (b'{"a":123456789012345678901234567890}', "", {"a": 123456789012345678901234567890}),
        (b'{"a":1.0}', "", {"a": 1.0}),
        (b'{"a":1}', FORM, {"a": 1}),
        (b"a=1&b=x%20y&a=2", FORM, {"a": "1,2", "b": "x y"}),
        (b"a=", f"{FORM}; charset=utf-8", {"a": ""}),
    ],
)
def test_bodies(body: bytes, content_type: str, data: dict[str, object]) -> None:
    assert decode_body(body, content_type) == data


def test_the_deepest_and_a_wide_body_are_fine() -> None:
    assert decode_body(nested(MAX_DEPTH), "")
    wide = b'{"a":[' + b",".join([b"{}"] * 10_000) + b"]}"
    assert len(decode_body(wide, "")["a"]) == 10_000  # type: ignore[arg-type]


def test_a_form_has_a_bounded_number_of_fields_and_no_quadratic_cost() -> None:
    with pytest.raises(BadJson):
        decode_body(b"&".join(b"a=1" for _ in range(10_001)), FORM)
    body = b"&".join(b"a=" + b"x" * 3000 for _ in range(10_000))
    assert len(str(decode_body(body, FORM)["a"])) == 10_000 * 3001 - 1


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=1&a=2&a=3", {"a": ["1", "2", "3"]}),
        ("help=1&list=false", {"list": "false"}),
        ("a=&b", {"a": "", "b": ""}),
    ],
)
def test_queries(query: str, data: dict[str, object]) -> None:
    assert decode_query(query) == data


def test_a_query_has_a_bounded_number_of_fields() -> None:
    with pytest.raises(BadJson):
        decode_query("&".join("a=1" for _ in range(1001)))
