"""The metadata of a secret id as clients send it: one text (spec/auth-methods.md 4a)."""

from __future__ import annotations

import base64
import binascii

import msgspec

from vaultlike.errors import Invalid

MAX_TEXT = 64 * 1024  # characters
MAX_PAIRS = 256
_decode = msgspec.json.Decoder(dict[str, str]).decode


def parse_metadata(text: str) -> dict[str, str]:
    """A JSON object of texts, or `k=v` pairs separated by commas; either may be in base64. Raises Invalid."""
    if len(text) > MAX_TEXT:
        raise Invalid(f"failed to parse metadata: longer than {MAX_TEXT} characters")
    text = _plain(text.strip())
    pairs = _of_json(text)
    if pairs is None:
        pairs = _of_pairs(text)
    if len(pairs) > MAX_PAIRS:
        raise Invalid(f"failed to parse metadata: more than {MAX_PAIRS} keys")
    return pairs


def check_notes(notes: dict[str, str]) -> dict[str, str]:
    """The same notes. Raises Invalid where they are too many or too long together."""
    if len(notes) > MAX_PAIRS:
        raise Invalid(f"notes have more than {MAX_PAIRS} keys")
    if sum(len(key) + len(value) for key, value in notes.items()) > MAX_TEXT:
        raise Invalid(f"notes are longer than {MAX_TEXT} characters")
    return notes


def _plain(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return text


def _of_json(text: str) -> dict[str, str] | None:
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None


def _of_pairs(text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for item in text.split(",") if text else ():
        key, sign, value = item.strip().partition("=")
        if not item.strip():
            continue
        if not sign or "=" in value:
            raise Invalid("failed to parse metadata: failed to parse the input: invalid <key,value> format")
        if not key.strip() or not value.strip():
            what = "key" if not key.strip() else "value"
            raise Invalid(
                f"failed to parse metadata: failed to parse the input: invalid <key,value> pair: {what} is empty"
            )
        pairs[key.strip()] = value.strip()
    return pairs
