"""Path help, from the declarations alone (spec/vault-api.md 1.12)."""

from __future__ import annotations

import inspect

import msgspec

from vaultlike.errors import UnsupportedPath
from vaultlike.mounts.router import Mount
from vaultlike.sdk import Raw
from vaultlike.sdk.fields import fields_of
from vaultlike.sdk.routes import Place


def path_help(mount: Mount, place: Place | None) -> Raw:
    """The help of one path, or of the mount (its root). Raises UnsupportedPath where there is neither."""
    if place is None:
        raise UnsupportedPath
    return Raw(body=msgspec.json.encode({"help": _text(place), "see_also": None, "openapi": None}))


def mount_help(mount: Mount) -> Raw:
    """What is below a mount, a line a path."""
    kind = type(mount.backend)
    lines = [f"## DESCRIPTION\n\n{inspect.getdoc(kind) or mount.entry.kind}\n\n## PATHS\n"]
    for pattern, place in sorted(mount.table.places.items()):
        summary = next(iter(place.routes.values())).route.summary
        lines.append(f"    ^{pattern}$\n        {summary}\n")
    text = "\n".join(lines)
    return Raw(body=msgspec.json.encode({"help": text, "see_also": None, "openapi": None}))


def _text(place: Place) -> str:
    lines = [f"Request:        {place.pattern}", f"Matching Route: ^{place.pattern}$", ""]
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
