"""Answers as text: tables in the shape people know, JSON, single fields. Pure functions: nothing is printed here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from vaultlike.cli.answer import Answer
from vaultlike.cli.durations import readable
from vaultlike.cli.shapes import Json, as_int, as_map, as_text

_GAP = "    "


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns padded to their widest cell, under an underlined header."""
    lines = [list(header), ["-" * len(name) for name in header], *(list(row) for row in rows)]
    return columns(lines)


def columns(lines: Sequence[Sequence[str]]) -> str:
    """Columns without a header. Empty cells read `n/a`."""
    filled = [[cell if cell else "n/a" for cell in line] for line in lines]
    widths = [max(len(line[at]) for line in filled) for at in range(len(filled[0]) - 1)] if filled else []
    return "\n".join(
        _GAP.join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]])
        for line in filled
    )


def value_text(value: object) -> str:
    """A value in one cell: `[a b]`, `map[k:v]`, `<nil>`, `true`."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + " ".join(value_text(item) for item in value) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{value_text(value[key])}" for key in sorted(value)) + "]"
    return str(value)


def data_rows(data: Mapping[str, object]) -> list[list[str]]:
    """Sorted key and value cells; numbers whose key names a duration are shown as one."""
    return [[key, _cell(key, data[key])] for key in sorted(data)]


def data_table(data: Mapping[str, object]) -> str:
    return table(("Key", "Value"), data_rows(data))


def titled(title: str, data: Mapping[str, object]) -> str:
    """A data table under a heading of equal signs as wide as its longest key and `Value`."""
    return f"{banner(title, max(map(len, data), default=0) + 9)}\n{data_table(data)}"


def banner(title: str, width: int) -> str:
    """`=== title ===`, about `width` wide, with the same number of signs on both sides."""
    signs = width - len(title) - 2
    side = "=" * ((signs + 1) // 2 if signs > 0 else 2)
    return f"{side} {title} {side}"


def answer_table(answer: Answer) -> str:
    """The `Key / Value` table of a secret: lease, token, wrapping token and data; empty when there is none."""
    rows = [*_lease_rows(answer), *_auth_rows(answer.auth), *_wrap_rows(answer.wrap_info), *data_rows(answer.content)]
    return table(("Key", "Value"), rows) if rows else ""


def key_list(keys: Iterable[str]) -> str:
    return table(("Keys",), ([key] for key in keys))


def to_json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def field(answer: Answer, name: str) -> tuple[bool, object]:
    """Whether an answer has the field, and its value. Token and wrapping fields have names of their own."""
    if name == "data":
        return answer.data is not None, answer.data
    special = {row[0].rstrip(":"): row[1] for row in (*_auth_rows(answer.auth), *_wrap_rows(answer.wrap_info))}
    if answer.auth and name in _AUTH_LISTS:
        return True, answer.auth.get(name)
    if name in special:
        return True, special[name]
    if name in ("lease_id", "lease_duration", "renewable") and answer.lease_id:
        return True, getattr(answer, name)
    return name in answer.content, answer.content.get(name)


def warnings_text(warnings: Sequence[str]) -> str:
    """The block that goes to stderr."""
    import textwrap

    listed = "\n\n".join(textwrap.fill(text, 78, initial_indent="  * ", subsequent_indent="    ") for text in warnings)
    return f"WARNING! The following warnings were returned from the server:\n\n{listed}\n"


_AUTH_LISTS = ("token_policies", "identity_policies", "policies")


def _looks_like_duration(key: str) -> bool:
    return key in ("period", "ttl", "lease_max") or key.endswith(("_period", "_ttl", "_duration"))


def _cell(key: str, value: object) -> str:
    if _looks_like_duration(key) and isinstance(value, int) and not isinstance(value, bool):
        return readable(value)
    return value_text(value)


def _lease_rows(answer: Answer) -> list[list[str]]:
    if answer.lease_duration <= 0:
        return []
    duration = readable(answer.lease_duration)
    if not answer.lease_id:
        return [["refresh_interval", duration]]
    return [
        ["lease_id", answer.lease_id],
        ["lease_duration", duration],
        ["lease_renewable", value_text(answer.renewable)],
    ]


def _auth_rows(auth: Json) -> list[list[str]]:
    if not auth:
        return []
    pending = as_map(auth.get("mfa_requirement"))
    if pending:
        rows = [["mfa_request_id", as_text(pending.get("mfa_request_id"))]]
        constraints = as_map(pending.get("mfa_constraints"))
        return rows + [[f"mfa_constraint_{name}", value_text(constraints[name])] for name in sorted(constraints)]
    ttl = as_int(auth.get("lease_duration"))
    rows = [
        ["token", as_text(auth.get("client_token"))],
        ["token_accessor", as_text(auth.get("accessor"))],
        ["token_duration", readable(ttl) if ttl else "∞"],
        ["token_renewable", value_text(auth.get("renewable") is True)],
    ]
    for key in _AUTH_LISTS:
        names = auth.get(key)
        quoted = " ".join(json.dumps(name, ensure_ascii=False) for name in names) if isinstance(names, list) else ""
        rows.append([key, f"[{quoted}]"])
    meta = as_map(auth.get("metadata"))
    return rows + [[f"token_meta_{key}", value_text(meta[key])] for key in sorted(meta)]


def _wrap_rows(wrap: Json) -> list[list[str]]:
    if not wrap:
        return []
    rows = [
        ["wrapping_token:", as_text(wrap.get("token"))],
        ["wrapping_accessor:", as_text(wrap.get("accessor"))],
        ["wrapping_token_ttl:", readable(as_int(wrap.get("ttl")))],
        ["wrapping_token_creation_time:", as_text(wrap.get("creation_time"))],
        ["wrapping_token_creation_path:", as_text(wrap.get("creation_path"))],
    ]
    if wrapped := as_text(wrap.get("wrapped_accessor")):
        rows.append(["wrapped_accessor:", wrapped])
    return rows
