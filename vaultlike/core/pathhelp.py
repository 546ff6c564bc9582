"""Path help, from the declarations alone (spec/vault-api.md 1.12)."""

from __future__ import annotations

import inspect
import re

import msgspec

from vaultlike.errors import UnsupportedPath
from vaultlike.mounts.router import Mount
from vaultlike.sdk import Raw
from vaultlike.sdk.fields import fields_of
from vaultlike.sdk.routes import Place, compile_pattern

_GROUP = re.compile(r"(?<!\\)\((?!\?)")  # one that captures


def path_help(path: str, place: Place | None) -> Raw:
    """The help of one path below its mount. Raises UnsupportedPath where nothing is."""
    if place is None:
        raise UnsupportedPath
    return Raw(body=msgspec.json.encode({"help": _text(path, place), "see_also": None, "openapi": None}))


def mount_help(mount: Mount) -> Raw:
    """What is below a mount, a line a path."""
    kind = type(mount.backend)
    lines = [f"## DESCRIPTION\n\n{inspect.getdoc(kind) or mount.entry.kind}\n\n## PATHS\n"]
    for pattern, place in sorted(mount.table.places.items()):
        summary = next(iter(place.routes.values())).route.summary
        lines.append(f"    {_expression(pattern)}\n        {summary}\n")
    text = "\n".join(lines)
    return Raw(body=msgspec.json.encode({"help": text, "see_also": None, "openapi": None}))


def _expression(pattern: str) -> str:
    """A pattern as a regular expression whose groups have the names of what they capture."""
    regex, names = compile_pattern(pattern)
    remaining = iter(names)
    return f"^{_GROUP.sub(lambda _: f'(?P<{next(remaining)}>', regex.pattern)}$"


def _text(path: str, place: Place) -> str:
    lines = [f"Request:        {path}", f"Matching Route: {_expression(place.pattern)}", ""]
    for verb, owned in place.routes.items():
        lines.append(f"{verb}: {owned.route.summary}")
    shown: set[str] = set()
    for owned in place.routes.values():
        struct = owned.route.declares or owned.route.body
        if struct is None:
            continue
        if not shown:
            lines += ["", "## PARAMETERS", ""]
        for name, field in fields_of(struct).fields.items():
            if name not in shown:
                shown.add(name)
                lines += [f"    {name} ({field.kind})", f"        {field.description}", ""]
    return "\n".join(lines)
