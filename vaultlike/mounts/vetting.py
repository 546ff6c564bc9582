"""Which state of an installed plugin an operator has vouched for: a checksum of its package, and a pinned version.

A package that does not match makes its mounts unavailable, as a binary with another checksum does in the reference.
Plugins without an entry are used as they are installed; `allowed_plugins` of the configuration says which those may be.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution

import msgspec
from msgspec import Struct

from vaultlike.mounts.catalog import Plugin
from vaultlike.storage.view import View

KEY = "plugins"


class Vetted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What counts for one plugin; empty: nothing does."""

    sha256: str = ""  # lower-case hex, of the package as `checksum` has it
    pinned: str = ""  # version, without a `v`


Table = dict[str, Vetted]
_decode = msgspec.json.Decoder(Table).decode


def key_of(kind: str, *, auth: bool) -> str:
    """The key of a plugin in the table."""
    return f"{'auth' if auth else 'secret'}/{kind}"


async def vetted(storage: View) -> Table:
    """The table in force; `storage` is the core's own of the root namespace."""
    return await storage.cached(KEY, _decode) or {}


async def vet(storage: View, key: str, change: Vetted | None) -> None:
    """Replaces an entry, or removes it, without losing anybody's change to another."""

    def edit(raw: bytes | None) -> bytes:
        table = _decode(raw) if raw is not None else {}
        table.pop(key, None)
        if change is not None and change != Vetted():
            table[key] = change
        return msgspec.json.encode(table)

    await storage.update(KEY, edit)


def mismatch(plugin: Plugin, table: Table) -> str:
    """Why a plugin may not be used as it is installed; empty where it may."""
    entry = table.get(key_of(plugin.kind, auth=plugin.auth))
    if entry is None or plugin.builtin:
        return ""
    if entry.pinned and entry.pinned != plugin.version:
        return f"version {plugin.version} is installed, {entry.pinned} is pinned"
    if entry.sha256 and entry.sha256 != checksum(plugin.distribution):
        return "the installed package is not the one whose checksum was registered"
    return ""


@cache
def checksum(name: str) -> str:
    """SHA-256 in hex of a package's RECORD, which holds the checksums of its files; empty where it has none."""
    try:
        record = distribution(name).read_text("RECORD")
    except PackageNotFoundError:
        return ""
    return hashlib.sha256(record.encode()).hexdigest() if record else ""
