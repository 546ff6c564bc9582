"""`imports`: folders whose secrets count in another folder too.

Judged by the paths that a project's roles speak of, `organization/projects/<id>/imports/<environment>/<folder>/<id>`.
To import a folder one must be allowed to list it; who reads through an import is asked about each secret's own path.
"""

from __future__ import annotations

from msgspec.structs import replace

from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.places import ORGANIZATION
from vaultlike.builtin.organization.secrets.folder_wire import (
    Around,
    ImportChange,
    ImportShown,
    ImportsShown,
    NewImport,
    Source,
    show_import,
)
from vaultlike.builtin.organization.secrets.folders import MAX_IMPORTS, Folder, Folders, Import
from vaultlike.builtin.organization.secrets.names import folder_of
from vaultlike.builtin.organization.secrets.scope import Scope, scope_of, secrets_of
from vaultlike.errors import Invalid, NotBuilt, NotFound, PermissionDenied
from vaultlike.sdk import Call, Context, delete, patch, read, write
from vaultlike.services import Services


class ImportPaths(Part):
    """Handlers over the imports of one folder."""

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx, services)
        self._folders = Folders(ctx)

    @read("imports", judged=True)
    async def list_imports(self, call: Call, body: Around) -> ImportsShown:
        """Lists the imports of a folder, in their order: the later ones go first where names are equal."""
        scope = await self._scope(call, body)
        path = _path(scope)
        if not (scope.rights.allows("list", path) or scope.rights.allows("read", path + "x")):
            raise PermissionDenied(reason=f"policies do not allow list on {path}")
        folder = await self._folders.require(secrets_of(self.services), scope)
        shown = [
            show_import(scope, folder, one) for one in folder.imports if scope.rights.allows("read", path + one.id)
        ]
        return ImportsShown(secret_imports=shown)

    @read("imports/{id:any}", judged=True)
    async def read_import(self, call: Call, body: Around) -> ImportShown:
        """Reads an import of a folder."""
        scope = await self._scope(call, body)
        scope.rights.demand("read", _path(scope) + call.params["id"])
        folder = await self._folders.require(secrets_of(self.services), scope)
        return show_import(scope, folder, _named(folder, call.params["id"]))

    @write("imports", judged=True)
    async def create_import(self, call: Call, body: NewImport) -> ImportShown:
        """Imports a folder into another, behind what is imported already."""
        if body.is_replication:
            raise NotBuilt("replicated imports are not implemented by this server; plain imports are")
        scope = await self._scope(call, body)
        if not isinstance(body.source.environment, str) or not isinstance(body.source.path, str):
            raise Invalid("import needs environment and path")
        made = self._folders.new_import(body.source.environment, folder_of(body.source.path))
        scope.rights.demand("create", _path(scope) + made.id)
        await self._folders.require(secrets_of(self.services), scope)
        await self._check(scope, made)

        def add(folder: Folder) -> Folder:
            if len(folder.imports) >= MAX_IMPORTS:
                raise Invalid(f"A folder has at most {MAX_IMPORTS} imports")
            return self._folders.touched(folder, imports=_distinct((*folder.imports, made)))

        return show_import(scope, await self._folders.change(scope, add), made)

    @patch("imports/{id:any}", judged=True)
    async def update_import(self, call: Call, body: ImportChange) -> ImportShown:
        """Imports another folder in its place, or moves it in the order."""
        scope = await self._scope(call, body)
        scope.rights.demand("update", _path(scope) + call.params["id"])
        found = await self._folders.require(secrets_of(self.services), scope)
        new = _changed(_named(found, call.params["id"]), body.source, self.ctx.clock.now())
        await self._check(scope, new)

        def edit(folder: Folder) -> Folder:
            old = _named(folder, new.id)
            others = [one for one in folder.imports if one.id != new.id]
            position = body.source.position
            place = min(max(position - 1, 0), len(others)) if isinstance(position, int) else folder.imports.index(old)
            others.insert(place, new)
            return self._folders.touched(folder, imports=_distinct(tuple(others)))

        return show_import(scope, await self._folders.change(scope, edit), new)

    @delete("imports/{id:any}", judged=True)
    async def delete_import(self, call: Call, body: Around) -> ImportShown:
        """Ends an import; the imported folder stays as it is."""
        scope = await self._scope(call, body)
        scope.rights.demand("delete", _path(scope) + call.params["id"])
        shown: list[ImportShown] = []

        def remove(folder: Folder) -> Folder:
            gone = _named(folder, call.params["id"])
            shown[:] = [show_import(scope, folder, gone)]
            return self._folders.touched(folder, imports=tuple(one for one in folder.imports if one.id != gone.id))

        await self._folders.change(scope, remove)
        return shown[0]

    async def _scope(self, call: Call, where: Around) -> Scope:
        return await scope_of(self.services, self.ctx.storage, call, where, where.outer)

    async def _check(self, scope: Scope, one: Import) -> None:
        """Raises NotFound for a folder that is not there, PermissionDenied for one that the caller may not list."""
        source = scope.at(one.folder, scope.project.environment(one.environment))
        if source.base == scope.base:
            raise Invalid("A folder cannot import itself")
        source.rights.require_list(source.base)
        await self._folders.require(secrets_of(self.services), source)


def _path(scope: Scope) -> str:
    """The path that policies speak of, up to the import's id."""
    return f"{ORGANIZATION}projects/{scope.project.id}/imports/{scope.environment.slug}/{scope.folder}"


def _named(folder: Folder, identity: str) -> Import:
    for one in folder.imports:
        if one.id == identity:
            return one
    raise NotFound(f"Secret import with ID '{identity[:64]}' not found")


def _changed(old: Import, source: Source, now: float) -> Import:
    environment = source.environment if isinstance(source.environment, str) else old.environment
    folder = folder_of(source.path) if isinstance(source.path, str) else old.folder
    return replace(old, environment=environment, folder=folder, updated_at=now)


def _distinct(imports: tuple[Import, ...]) -> tuple[Import, ...]:
    if len({(one.environment, one.folder) for one in imports}) < len(imports):
        raise Invalid("The folder imports this one already")
    return imports
