"""What the data of a kv secret hold for the second API: `{"value": ..., "comment": ...}`. Pure.

A secret that was written through `/v1` in another shape has a value too: its data as JSON.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from vaultlike.builtin.organization.secrets.wire import Metadata, SecretFields
from vaultlike.builtin.organization.wire import Wire
from vaultlike.errors import Invalid

MAX_COMMENT = 65_536  # characters
MAX_NOTE = 1024
MAX_DAYS = 365
MAX_METADATA = 100  # pairs of one secret
MAX_TAGS = 100
NAMES = ("value", "comment", "tags", "metadata", "skipMultilineEncoding", "reminderNote", "reminderRepeatDays")


class Content(Wire, omit_defaults=True, kw_only=True):
    """A secret's data; `tags` are ids."""

    value: str | UnsetType = UNSET
    comment: str = ""
    tags: tuple[str, ...] = ()
    metadata: tuple[Metadata, ...] = ()
    skip_multiline_encoding: bool = False
    reminder_note: str | None = None
    reminder_repeat_days: int | None = None

    def __repr__(self) -> str:
        return "Content(...)"


_decode = msgspec.json.Decoder(Content).decode
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def content_of(data: bytes) -> Content:
    """What a version's data hold, whoever wrote them."""
    try:
        found = _decode(data)
    except msgspec.ValidationError:  # names of ours with values that are not: nothing of it can be believed
        return Content(value=data.decode())
    if found.value is UNSET:
        found.value = _foreign(data)
    return found


def _foreign(data: bytes) -> str:
    """The data without what is ours, as JSON."""
    known = _decode_any(data)
    if not isinstance(known, dict):
        return ""
    return _encode({name: value for name, value in known.items() if name not in NAMES}).decode()


def changed(data: bytes | None, value: str | UnsetType, fields: SecretFields) -> dict[str, object]:
    """The next version's data: those of the version before, if any, with what was sent over them.

    Names that are not ours stay. What is empty is left away.
    """
    known = _decode_any(data) if data is not None else {}
    content: dict[str, object] = dict(known) if isinstance(known, dict) else {}
    given: dict[str, object] = {
        "value": value,
        "comment": fields.secret_comment,
        "tags": list(fields.tag_ids) if fields.tag_ids is not UNSET else UNSET,
        "metadata": msgspec.to_builtins(fields.secret_metadata) if fields.secret_metadata is not UNSET else UNSET,
        "skipMultilineEncoding": fields.skip_multiline_encoding,
        "reminderNote": fields.secret_reminder_note,
        "reminderRepeatDays": fields.secret_reminder_repeat_days,
    }
    for name, item in given.items():
        if item is UNSET:
            continue
        if item or name == "value":
            content[name] = item
        else:
            content.pop(name, None)
    return content


def check_fields(fields: SecretFields) -> None:
    """Raises Invalid for what is too long or too much."""
    if fields.secret_comment is not UNSET and len(fields.secret_comment) > MAX_COMMENT:
        raise Invalid(f"secretComment has at most {MAX_COMMENT} characters")
    if fields.secret_reminder_note and len(fields.secret_reminder_note) > MAX_NOTE:
        raise Invalid(f"Secret reminder note cannot exceed {MAX_NOTE} characters")
    if fields.secret_reminder_repeat_days and not 1 <= fields.secret_reminder_repeat_days <= MAX_DAYS:
        raise Invalid(f"secretReminderRepeatDays lies between 1 and {MAX_DAYS}")
    if fields.secret_metadata is not UNSET:
        if len(fields.secret_metadata) > MAX_METADATA:
            raise Invalid(f"A secret has at most {MAX_METADATA} metadata")
        if len({one.key for one in fields.secret_metadata}) < len(fields.secret_metadata):
            raise Invalid("secretMetadata names a key twice")
    if fields.tag_ids is not UNSET and len(fields.tag_ids) > MAX_TAGS:
        raise Invalid(f"A secret has at most {MAX_TAGS} tags")
