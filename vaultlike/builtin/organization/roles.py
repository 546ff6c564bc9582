"""Custom roles, of an organization or of one project, as one document each; and how any role is shown.

Owns no paths. What a role comes to in paths is `project_rules` and `organization_rules`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from vaultlike.builtin.organization.permissions import Permission
from vaultlike.builtin.organization.wire import moment
from vaultlike.errors import Invalid, NotFound
from vaultlike.sdk import Storage

MAX_ROLES = 500  # of one organization or project
MAX_SLUG = 64
MAX_NAME = 255
MAX_DESCRIPTION = 2000
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_BUILT_IN_AT = 1_700_000_000.0  # when built-in roles say that they were made


class Role(Struct, frozen=True, kw_only=True):
    """A custom role. Times in Unix seconds."""

    id: str
    slug: str
    name: str
    created_at: float
    updated_at: float
    description: str = ""
    permissions: tuple[Permission, ...] = ()


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[Role, ...]).decode


class RoleBook:
    """The custom roles that one document holds."""

    def __init__(self, storage: Storage, key: str) -> None:
        self._storage, self._key = storage, key

    async def all(self) -> tuple[Role, ...]:
        """Every role, in the order in which they were made."""
        return await self._storage.cached(self._key, _decode) or ()

    async def fresh(self) -> tuple[tuple[Role, ...], int]:
        """Every role as it is now, and the document's version."""
        found = await self._storage.versioned(self._key)
        return ((), 0) if found is None else (_decode(found[0]), found[1])

    async def find(self, reference: str) -> Role | None:
        """The role with this slug or id."""
        return _find(await self.all(), reference)

    async def get(self, reference: str) -> Role:
        """The role with this slug or id. Raises NotFound."""
        found = await self.find(reference)
        if found is None:
            raise _unknown(reference)
        return found

    async def add(self, role: Role) -> None:
        """Adds a role. Raises Invalid where its slug is taken or there are too many."""

        def change(roles: tuple[Role, ...]) -> tuple[Role, ...]:
            if any(one.slug == role.slug for one in roles):
                raise Invalid(f"A role with slug '{role.slug}' exists already")
            if len(roles) >= MAX_ROLES:
                raise Invalid(f"There are at most {MAX_ROLES} roles")
            return (*roles, role)

        await self._change(change)

    async def replace(self, role: Role) -> None:
        """Writes a role anew. Raises NotFound."""

        def change(roles: tuple[Role, ...]) -> tuple[Role, ...]:
            if _find(roles, role.id) is None:
                raise _unknown(role.id)
            return tuple(role if one.id == role.id else one for one in roles)

        await self._change(change)

    async def remove(self, identity: str) -> None:
        """Removes the role with this id; absent is fine."""
        await self._change(lambda roles: tuple(one for one in roles if one.id != identity))

    async def _change(self, change: Callable[[tuple[Role, ...]], tuple[Role, ...]]) -> None:
        def update(value: bytes | None) -> bytes | None:
            roles = change(() if value is None else _decode(value))
            return _encode(roles) if roles else None

        await self._storage.update(self._key, update)


def _find(roles: tuple[Role, ...], reference: str) -> Role | None:
    return next((one for one in roles if reference in (one.slug, one.id)), None)


def _unknown(reference: str) -> NotFound:
    return NotFound(f"Role '{reference[:64]}' not found")


def clean_slug(slug: str, what: str = "slug", longest: int = MAX_SLUG) -> str:
    """A slug as it is kept: lower case letters, digits, single hyphens inside. Raises Invalid."""
    slug = slug.strip()
    if len(slug) > longest or not _SLUG.fullmatch(slug):
        raise Invalid(f"{what} must be 1 to {longest} lower case letters, digits and single hyphens between them")
    return slug


def clean_name(name: str, what: str = "name") -> str:
    """A name that people read: trimmed. Raises Invalid."""
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise Invalid(f"{what} must be 1 to {MAX_NAME} printable characters")
    return name


def clean_description(text: str) -> str:
    """A description. Raises Invalid when it is too long."""
    if len(text) > MAX_DESCRIPTION:
        raise Invalid(f"a description has at most {MAX_DESCRIPTION} characters")
    return text


def show_role(role: Role, owner: Mapping[str, object]) -> dict[str, object]:
    """A custom role; `owner` is `orgId` or `projectId`."""
    return {
        "id": role.id,
        "name": role.name,
        "slug": role.slug,
        "description": role.description,
        "permissions": [one.shown() for one in role.permissions],
        "createdAt": moment(role.created_at),
        "updatedAt": moment(role.updated_at),
        **owner,
    }


def show_builtin(slug: str, words: tuple[str, str], owner: Mapping[str, object]) -> dict[str, object]:
    """A built-in role: what it may is code, so there are no permissions to show."""
    at = moment(_BUILT_IN_AT)
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"organization-role:{sorted(owner.items())}:{slug}")),
        "name": words[0],
        "slug": slug,
        "description": words[1],
        "permissions": [],
        "createdAt": at,
        "updatedAt": at,
        **owner,
    }
