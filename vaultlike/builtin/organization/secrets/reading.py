"""Reading secrets: one by name, or those of a folder. Judged: the caller's policies are asked about each kv path."""

from __future__ import annotations

from collections.abc import AsyncIterator

from msgspec import Struct

from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.secrets.content import Content, content_of
from vaultlike.builtin.organization.secrets.folders import Folders, Import
from vaultlike.builtin.organization.secrets.names import existing_name, shown_path
from vaultlike.builtin.organization.secrets.references import References
from vaultlike.builtin.organization.secrets.rendering import show
from vaultlike.builtin.organization.secrets.scope import Scope, scope_of, secrets_of
from vaultlike.builtin.organization.secrets.tags import tags_of
from vaultlike.builtin.organization.secrets.wanted import Wanted
from vaultlike.builtin.organization.secrets.wire import (
    ImportedShown,
    Location,
    SecretQuery,
    SecretShown,
    SecretsQuery,
    SecretsShown,
)
from vaultlike.engines.kv.versioned import Reading, Versioned
from vaultlike.errors import Invalid, NotFound, PermissionDenied
from vaultlike.sdk import Call, Context, read
from vaultlike.services import Services

MAX_LISTED = 10_000  # secrets in one answer
MAX_SIZE = 32 * 1024 * 1024  # characters of values in one answer
MAX_IMPORT_DEPTH = 10  # imports in what is imported


class One(Struct):
    """A secret on its way out."""

    scope: Scope
    name: str
    reading: Reading
    content: Content


class Budget:
    """What one answer may still hold."""

    __slots__ = ("count", "size")

    def __init__(self) -> None:
        self.count = self.size = 0

    def take(self, value: object) -> None:
        """Raises Invalid when the answer becomes too large."""
        self.count += 1
        self.size += len(value) if isinstance(value, str) else 0
        if self.count > MAX_LISTED or self.size > MAX_SIZE:
            raise Invalid(
                f"More than {MAX_LISTED} secrets or {MAX_SIZE // 2**20} MiB of values in one answer; list inner folders"
            )


