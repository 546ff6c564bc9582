"""The pages of docs/api, made from the declarations of the mounts: `python -m vaultlike.testing.apidocs [FOLDER]`.

Owns the layout of a page. What stands in it comes from routes and fields: a page cannot say what the server does not.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from vaultlike.core.core import Core
from vaultlike.mounts.router import Mount
from vaultlike.sdk.fields import Field, fields_of
from vaultlike.sdk.login import DEPRECATED, TokenParams
from vaultlike.sdk.routes import Owned, Place, Route
from vaultlike.system.seal import refuse_method
from vaultlike.testing.server import TestServer

VERBS = {
    "read": "GET", "list": "LIST", "write": "POST", "patch": "PATCH", "delete": "DELETE", "header": "HEAD",
}  # fmt: skip
KINDS = {
    "comma": "list, or text with commas", "strings": "list", "comma_int": "list of numbers",
    "cidrs": "list of networks",
    "duration": "seconds, or text such as `1h30m`", "signed_duration": "seconds, or text such as `-5s`",
    "pairs": "object of texts", "object": "object", "anything": "anything", "lower": "text, lower case",
    "string": "text", "secret": "text, never shown", "time": "time", "bool": "true or false", "int": "number",
    "float": "number", "structure": "object, or list of objects",
}  # fmt: skip
# What is mounted for the pages: (page, path of the mount as shown, path below sys/ that enables it, body)
EXTRA: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("auth/approle", "sys/auth/approle", {"type": "approle"}),
    ("auth/azure", "sys/auth/azure", {"type": "azure"}),
    ("auth/jwt", "sys/auth/jwt", {"type": "jwt"}),
    ("auth/userpass", "sys/auth/userpass", {"type": "userpass"}),
    ("kv-v1", "sys/mounts/kv-v1", {"type": "kv", "options": {"version": "1"}}),
    ("kv-v2", "sys/mounts/kv-v2", {"type": "kv", "options": {"version": "2"}}),
)
TITLES = {
    "sys/": ("system", "The server itself"),
    "auth/token/": ("token", "Tokens"),
    "identity/": ("identity", "Entities, groups and identity tokens"),
    "organization/": ("organization", "Identities, projects and secrets, as the second API knows them"),
    "cubbyhole/": ("cubbyhole", "What a token keeps for itself"),
    "auth/approle/": ("approle", "The approle auth method"),
    "auth/azure/": ("azure", "The azure auth method"),
    "auth/jwt/": ("jwt", "The jwt and oidc auth methods"),
    "auth/userpass/": ("userpass", "The userpass auth method"),
    "kv-v1/": ("kv-v1", "Secrets, version 1"),
    "kv-v2/": ("kv-v2", "Secrets with versions"),
}
NOTE = "Made from the declarations by `make docs`; do not edit.\n"


async def pages() -> dict[str, str]:
    """The pages by file name."""
    async with TestServer() as server:
        for name, path, body in EXTRA:
            enabled = await server.post(path, body)
            if enabled.status != 204:
                raise RuntimeError(f"{name}: {enabled}")
        await server.server.furnish("")
        core = server.server.core
        if not isinstance(core, Core):
            raise RuntimeError("the server did not unseal")
        mounts = {mount.entry.path: mount for mount in core.router.mounts() if mount.entry.path in TITLES}
        found = {f"{TITLES[path][0]}.md": _page(path, mounts[path]) for path in TITLES}
    found["README.md"] = _index(mounts)
    return found


def _index(mounts: dict[str, Mount]) -> str:
    lines = [
        "# HTTP API",
        "",
        NOTE,
        "Every path is below `/v1`. `/v1/sys/internal/specs/openapi` is the same for programs.",
        "",
    ]
    for path, (page, title) in TITLES.items():
        lines.append(f"- [{title}]({page}.md): {len(mounts[path].table.places)} paths below `{path}`")
    return "\n".join(lines) + "\n"


def _page(path: str, mount: Mount) -> str:
    title = TITLES[path][1]
    about = inspect.cleandoc(type(mount.backend).__doc__ or "")
    parts = [f"# {title}", NOTE, about, f"Paths are below `/v1/{path}`."]
    for head, places in _grouped(mount.table.places.values()):
        parts.append(f"## {head}")
        parts += [_place(path, place) for place in places]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _grouped(places: Iterable[Place]) -> list[tuple[str, list[Place]]]:
    groups: dict[str, list[Place]] = {}
    for place in sorted(places, key=lambda one: _plain(one.pattern)):
        head = place.pattern.partition("/")[0]
        groups.setdefault(head if "{" not in head else "names", []).append(place)
    return sorted(groups.items())


def _plain(pattern: str) -> str:
    return re.sub(r"\{(\w+)(?::\w+)?\}", r":\1", pattern)


def _place(path: str, place: Place) -> str:
    lines = [f"### `{path}{_plain(place.pattern)}`", "", "| | | |", "|---|---|---|"]
    for verb, owned in _served(place):
        lines.append(f"| `{VERBS[verb]}` | {owned.route.summary} | {', '.join(_facts(owned.route))} |")
    for kind in _bodies(place):
        lines += ["", *_fields(kind)]
    return "\n".join(lines)


def _served(place: Place) -> list[tuple[str, Owned]]:
    """The verbs that do something; some bare paths answer a 405 of their own to the others."""
    return [(verb, owned) for verb, owned in place.routes.items() if owned.route.handler is not refuse_method]


def _facts(route: Route) -> list[str]:
    facts = ["needs no token"] if route.open else []
    facts += ["sudo"] if route.sudo else []
    facts += ["create or update"] if route.exists is not None else []
    return facts


def _bodies(place: Place) -> list[type[Struct]]:
    found: list[type[Struct]] = []
    for _, owned in _served(place):
        kind = owned.route.declares or owned.route.body
        if kind is not None and kind not in found and fields_of(kind).fields:
            found.append(kind)
    return found


def _fields(kind: type[Struct]) -> list[str]:
    common = fields_of(TokenParams).fields if issubclass(kind, TokenParams) else {}
    lines = ["| Field | Type | Meaning |", "|---|---|---|"]
    for name, field in fields_of(kind).fields.items():
        if name not in DEPRECATED or not common:
            lines.append(_field(field))
    if common:
        lines += ["", f"Deprecated twins of the `token_` fields: {', '.join(f'`{name}`' for name in DEPRECATED)}."]
    return lines


def _field(field: Field) -> str:
    needed = " (required)" if field.required else ""
    text = (field.description or "").replace("|", "\\|")
    return f"| `{field.name}` | {KINDS.get(field.kind, field.kind)}{needed} | {text} |"


def main(folder: Path) -> None:
    """Writes the pages into `folder` and removes pages that are no more."""
    made = asyncio.run(pages())
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/api"))
