"""The bodies, queries and answers about folders and imports, named as the second API names them."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field

from vaultlike.builtin.organization.secrets.folders import Folder, Import
from vaultlike.builtin.organization.secrets.names import shown_path, split_folder
from vaultlike.builtin.organization.secrets.rendering import uuid_of
from vaultlike.builtin.organization.secrets.scope import Scope
from vaultlike.builtin.organization.secrets.wire import Whose
from vaultlike.builtin.organization.wire import Wire
from vaultlike.clock import rfc3339


class Around(Whose, omit_defaults=True, kw_only=True):
    """The folder around what a request is about."""

    path: Annotated[str, Meta(description="The folder around it, such as `/`.")] = ""
    directory: Annotated[str, Meta(description="The older name of `path`.")] = ""

    @property
    def outer(self) -> str:
        """The path, however it was written."""
        return self.path or self.directory or "/"


class FoldersQuery(Around, omit_defaults=True, kw_only=True):
    """Which folders are to be listed."""

    recursive: Annotated[bool, Meta(description="Whether the folders inside are listed too.")] = False
    last_secret_modified: Annotated[
        str, Meta(description="Only folders with a secret that was changed then or later: a time of RFC 3339.")
    ] = ""


class NewFolder(Around, omit_defaults=True, kw_only=True):
    """A folder to be made."""

    name: Annotated[str, Meta(description="Letters, digits, dashes and underscores.")]
    description: Annotated[str | None, Meta(description="Words about the folder.")] = None


class FolderChange(Around, omit_defaults=True, kw_only=True):
    """What is to be another of a folder."""

    name: Annotated[str, Meta(description="What it shall be called; every secret in it moves.")] = ""
    description: Annotated[str | UnsetType | None, Meta(description="Words about the folder.")] = UNSET


class FolderEnd(Around, omit_defaults=True, kw_only=True):
    """How a folder is to be deleted."""

    force_delete: Annotated[bool, Meta(description="Whether one that is not empty is deleted with what is in it.")] = (
        False
    )


class EnvironmentShown(Wire, kw_only=True):
    """An environment as a folder shows it."""

    env_id: str
    env_name: str
    env_slug: str


class FolderShown(Wire, kw_only=True):
    """A folder; `path` is its own, `relative_path` the one around it below where a recursive list began."""

    id: str
    name: str
    version: int
    created_at: str
    updated_at: str
    env_id: str
    parent_id: str
    is_reserved: bool = False
    description: str | None = None
    last_secret_modified: str | None = None
    path: str
    relative_path: str | UnsetType = UNSET
    project_id: str | UnsetType = UNSET
    environment: EnvironmentShown | UnsetType = UNSET


class FoldersShown(Wire, kw_only=True):
    """Several folders."""

    folders: list[FolderShown]


def show_folder(scope: Scope, folder: Folder, parent: Folder | None = None, modified: float = 0) -> FolderShown:
    """The scope's folder; `modified` is when a secret in it last changed, 0 where nobody looked."""
    outer, name = split_folder(scope.folder)
    place = scope.at(outer)
    parent_id = parent.id if parent is not None else uuid_of("folder", place.project.id, place.environment.id, outer)
    return FolderShown(
        id=folder.id, name=name or "root", version=folder.version, created_at=rfc3339(folder.created_at),
        updated_at=rfc3339(folder.updated_at), env_id=scope.environment.id, parent_id=parent_id,
        description=folder.description or None, path=shown_path(scope.folder),
        last_secret_modified=rfc3339(modified) if modified else None,
    )  # fmt: skip


# Imports


class Source(Wire, omit_defaults=True, kw_only=True):
    """The folder that is imported."""

    environment: str | UnsetType = UNSET
    path: str | UnsetType = UNSET
    position: int | UnsetType = UNSET  # counted from 1


class NewImport(Around, omit_defaults=True, kw_only=True):
    """An import to be made."""

    source: Annotated[Source, Meta(description="The folder that is imported: `environment` and `path`.")] = field(
        name="import"
    )
    is_replication: Annotated[bool, Meta(description="Replications are not built here.")] = False


class ImportChange(Around, omit_defaults=True, kw_only=True):
    """What is to be another of an import."""

    source: Annotated[Source, Meta(description="What shall be imported instead, and at which `position`.")] = field(
        name="import"
    )


class ImportEnvironment(Wire, kw_only=True):
    """The environment of an imported folder."""

    id: str
    name: str
    slug: str


class ImportShown(Wire, kw_only=True):
    """An import of a folder."""

    id: str
    version: int
    import_path: str
    import_env: ImportEnvironment
    position: int
    created_at: str
    updated_at: str
    folder_id: str
    is_replication: bool = False
    is_reserved: bool = False
    replication_status: None = None
    last_replicated: None = None


class ImportsShown(Wire, kw_only=True):
    """The imports of a folder."""

    secret_imports: list[ImportShown]


def show_import(scope: Scope, folder: Folder, one: Import) -> ImportShown:
    """An import of the scope's folder."""
    position = next((place for place, known in enumerate(folder.imports, 1) if known.id == one.id), 0)
    environment = next((known for known in scope.project.environments if known.slug == one.environment), None)
    return ImportShown(
        id=one.id, version=1, import_path=shown_path(one.folder), position=position, folder_id=folder.id,
        import_env=ImportEnvironment(
            id=environment.id if environment else "", name=environment.name if environment else one.environment,
            slug=one.environment,
        ),
        created_at=rfc3339(one.created_at), updated_at=rfc3339(one.updated_at),
    )  # fmt: skip