class Reader(Part):
    """`secrets` and `secrets/<name>`, read."""

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx, services)
        self._folders = Folders(ctx)

    @read("secrets/{name:any}", judged=True, free=True)
    async def read_secret(self, call: Call, body: SecretQuery) -> SecretShown:
        """Reads a secret: the newest version, or the one asked for; from imported folders too if asked."""
        scope = await self._scope(call, body)
        name, secrets = existing_name(call.params["name"]), secrets_of(self.services)
        path = scope.base + name
        scope.rights.require("read", path, {"version": str(body.version)} if body.version else None)
        found: One | None = None
        reading = await secrets.read(path, body.version)
        if reading is not None and reading.data is not None:
            found = One(scope, name, reading, content_of(reading.data))
        elif body.imports and not body.version:
            found = await self._imported_one(secrets, scope, name, set(), 0)
        if found is None:
            raise NotFound(f"Secret with name '{name}' not found")
        if body.expand_secret_references and body.view_secret_value:
            await _expand(References(secrets, scope), found)
        tags = await tags_of(self.ctx.storage, scope.project.id) if found.content.tags else {}
        return show(found.scope, name, found.reading.record, found.reading.number, found.content, tags,
                    hidden=not body.view_secret_value)  # fmt: skip

    @read("secrets", judged=True, free=True)
    async def list_secrets(self, call: Call, body: SecretsQuery) -> SecretsShown:
        """Lists the secrets of a folder that the caller may read; `recursive` lists those of inner folders too."""
        scope = await self._scope(call, body)
        secrets, wanted, budget = secrets_of(self.services), Wanted.of(body), Budget()
        if not body.recursive:
            scope.rights.require_list(scope.base)
        tags = await tags_of(self.ctx.storage, scope.project.id)
        references = References(secrets, scope) if body.expand_secret_references and body.view_secret_value else None
        hidden = not body.view_secret_value

        async def shown(one: One) -> SecretShown:
            if references is not None:
                await _expand(references, one)
            budget.take(one.content.value)
            return show(
                one.scope, one.name, one.reading.record, one.reading.number, one.content, tags, hidden=hidden
            )  # fmt: skip

        found = [
            await shown(one)
            async for one in self._readable(secrets, scope, deep=body.recursive)
            if wanted.fits(one.content, tags)
        ]
        if not found and body.recursive and not scope.rights.may_list(scope.base):
            raise PermissionDenied(reason=f"policies allow nothing to be listed below {scope.base}")
        answer = SecretsShown(secrets=found, imports=[])
        if body.imports:
            for importing in await self._importing(scope, deep=body.recursive):
                for listed in await self._imports(secrets, importing):
                    kept = [await shown(one) for one in listed.secrets if wanted.fits(one.content, tags)]
                    answer.imports.append(
                        ImportedShown(
                            secret_path=shown_path(listed.scope.folder), environment=listed.scope.environment.slug,
                            folder_id=listed.folder, secrets=kept,
                        )
                    )  # fmt: skip
        return answer

    async def _scope(self, call: Call, where: Location) -> Scope:
        if where.type != "shared":
            raise Invalid("Personal secrets belong to users: machine identities have none")
        return await scope_of(self.services, self.ctx.storage, call, where, where.secret_path)

    async def _readable(self, secrets: Versioned, scope: Scope, *, deep: bool) -> AsyncIterator[One]:
        """What the caller may list and read in a folder; one is looked at for `list` once."""
        rights = scope.rights
        places: dict[str, Scope | None] = {}
        async for path, reading in secrets.newest(scope.base, deep=deep):
            inner, slash, name = path.rpartition("/")
            if inner not in places:
                place = scope.at(f"{scope.folder}{inner}{slash}")
                places[inner] = place if rights.may_list(place.base) else None
            found = places[inner]
            if found is not None and reading.data is not None and rights.may("read", found.base + name):
                yield One(found, name, reading, content_of(reading.data))

    # Imports

    async def _importing(self, scope: Scope, *, deep: bool) -> list[Scope]:
        """The folders of the answer that may have imports."""
        inner = await self._folders.below(scope) if deep else {}
        return [scope, *(place for path in inner if scope.rights.may_list((place := scope.at(path)).base))]

    async def _imports(self, secrets: Versioned, scope: Scope) -> list[Imported]:
        """The imports of a folder in their order, each with what it imports itself behind its own secrets."""
        found: list[Imported] = []
        seen = {scope.base}
        for one in await self._targets(scope):
            if one.base not in seen:
                seen.add(one.base)
                folder = await self._folders.find(one) or self._folders.implied(one)
                found.append(Imported(one, folder.id, await self._import(secrets, one, seen, 1)))
        return found

    async def _import(self, secrets: Versioned, scope: Scope, seen: set[str], depth: int) -> list[One]:
        if not scope.rights.may_list(scope.base):
            return []
        found = [one async for one in self._readable(secrets, scope, deep=False)]
        names = {one.name for one in found}
        if depth >= MAX_IMPORT_DEPTH:
            return found
        for inner in await self._targets(scope):
            if inner.base not in seen:
                seen.add(inner.base)
                more = [one for one in await self._import(secrets, inner, seen, depth + 1) if one.name not in names]
                names.update(one.name for one in more)
                found += more
        return found

    async def _imported_one(
        self, secrets: Versioned, scope: Scope, name: str, seen: set[str], depth: int
    ) -> One | None:
        """The secret in the folders that a folder imports; of several the one that is imported last."""
        seen.add(scope.base)
        for target in reversed(await self._targets(scope)):
            if target.base in seen:
                continue
            reading = await secrets.read(target.base + name) if scope.rights.may("read", target.base + name) else None
            if reading is not None and reading.data is not None:
                return One(target, name, reading, content_of(reading.data))
            if depth < MAX_IMPORT_DEPTH:
                found = await self._imported_one(secrets, target, name, seen, depth + 1)
                if found is not None:
                    return found
        return None

    async def _targets(self, scope: Scope) -> list[Scope]:
        """The folders that a folder imports; those of environments that are gone are left out."""
        folder = await self._folders.find(scope)
        known = {one.slug: one for one in scope.project.environments}
        imports: tuple[Import, ...] = folder.imports if folder is not None else ()
        return [scope.at(one.folder, known[one.environment]) for one in imports if one.environment in known]


class Imported(Struct):
    """An imported folder, its id, and what it brings."""

    scope: Scope
    folder: str
    secrets: list[One]


async def _expand(references: References, one: One) -> None:
    value = one.content.value
    if isinstance(value, str):
        one.content.value = await references.expand(one.scope, one.name, value)
