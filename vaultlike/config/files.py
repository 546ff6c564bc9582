"""Files and folders of configuration -> parsed texts, in the order in which they count."""

from __future__ import annotations

import os
from collections.abc import Sequence

from msgspec import Struct

from vaultlike.config.model import Place
from vaultlike.config.section import Notes
from vaultlike.hcl import Body, HclInvalid, parse

MAX_FILE = 1024 * 1024  # characters
MAX_FILES = 256


class Source(Struct, frozen=True):
    """One parsed file."""

    file: str
    body: Body


def read_sources(paths: Sequence[str], notes: Notes) -> list[Source]:
    """Every file of `paths`; of a folder its `*.hcl` and `*.json` by name. What cannot be read becomes a problem."""
    sources: list[Source] = []
    count = 0
    for path in paths:
        for file in _files(path, notes):
            count += 1
            if count > MAX_FILES:
                notes.problem(Place(path), f"more than {MAX_FILES} files of configuration")
                return sources
            source = _source(file, notes)
            if source is not None:
                sources.append(source)
    return sources


def _source(file: str, notes: Notes) -> Source | None:
    text = _read(file, notes)
    if text is None:
        return None
    try:
        return Source(file, parse(text, limit=MAX_FILE))
    except HclInvalid as problem:
        notes.problem(Place(file, problem.line), str(problem).partition(": ")[2])
        return None


def _files(path: str, notes: Notes) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    try:
        found = sorted(name for name in os.listdir(path) if name.endswith((".hcl", ".json")) and name[0] != ".")
    except OSError as problem:
        notes.problem(Place(path), f"cannot be read: {problem.strerror}")
        return []
    if not found:
        notes.problem(Place(path), "the folder holds no .hcl or .json file")
    return [os.path.join(path, name) for name in found]


def _read(file: str, notes: Notes) -> str | None:
    try:
        with open(file, encoding="utf-8") as opened:
            return opened.read(MAX_FILE + 1)
    except OSError as problem:
        notes.problem(Place(file), f"cannot be read: {problem.strerror}")
    except ValueError:
        notes.problem(Place(file), "is not UTF-8 text")
    return None
