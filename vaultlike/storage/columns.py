"""How values look in SQLite columns, and ranges over text keys. Owns conversions only; knows no statement."""

from __future__ import annotations

import math
from typing import Any

from vaultlike.storage.rows import AliasRow, Document, EntityRow, TokenRow

END = b""  # in SQLite every TEXT sorts before every BLOB: an upper bound above all texts
HEX = "0123456789abcdef"
AFTER_SLASH = "0"  # the character after "/": `folder + "0"` is the first key behind everything in that folder
NEXT = "\x01"  # keys hold no NUL, so `key + NEXT` is the first text after `key`

TOKEN_COLUMNS = "t.id, s.namespace, s.path, t.sealed, p.id, s.mount, s.role, t.entity, t.expires_at, t.uses_left, t.key"
ENTITY_COLUMNS = "e.id, e.namespace, e.name, e.sealed, e.version"
ALIAS_COLUMNS = "a.id, a.namespace, a.mount, a.name, a.entity, a.sealed, a.version, a.seen_at"
ALIAS_WIDTH = 8


def pack_uuid(text: str) -> bytes | str:
    """A canonical lower-case UUID as its 16 bytes, which saves 20 per column and index; other texts as they are."""
    if len(text) == 36:
        try:
            packed = bytes.fromhex(text.replace("-", ""))
        except ValueError:
            return text
        if len(packed) == 16 and unpack_uuid(packed) == text:
            return packed
    return text


def unpack_uuid(value: bytes | str | None) -> str:
    """The reverse of `pack_uuid`; NULL is the empty text."""
    if isinstance(value, bytes):
        h = value.hex()
        return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
    return value or ""


def milliseconds(at: float | None) -> int | None:
    """Unix seconds as whole milliseconds, rounded down: a stored expiry is never later than the one asked for."""
    return None if at is None else math.floor(at * 1000 + 1e-4)  # 1e-4: floats such as 1.001 * 1000 fall just short


def seconds(at: int | None) -> float | None:
    """The reverse of `milliseconds`."""
    return None if at is None else at / 1000


def upper(prefix: str) -> str | bytes:
    """The smallest text above every text that starts with `prefix`."""
    while prefix:
        last = ord(prefix[-1])
        prefix = prefix[:-1]
        if last < 0x10FFFF:
            return prefix + chr(0xE000 if last == 0xD7FF else last + 1)  # no surrogates in UTF-8
    return END


def below(prefix: str, after: str) -> str:
    """The first key that may follow `after` (a key relative to `prefix`, or "") below `prefix`, which is left out."""
    return prefix + after + NEXT


def child_floor(prefix: str, after: str) -> str:
    """The same for a directory listing, where `after` may be a folder: all that lies in it is behind us."""
    return prefix + after[:-1] + AFTER_SLASH if after.endswith("/") else below(prefix, after)


def child_name(path: str, prefix: str) -> str:
    """The immediate name below `prefix` that leads to `path`; a folder keeps its slash."""
    rest = path[len(prefix) :]
    slash = rest.find("/")
    return rest if slash < 0 else rest[: slash + 1]


def hex_floor(after: str) -> bytes | None:
    """The smallest 32-byte id whose lower-case hex text sorts after the text `after`; None when there is none."""
    digits = ""
    for character in after[:64]:
        if character in HEX:
            digits += character
            continue
        higher = next((digit for digit in HEX if digit > character), "")
        if higher:
            return bytes.fromhex((digits + higher).ljust(64, "0"))
        return _successor(digits)
    return _successor(digits) if len(digits) == 64 else bytes.fromhex(digits.ljust(64, "0"))


def _successor(digits: str) -> bytes | None:
    value = (int(digits, 16) + 1) if digits else 1
    return None if value >> (4 * len(digits)) else bytes.fromhex(f"{value:0{len(digits)}x}".ljust(64, "0"))


TokenColumns = tuple[bytes, str, str, bytes, bytes | None, str, str, bytes | str | None, int | None, int | None, int]
EntityColumns = tuple[bytes | str, str, str, bytes, int]
AliasColumns = tuple[bytes | str, str, str, str, bytes | str, bytes, int, int | None]


def token_row(row: TokenColumns | list[Any]) -> TokenRow:
    """A row of TOKEN_COLUMNS."""
    id, namespace, path, sealed, parent, mount, role, entity, expires_at, uses_left, position = row
    return TokenRow(
        id=id,
        namespace=namespace,
        path=path[:-1],  # scopes keep it with a slash at the end
        sealed=sealed,
        parent=parent,
        mount=mount,
        role=role,
        entity=unpack_uuid(entity),
        expires_at=None if expires_at is None else expires_at / 1000,
        uses_left=uses_left,
        position=position,
    )


def entity_row(row: EntityColumns) -> EntityRow:
    """A row of ENTITY_COLUMNS."""
    return EntityRow(unpack_uuid(row[0]), row[1], row[2], row[3], row[4])


def alias_row(row: AliasColumns) -> AliasRow:
    """A row of ALIAS_COLUMNS."""
    entity, seen_at = unpack_uuid(row[4]), seconds(row[7])
    return AliasRow(unpack_uuid(row[0]), row[1], row[2], row[3], entity, row[5], row[6], seen_at)


def document_row(row: tuple[bytes, int]) -> Document:
    """A row of value and version."""
    return Document(row[0], row[1])
