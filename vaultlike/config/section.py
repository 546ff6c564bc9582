"""Reads one block against the list of its keys, and collects what is wrong instead of stopping at the first."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from msgspec import Struct

from vaultlike.config.model import Place, Problem
from vaultlike.config.values import Reader, anything
from vaultlike.hcl import Body, Entry, HclInvalid, labelled, quote


class Key(Struct, frozen=True):
    """How one key is read. `idle` says why it does nothing here, `refused` why it cannot be accepted."""

    read: Reader = anything
    idle: str = ""
    refused: str = ""
    quiet: bool = False  # an idle key that is not worth a warning when it is false or empty


_SILENT = (False, "", "false", "0", 0, None, ())  # a key that says "no" to something that is not there


class Notes:
    """What a reading of configuration found: problems and warnings, in order."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[str] = []

    def problem(self, place: Place, text: str) -> None:
        """Something that must be changed before the server starts."""
        self.problems.append(Problem(place, text))

    def warn(self, place: Place, text: str) -> None:
        """Something that does nothing, or not what one may think."""
        self.warnings.append(f"{place}: {text}")


class Found(Struct, frozen=True):
    """A value that could be read, and where it stands."""

    value: object
    place: Place


def read_section(
    notes: Notes, file: str, body: Body, keys: Mapping[str, Key], what: str, elsewhere: tuple[str, ...] = ()
) -> dict[str, Found]:
    """The values of a block's keys. Unknown, doubled, refused and unreadable ones become problems of `notes`.

    `what` names the block in texts; `elsewhere` are keys (blocks) that the caller reads itself.
    """
    found: dict[str, Found] = {}
    lines: dict[str, int] = {}
    for entry in body.entries:
        if entry.key in elsewhere:
            continue
        place, key = Place(file, entry.line), keys.get(entry.key)
        if key is None:
            notes.problem(place, f"unknown key {quote(entry.key)} in {what}{near(entry.key, (*keys, *elsewhere))}")
        elif key.refused:
            if entry.value in _SILENT:
                continue
            notes.problem(place, f"{entry.key}: {key.refused}")
        elif key.idle:
            if not (key.quiet and entry.value in _SILENT):
                notes.warn(place, f"{entry.key} does nothing here: {key.idle}")
        elif entry.value is None:
            continue  # null in JSON: not said
        elif entry.key in lines:
            notes.problem(place, f"{entry.key} is set twice in {what}, first on line {lines[entry.key]}")
        else:
            lines[entry.key] = entry.line
            try:
                if entry.labels:
                    raise ValueError("takes no label")
                found[entry.key] = Found(key.read(entry.value), place)
            except ValueError as problem:
                notes.problem(place, f"{entry.key} {problem}")
    return found


def labelled_blocks(notes: Notes, file: str, entry: Entry) -> Iterator[tuple[str, Body, Place]]:
    """The blocks `key "label" { }` of an entry, with their label; JSON's nested maps and lists are the same."""
    try:
        for block in labelled(entry):
            place = Place(file, block.line)
            if len(block.labels) != 1:
                notes.problem(place, f"{entry.key} takes one label")
            elif not isinstance(block.value, Body):
                notes.problem(place, f"{entry.key} {quote(block.labels[0])} must be a block")
            else:
                yield block.labels[0], block.value, place
    except HclInvalid as problem:
        notes.problem(Place(file, problem.line), f"{entry.key} must be a block with a label")


def plain_blocks(notes: Notes, file: str, entry: Entry) -> Iterator[Body]:
    """The blocks `key { }` of an entry, also as a JSON list of maps."""
    for value in entry.value if isinstance(entry.value, tuple) else (entry.value,):
        if isinstance(value, Body) and not entry.labels:
            yield value
        else:
            notes.problem(Place(file, entry.line), f"{entry.key} must be a block without a label")


def maybe_labelled_blocks(notes: Notes, file: str, entry: Entry) -> Iterator[tuple[str, Body, Place]]:
    """The blocks `key { }` and `key "label" { }` of an entry, with their label ("" for none)."""
    if isinstance(entry.value, Body) and len(entry.labels) <= 1:
        yield (entry.labels[0] if entry.labels else ""), entry.value, Place(file, entry.line)
    else:
        for body in plain_blocks(notes, file, entry):
            yield "", body, Place(file, entry.line)


def near(name: str, known: tuple[str, ...]) -> str:
    """`, did you mean "x"?` for a name that resembles a known one, else nothing."""
    close = difflib.get_close_matches(name.lower(), known, n=1)
    return f', did you mean "{close[0]}"?' if close else ""
