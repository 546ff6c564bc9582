"""Projects with their environments as documents, and how a request's words for one are resolved.

One document a project (`projects/<id>`), and one that keeps its slug (`slugs/<slug>`: the id). Owns no paths and judges
no caller: whoever resolves a project must still ask what the caller may do in it.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from vaultlike.errors import NotFound
from vaultlike.sdk import Storage

MAX_ENVIRONMENTS = 100  # of one project
DEFAULT_ENVIRONMENTS = (("Development", "dev"), ("Staging", "staging"), ("Production", "prod"))


class Environment(Struct, frozen=True, kw_only=True):
    """A part of a project that has secrets of its own. Secrets lie below its slug. Times in Unix seconds."""

    id: str
    name: str
    slug: str
    created_at: float
    updated_at: float


class Project(Struct, frozen=True, kw_only=True):
    """A project; `environments` in the order that people see. Times in Unix seconds."""

    id: str
    name: str
    slug: str
    created_at: float
    updated_at: float
    description: str = ""
    kind: str = "secret-manager"
    delete_protection: bool = False
    environments: tuple[Environment, ...] = ()

    def environment(self, slug: str) -> Environment:
        """The environment with this slug. Raises NotFound."""
        for one in self.environments:
            if one.slug == slug:
                return one
        raise NotFound(f"Environment with slug '{slug[:64]}' not found in project with ID '{self.id}'")

    def environment_by(self, reference: str) -> Environment:
        """The environment with this id or slug. Raises NotFound."""
        for one in self.environments:
            if one.id == reference:
                return one
        return self.environment(reference)


encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Project).decode
_text = bytes.decode


async def find_project(storage: Storage, identity: str) -> Project | None:
    """The project with this id; treat it as frozen. Costs no read while the configuration stays as it is."""
    return await storage.cached(f"projects/{identity}", _decode) if identity else None


async def find_by_slug(storage: Storage, slug: str) -> Project | None:
    """The project with this slug."""
    identity = await storage.cached(f"slugs/{slug}", _text) if slug else None
    return None if identity is None else await find_project(storage, identity)


async def resolve_project(storage: Storage, identity: str = "", slug: str = "") -> Project:
    """The project that a request names by id or, where that is empty, by slug. Raises NotFound.

    The answer tells whether a project exists: ask it after the caller's policies, or where they decide next.
    """
    found = await find_project(storage, identity) if identity else await find_by_slug(storage, slug)
    if found is None:
        what = f"ID '{identity[:64]}'" if identity else f"slug '{slug[:64]}'"
        raise NotFound(f"Project with {what} not found")
    return found


def decode_project(value: bytes) -> Project:
    """A stored project."""
    return _decode(value)
