"""Request bodies and queries as objects (spec/vault-api.md 1.4, 1.2)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from vaultlike.errors import BadJson
from vaultlike.json_problems import json_problem

MAX_DEPTH = 256  # nested lists and objects: what redacts or prints them recursively must have room
MAX_VALUES = 500_000  # members, elements, lists and objects: each costs up to 60 bytes of memory for 3 on the wire
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
FORM = "application/x-www-form-urlencoded"

_decoder = msgspec.json.Decoder()


def decode_body(body: bytes, content_type: str) -> dict[str, object]:
    """The object of a JSON (or form) body; an empty body and `null` are the empty object. Raises BadJson.

    JSON is read whatever the content type says, unless it says form and the body does not look like JSON.
    """
    if not body:
        return {}
    if content_type.startswith(FORM) and body[:1] not in (b"{", b"["):
        return _form(body)
    if len(body) > MAX_VALUES and _too_many(body):
        raise BadJson("failed to decode JSON input: too many values")
    try:
        value: Any = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise BadJson(f"failed to decode JSON input: {json_problem(body) or problem}") from None
    except RecursionError:
        raise BadJson("failed to decode JSON input: nested too deeply") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        kind = {list: "array", str: "string", bool: "bool"}.get(type(value), "number")
        text = f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
        raise BadJson(f"failed to decode JSON input: {text}")
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _too_deep(value):
        raise BadJson("failed to decode JSON input: nested too deeply")
    return value


def _too_many(body: bytes) -> bool:
    if _marks(body) <= MAX_VALUES:
        return False
    return _marks(_STRINGS.sub(b"", body)) > MAX_VALUES  # what stands within texts does not count


def _marks(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _too_deep(value: object) -> bool:
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        deeper: list[object] = []
        for item in level:
            if isinstance(item, dict):
                deeper += item.values()
            elif isinstance(item, list):
                deeper += item
        if not deeper:
            return False
        level = deeper
    return any(isinstance(item, (dict, list)) for item in level)


def _form(body: bytes) -> dict[str, object]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=10_000)
    except ValueError as problem:
        raise BadJson(f"failed to decode form input: {problem}") from None
    values: dict[str, list[str]] = {}
    for key, text in pairs:
        values.setdefault(key, []).append(text)
    return {key: ",".join(texts) for key, texts in values.items()}


def decode_query(query: str) -> dict[str, object]:
    """The query as data: one value is a text, several are a list; `help` is no data. Raises BadJson."""
    if not query:
        return {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=1000)
    except ValueError as problem:
        raise BadJson(f"failed to decode query: {problem}") from None
    values: dict[str, object] = {}
    for key, text in pairs:
        if key == "help":
            continue
        known = values.get(key)
        if known is None:
            values[key] = text
        else:
            values[key] = [*known, text] if isinstance(known, list) else [known, text]
    return values
