"""Bodies and queries read into Structs; what does not fit is told as the second API does: 422 with issues."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import unquote_plus

import msgspec
from msgspec import Struct

from vaultlike.errors import BadJson
from vaultlike.http.body import FORM, decode_body
from vaultlike.http.infisical.errors import Unprocessable

S = TypeVar("S", bound=Struct)
MAX_FIELDS = 1000
_EXPECTED = re.compile(r"Expected `([^`]+)`(?:, got `([^`]+)`)?")
_WHERE = re.compile(r" - at `\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_ABSENT = {"code": "invalid_type", "expected": "string", "received": "undefined", "message": "Required"}
_NAMES = {"str": "string", "int": "number", "float": "number", "bool": "boolean", "null": "null"}


def read_body(body: bytes, content_type: str) -> dict[str, object]:
    """The object of a JSON or form body; `{}` for an empty one. Raises BadJson. Values of a form are texts."""
    kind = content_type.strip().lower()
    if kind.startswith(FORM):
        return _pairs(body.decode("utf-8", "strict") if body.isascii() or _utf8(body) else "")
    return decode_body(body, "")


def read_query(query: str) -> dict[str, object]:
    """The query as texts; the last of equal names counts."""
    return _pairs(query)


def _utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        raise BadJson("the form is not UTF-8") from None
    return True


def _pairs(text: str) -> dict[str, object]:
    if text.count("&") >= MAX_FIELDS:
        raise BadJson("the form or query has too many fields")
    found: dict[str, object] = {}
    for pair in text.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            found[_plain(name)] = _plain(value)
    return found


def _plain(text: str) -> str:
    """A name or value of a form; most are plain already."""
    return unquote_plus(text) if "%" in text or "+" in text else text


def parse(kind: type[S], data: Mapping[str, object], *, lax: bool = False) -> S:
    """`data` as a Struct; unknown names are ignored. `lax`: texts count as numbers and booleans too (queries).

    A null where none can be, and nothing need be, counts as not sent: some clients send all that they know of.
    Raises Unprocessable with everything that is missing, or the first value that does not fit.
    """
    try:
        return msgspec.convert(data, kind, strict=not lax)
    except msgspec.ValidationError as problem:
        required = {info.encode_name for info in msgspec.structs.fields(kind) if info.required}
        said = {name: value for name, value in data.items() if value is not None or name in required}
        if len(said) < len(data):
            return parse(kind, said, lax=lax)
        missing: list[dict[str, object]] = [
            {**_ABSENT, "path": [info.encode_name]}
            for info in msgspec.structs.fields(kind)
            if info.required and info.encode_name not in data
        ]
        raise Unprocessable(missing or [_issue(str(problem))]) from None


def _issue(text: str) -> dict[str, object]:
    where = _WHERE.search(text)
    path: list[object] = []
    if where is not None:
        path = [int(index) if index.isdigit() else name or index for name, index in _STEP.findall(where[1])]
        text = text[: where.start()]
    found = _EXPECTED.match(text)
    if found is None or found[2] is None:
        return {"code": "custom", "path": path, "message": text}
    expected, received = (_NAMES.get(each.split(" ")[0], each) for each in (found[1], found[2]))
    message = f"Expected {expected}, received {received}"
    return {"code": "invalid_type", "expected": expected, "received": received, "path": path, "message": message}
