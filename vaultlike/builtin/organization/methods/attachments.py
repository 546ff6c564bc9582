"""The attachments of the organization as documents: `methods/<identity>/<method>`. Owns no paths."""

from __future__ import annotations

from typing import Any

from vaultlike.builtin.organization.methods.method import Attachment, F, Method
from vaultlike.sdk import Storage

PREFIX = "methods/"


def key(identity: str, method: str) -> str:
    """Where an attachment is, in the organization's mount."""
    return f"{PREFIX}{identity}/{method}"


async def find(storage: Storage, identity: str, method: Method[F]) -> Attachment[F] | None:
    """An attachment as a login needs it: from the cache where the configuration did not change. Treat it as frozen."""
    found: Attachment[F] | None = await storage.cached(key(identity, method.name), method.decode)
    return found


async def versioned(storage: Storage, identity: str, method: Method[F]) -> tuple[Attachment[F], int] | None:
    """An attachment as it is now, with its version."""
    found = await storage.versioned(key(identity, method.name))
    return None if found is None else (method.decode(found[0]), found[1])


async def names(storage: Storage, identity: str) -> list[str]:
    """The names of an identity's methods, sorted."""
    return await storage.keys(f"{PREFIX}{identity}/")


async def attached(storage: Storage, identity: str, name: str) -> bool:
    """Whether an identity has a method, by its name; from the cache where the configuration did not change."""
    return await storage.cached(key(identity, name), _there) is not None


def _there(value: Any) -> bool:
    return True
