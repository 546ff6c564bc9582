"""The declared fields of a Struct as the wire sees them: which are given, what they convert to, what a read shows.

One `Fields` per Struct class, made once, holds the converter of each field (`sdk.conversion`). What does not fit raises
FieldInvalid with the field's name. Owns no routing and no storage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from vaultlike.errors import FieldInvalid
from vaultlike.sdk.conversion import BY_KIND, BY_TYPE, KIND_NAMES, Converter, Misfit, go_text
from vaultlike.types import Kind

S = TypeVar("S", bound=Struct)
FIELD_TEXT = 'Field validation failed: error converting input for field "{field}": {problem}'


class Field(Struct, frozen=True):
    """One declared field: its name, how a wire value becomes its value, and what help and OpenAPI say of it."""

    name: str
    kind: str  # the name of its wire type: string, int, bool, secret, duration, comma, ...
    convert: Converter
    required: bool
    description: str
    null_is_absent: bool  # durations and times: JSON null means "not sent" (surprises 3)
    marks: tuple[object, ...]  # foreign Annotated marks, e.g. Bound

    def read(self, raw: object, text: str) -> object:
        """The converted value; raises FieldInvalid, worded by `text`."""
        try:
            return self.convert(raw)
        except Misfit as misfit:
            # texts that quote the value are those of the older plugins, which word the problem differently too
            problem = misfit.older if "{value}" in text else str(misfit)
            form = "{problem}" if misfit.whole else text
            shown = "(hidden)" if self.kind == "secret" else go_text(raw)[:256]
            said = form.format(field=self.name, problem=problem, value=shown)
            raise FieldInvalid(self.name, str(misfit), said) from None


def _field(info: msgspec.structs.FieldInfo, hint: object) -> Field:
    marks: list[object] = []
    stack, base, nullable = [hint], None, False
    while stack:
        current = stack.pop()
        origin = get_origin(current)
        if origin is Annotated:
            marks += list(get_args(current)[1:])
            stack.append(get_args(current)[0])
        elif origin is Union or type(current).__name__ == "UnionType":
            nullable = nullable or type(None) in get_args(current)
            stack += [arg for arg in get_args(current) if arg not in (type(None), UnsetType)]
        else:
            base = current
    kind = next((mark for mark in marks if isinstance(mark, Kind)), None)
    description = next((mark.description for mark in marks if isinstance(mark, Meta) and mark.description), "")
    converter = BY_KIND.get(kind.name) if kind else BY_TYPE.get(base) or _structured(base)
    if converter is None:
        raise TypeError(f"field {info.name}: {hint} is no wire type; see vaultlike.types")
    name = kind.name if kind else KIND_NAMES.get(base, "structure")
    if nullable and name in ("object", "pairs"):
        converter = _or_null(converter)
    foreign = tuple(mark for mark in marks if not isinstance(mark, (Kind, Meta)))
    null_is_absent = name.endswith("duration") or name == "time"
    return Field(info.encode_name, name, converter, info.required, description, null_is_absent, foreign)


def _or_null(convert: Converter) -> Converter:
    """JSON null stays None, which reads null: unlike lists, a map that was set to null is not an empty one."""
    return lambda value: None if value is None else convert(value)


def _structured(base: object) -> Converter | None:
    """For a Struct, or a tuple of them: an object or a list of objects, as msgspec reads it."""
    inner = get_args(base)[0] if get_origin(base) is tuple else base
    if not (isinstance(inner, type) and issubclass(inner, Struct)):
        return None

    def convert(value: object) -> object:
        try:
            return msgspec.convert(value, base)
        except msgspec.ValidationError as problem:
            raise Misfit(str(problem)) from None

    return convert


class Fields(Generic[S]):
    """The converters of one Struct class. `text` is how the reference words a misfit on this path."""

    def __init__(self, kind: type[S]) -> None:
        self.kind = kind
        hints = get_type_hints(kind, include_extras=True)
        self.fields = {i.encode_name: _field(i, hints[i.name]) for i in msgspec.structs.fields(kind)}
        self._attributes = {i.encode_name: i.name for i in msgspec.structs.fields(kind)}
        self._converters = {name: (self._attributes[name], f, f.null_is_absent) for name, f in self.fields.items()}

    def given(self, data: Mapping[str, object], text: str = FIELD_TEXT) -> dict[str, object]:
        """The converted values of the known fields that `data` names. Raises FieldInvalid."""
        values: dict[str, object] = {}
        for name, raw in data.items():
            known = self._converters.get(name)
            if known is None or (raw is None and known[2]):
                continue
            values[known[0]] = known[1].read(raw, text)
        return values

    def convert(self, data: Mapping[str, object], text: str = FIELD_TEXT) -> S:
        """A new Struct; fields that were not sent have their defaults; a missing required one is FieldInvalid."""
        values = self.given(data, text)
        for name, field in self.fields.items():
            if field.required and self._attributes[name] not in values:
                raise FieldInvalid(name, "missing", f"missing required field '{name}'")
        return self.kind(**values)

    def unknown(self, data: Mapping[str, object]) -> list[str]:
        """The names in `data` that are no fields, sorted."""
        return sorted(name for name in data if name not in self._converters)

    def wire(self, value: S) -> dict[str, object]:
        """What a read shows: every field but secrets and those never set (UNSET)."""
        shown: dict[str, object] = {}
        for name, field in self.fields.items():
            item = getattr(value, self._attributes[name])
            if field.kind != "secret" and item is not UNSET:
                shown[name] = item
        return shown


_FIELDS: dict[type, Fields[Struct]] = {}  # a pure cache of declarations; holds no state of any server


def fields_of(kind: type[S]) -> Fields[S]:
    """The Fields of a Struct class, made once per class."""
    known = _FIELDS.get(kind)
    if known is None:
        known = _FIELDS[kind] = Fields(kind)
    return known  # type: ignore[return-value]
