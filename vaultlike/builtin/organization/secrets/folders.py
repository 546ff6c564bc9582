"""The folders of environments as documents: what is known of one beside the secrets in it, its imports among that.

A folder exists because it was made, or because a secret lies in it (written through `/v1`, which knows no folders).
No write here moves the generation. Owns no paths and judges nobody.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from vaultlike.builtin.organization.secrets.names import split_folder
from vaultlike.builtin.organization.secrets.rendering import uuid_of
from vaultlike.builtin.organization.secrets.scope import Scope
from vaultlike.engines.kv.versioned import Versioned
from vaultlike.errors import Invalid, NotFound, Unavailable
from vaultlike.sdk import Context

MAX_FOLDERS = 5000  # below one folder, in one answer
MAX_IMPORTS = 100  # of one folder
ATTEMPTS = 50  # of a change that others race for
ROOT = "."  # no folder can be called that: the root's own document


class Import(Struct, frozen=True, kw_only=True):
    """A folder (`environment`, `folder` as `a/b/`) whose secrets count in another one too. Times in Unix seconds."""

    id: str
    environment: str
    folder: str
    created_at: float
    updated_at: float


class Folder(Struct, frozen=True, kw_only=True):
    """A folder that was made; `version` counts its changes. Times in Unix seconds, 0 where nobody noted them."""

    id: str
    created_at: float
    updated_at: float
    version: int = 1
    description: str = ""
    imports: tuple[Import, ...] = ()


class Place(Struct, frozen=True):
    """Where the folder with some id is."""

    project: str
    environment: str
    folder: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Folder).decode
_decode_place = msgspec.msgpack.Decoder(Place).decode


class Folders:
    """The folders of one organization."""

    def __init__(self, ctx: Context) -> None:
        self._all = ctx.storage.below("folders/", bump=False)
        self._clock, self._random = ctx.clock, ctx.random

    async def find(self, scope: Scope) -> Folder | None:
        """The scope's folder where it was made."""
        raw = await self._all.get(_key(scope))
        return None if raw is None else _decode(raw)

    async def require(self, secrets: Versioned, scope: Scope) -> Folder:
        """The scope's folder, made or implied; the root is always there. Raises NotFound."""
        found = await self.find(scope)
        if found is None and (not scope.folder or await occupied(secrets, scope.base) or await self._inside(scope)):
            return self.implied(scope)
        if found is None:
            raise NotFound(
                f"Folder with path '/{scope.folder[:-1]}' in environment with slug '{scope.environment.slug}' not found"
            )
        return found

    def implied(self, scope: Scope) -> Folder:
        """A folder that nobody made: its id follows from where it is."""
        at = scope.environment.created_at
        return Folder(id=uuid_of("folder", scope.project.id, scope.environment.id, scope.folder), created_at=at,
                      updated_at=at)  # fmt: skip

    async def below(self, scope: Scope) -> dict[str, Folder]:
        """Every folder that was made below the scope's, by path from the environment's root."""
        prefix = f"{scope.root}{scope.folder}"
        found = await self._all.items(prefix, limit=MAX_FOLDERS + 1)
        if len(found) > MAX_FOLDERS:
            raise Invalid(f"More than {MAX_FOLDERS} folders; ask for those of an inner folder")
        return {f"{scope.folder}{path}/": _decode(raw) for path, raw in found if path != ROOT}

    async def by_id(self, identity: str) -> Place | None:
        """Where the folder with this id is."""
        raw = await self._all.get(f"ids/{identity}")
        return None if raw is None else _decode_place(raw)

    async def create(self, scope: Scope, description: str = "") -> Folder:
        """Makes the scope's folder and those around it. Raises Invalid where it was made already."""
        for _ in range(ATTEMPTS):
            now = self._clock.now()
            changes: dict[str, tuple[bytes | None, int | None]] = {}
            made: Folder | None = None
            inner = scope
            while inner.folder:
                if await self._all.get(_key(inner)) is not None:
                    if made is None:
                        raise Invalid("Folder with this name already exists at this path")
                    break
                one = Folder(
                    id=self._id(), created_at=now, updated_at=now, description=description if made is None else ""
                )
                made = made or one
                changes |= self._written(inner, one, 0)
                inner = scope.at(split_folder(inner.folder)[0])
            if made is None:
                raise Invalid("The root folder is always there")
            if await self._all.commit_if(changes):
                return made
        raise Unavailable("too many concurrent changes of folders")

    async def change(self, scope: Scope, edit: Callable[[Folder], Folder]) -> Folder:
        """Changes a folder; one that is implied is made by it. Raises what `edit` raises."""
        for _ in range(ATTEMPTS):
            found = await self._all.versioned(_key(scope))
            old, version = (_decode(found[0]), found[1]) if found else (self.implied(scope), 0)
            new = edit(old)
            if await self._all.commit_if(self._written(scope, new, version)):
                return new
        raise Unavailable("too many concurrent changes of a folder")

    async def move(self, scope: Scope, to: Scope) -> None:
        """Puts the documents of a folder and of those inside it at another path."""
        documents = {scope.folder: await self.find(scope), **await self.below(scope)}
        changes: dict[str, tuple[bytes | None, int | None]] = {}
        for path, folder in documents.items():
            target = to.at(to.folder + path[len(scope.folder) :])
            changes[_key(scope.at(path))] = (None, None)
            changes |= self._written(target, folder or self.implied(target), None)
        await self._all.commit_if(changes)

    async def remove(self, scope: Scope) -> None:
        """Forgets a folder and those inside it; absent is fine."""
        documents = {scope.folder: await self.find(scope), **await self.below(scope)}
        changes: dict[str, tuple[bytes | None, int | None]] = {}
        for path, folder in documents.items():
            if folder is not None:
                changes |= {_key(scope.at(path)): (None, None), f"ids/{folder.id}": (None, None)}
        if changes:
            await self._all.commit_if(changes)

    def new_import(self, environment: str, folder: str) -> Import:
        """An import that is not stored yet."""
        now = self._clock.now()
        return Import(id=self._id(), environment=environment, folder=folder, created_at=now, updated_at=now)

    def touched(self, folder: Folder, **changes: object) -> Folder:
        """A changed folder."""
        return replace(folder, version=folder.version + 1, updated_at=self._clock.now(), **changes)

    async def _inside(self, scope: Scope) -> bool:
        return bool(await self._all.keys(scope.base, limit=1))

    def _written(self, scope: Scope, folder: Folder, expect: int | None) -> dict[str, tuple[bytes | None, int | None]]:
        place = Place(scope.project.id, scope.environment.slug, scope.folder)
        return {_key(scope): (_encode(folder), expect), f"ids/{folder.id}": (_encode(place), None)}

    def _id(self) -> str:
        digits = self._random(16).hex()
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


async def occupied(secrets: Versioned, base: str) -> bool:
    """Whether a folder of the kv mount has a secret, at any depth, that is not deleted."""
    async for _ in secrets.newest(base, deep=True):
        return True
    return False


def _key(scope: Scope) -> str:
    return scope.base[:-1] if scope.folder else scope.root + ROOT
