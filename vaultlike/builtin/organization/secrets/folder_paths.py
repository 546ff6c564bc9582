"""`folders`: what lies between an environment and its secrets.

Judged by the paths that a project's roles speak of, `organization/projects/<id>/folders/<environment>/<folder>/<name>`.
Whoever may list names in the kv mount sees folders too. What happens to secrets when a folder goes or is renamed is
asked of their own paths.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.places import ORGANIZATION
from vaultlike.builtin.organization.projects import find_project
from vaultlike.builtin.organization.secrets.folder_wire import (
    Around,
    EnvironmentShown,
    FolderChange,
    FolderEnd,
    FolderShown,
    FoldersQuery,
    FoldersShown,
    NewFolder,
    show_folder,
)
from vaultlike.builtin.organization.secrets.folders import MAX_FOLDERS, Folder, Folders, occupied
from vaultlike.builtin.organization.secrets.names import new_folder_name, shown_path, split_folder
from vaultlike.builtin.organization.secrets.scope import Scope, rights_of, scope_of, secrets_of
from vaultlike.engines.kv.versioned import Reading, Versioned
from vaultlike.errors import Invalid, NotFound, PermissionDenied
from vaultlike.sdk import Call, Context, delete, patch, read, write
from vaultlike.sdk.call import Operation
from vaultlike.services import Services

MAX_DESCRIPTION = 1024  # characters
MAX_MOVED = 1000  # secrets that move or go with their folder in one request


class FolderPaths(Part):
    """Handlers over folders."""

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx, services)
        self._folders = Folders(ctx)

    @read("folders", judged=True)
    async def list_folders(self, call: Call, body: FoldersQuery) -> FoldersShown:
        """Lists the folders inside a folder; `recursive` lists those inside them too."""
        scope, secrets = await self._scope(call, body), secrets_of(self.services)
        if not self._may_see(scope):
            raise PermissionDenied(reason=f"policies do not allow list on {_path(scope)}")
        since = _time(body.last_secret_modified)
        known = await self._folders.below(scope)
        if not body.recursive:
            known = {path: folder for path, folder in known.items() if split_folder(path)[0] == scope.folder}
        known |= await self._implied(secrets, scope, known, deep=body.recursive)
        shown = []
        for path in sorted(known):
            place = scope.at(path)
            if not self._may_see(scope.at(split_folder(path)[0]), split_folder(path)[1]):
                continue
            modified = await _modified(secrets, place) if since is not None else 0
            if since is None or modified >= since:
                one = show_folder(place, known[path], known.get(split_folder(path)[0]), modified)
                one.relative_path = shown_path(path) if body.recursive else one.relative_path
                shown.append(one)
        return FoldersShown(folders=shown)

    @read("folders/{id:any}", judged=True)
    async def read_folder(self, call: Call) -> FolderShown:
        """Reads a folder that was made, by its id."""
        rights, place = await rights_of(self.services, call), await self._folders.by_id(call.params["id"])
        project = await find_project(self.ctx.storage, place.project) if place is not None else None
        if place is None or project is None:
            raise NotFound(f"Folder with ID '{call.params['id'][:64]}' not found")
        scope = Scope(project, project.environment(place.environment), place.folder, rights)
        outer, name = split_folder(scope.folder)
        if not self._may_see(scope.at(outer), name):
            raise PermissionDenied(reason=f"policies do not allow read on {_path(scope)}")
        found = show_folder(scope, await self._folders.require(secrets_of(self.services), scope))
        environment = scope.environment
        found.project_id = project.id
        found.environment = EnvironmentShown(
            env_id=environment.id, env_name=environment.name, env_slug=environment.slug
        )
        return found

    @write("folders", judged=True)
    async def create_folder(self, call: Call, body: NewFolder) -> FolderShown:
        """Makes a folder, and those around it where they are not yet."""
        outer = await self._scope(call, body)
        scope = outer.at(f"{outer.folder}{new_folder_name(body.name)}/")
        outer.rights.demand("create", _path(scope))
        return show_folder(scope, await self._folders.create(scope, _description(body.description)))

    @patch("folders/{id:any}", judged=True)
    async def update_folder(self, call: Call, body: FolderChange) -> FolderShown:
        """Describes a folder anew or renames it: everything in it moves along, with all versions."""
        outer, secrets = await self._scope(call, body), secrets_of(self.services)
        scope, folder = await self._allowed(secrets, outer, call.params["id"], "update")
        if body.name and body.name.strip() != split_folder(scope.folder)[1]:
            target = outer.at(f"{outer.folder}{new_folder_name(body.name)}/")
            await self._move(secrets, scope, target)
            scope = target
        given = {} if not isinstance(body.description, str | None) else {"description": _description(body.description)}
        return show_folder(
            scope, await self._folders.change(scope, lambda old: self._folders.touched(old, id=folder.id, **given))
        )

    @delete("folders/{id:any}", judged=True)
    async def delete_folder(self, call: Call, body: FolderEnd) -> FolderShown:
        """Deletes a folder, by its id or name; the versions of the secrets in it can be undeleted."""
        outer, secrets = await self._scope(call, body), secrets_of(self.services)
        scope, folder = await self._allowed(secrets, outer, call.params["id"], "delete")
        inside, folders = await _contents(secrets, scope), await self._folders.below(scope)
        if (inside or folders) and not body.force_delete:
            raise Invalid("The folder is not empty; forceDelete deletes it with what is in it")
        for path in folders:
            scope.rights.demand("delete", _path(scope.at(path)))
        for path in inside:
            scope.rights.require("delete", scope.base + path)
        await secrets.delete_all([scope.base + path for path in inside], lambda _: None)
        await self._folders.remove(scope)
        return show_folder(scope, folder)

    async def _scope(self, call: Call, where: Around) -> Scope:
        return await scope_of(self.services, self.ctx.storage, call, where, where.outer)

    def _may_see(self, outer: Scope, name: str = "x") -> bool:
        """Whether the caller may know of a folder inside `outer`."""
        rights, path = outer.rights, _inside(outer)
        return rights.may_list(outer.base) or rights.allows("list", path) or rights.allows("read", path + name)

    async def _implied(
        self, secrets: Versioned, scope: Scope, known: Mapping[str, Folder], *, deep: bool
    ) -> dict[str, Folder]:
        """The folders that nobody made, but that have secrets."""
        found: dict[str, Folder] = {}
        if not deep:
            for name in await secrets.folders(scope.base):
                path = f"{scope.folder}{name}/"
                if path not in known and await occupied(secrets, scope.at(path).base):
                    found[path] = self._folders.implied(scope.at(path))
            return found
        async for path, _ in secrets.newest(scope.base, deep=True):
            inner = scope.folder + path.rpartition("/")[0] + "/"
            while len(inner) > len(scope.folder) + 1 and inner not in known and inner not in found:
                found[inner] = self._folders.implied(scope.at(inner))
                inner = split_folder(inner)[0]
            if len(found) > MAX_FOLDERS:
                raise Invalid(f"More than {MAX_FOLDERS} folders; ask for those of an inner folder")
        return found

    async def _allowed(
        self, secrets: Versioned, outer: Scope, reference: str, operation: Operation
    ) -> tuple[Scope, Folder]:
        """The folder inside `outer` with this name or id, if the caller may do this to it. Raises PermissionDenied, and
        NotFound for those alone who might do it to a folder of this name."""
        found = await self._named(secrets, outer, reference)
        outer.rights.demand(operation, _path(found[0]) if found is not None else _inside(outer) + reference)
        if found is None:
            raise NotFound(f"Folder with ID '{reference[:64]}' not found")
        return found

    async def _named(self, secrets: Versioned, outer: Scope, reference: str) -> tuple[Scope, Folder] | None:
        """The folder inside `outer` with this name or id."""
        if "/" not in reference and reference not in (".", ".."):
            scope = outer.at(f"{outer.folder}{reference}/")
            found = await self._folders.find(scope)
            if found is not None or await occupied(secrets, scope.base):
                return scope, found or self._folders.implied(scope)
        place = await self._folders.by_id(reference)
        if place is not None and (place.project, place.environment) == (outer.project.id, outer.environment.slug):
            scope = outer.at(place.folder)
            found = await self._folders.find(scope)
            if found is not None and scope.folder and split_folder(scope.folder)[0] == outer.folder:
                return scope, found
        for name in await secrets.folders(outer.base):
            scope = outer.at(f"{outer.folder}{name}/")
            if self._folders.implied(scope).id == reference and await occupied(secrets, scope.base):
                return scope, self._folders.implied(scope)
        return None

    async def _move(self, secrets: Versioned, scope: Scope, target: Scope) -> None:
        """Everything in a folder goes to another place, secret by secret, each with its versions."""
        target.rights.demand("create", _path(target))
        if await self._folders.find(target) is not None or await occupied(secrets, target.base):
            raise Invalid("Folder with this name already exists at this path")
        inside = await _contents(secrets, scope)
        for path in await self._folders.below(scope):
            scope.rights.demand("update", _path(scope.at(path)))
        for path in inside:
            for operation in ("read", "update", "delete"):
                scope.rights.require(operation, scope.base + path)
            target.rights.require("create", target.base + path)
        for path in inside:
            await secrets.relocate(scope.base + path, target.base + path)
        await self._folders.move(scope, target)


def _inside(scope: Scope) -> str:
    """The path that policies speak of, up to the name of a folder in this one."""
    return f"{ORGANIZATION}projects/{scope.project.id}/folders/{scope.environment.slug}/{scope.folder}"


def _path(scope: Scope) -> str:
    """The path that policies speak of."""
    return _inside(scope).removesuffix("/")


async def _contents(secrets: Versioned, scope: Scope) -> list[str]:
    """The secrets in a folder, at any depth. Raises Invalid for too many."""
    found: list[str] = []
    async for path, _ in secrets.newest(scope.base, deep=True):
        found.append(path)
        if len(found) > MAX_MOVED:
            raise Invalid(f"The folder has more than {MAX_MOVED} secrets; begin with inner folders")
    return found


async def _modified(secrets: Versioned, scope: Scope) -> float:
    """When a secret directly in the folder was last written; 0 for never."""
    return max([_written(found) async for _, found in secrets.newest(scope.base, deep=False)], default=0.0)


def _written(found: Reading) -> float:
    return found.record.versions[found.number].created_at


def _time(text: str) -> float | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("lastSecretModified is a time such as 2026-01-02T03:04:05Z") from None
    if at.tzinfo is None:
        raise Invalid("lastSecretModified needs a time zone")
    return at.timestamp()


def _description(text: object) -> str:
    if not isinstance(text, str):
        return ""
    if len(text) > MAX_DESCRIPTION:
        raise Invalid(f"A description has at most {MAX_DESCRIPTION} characters")
    return text
