"""`/api/v1/folders` and `/api/v2/folders`, `/api/v1/secret-imports` and `/api/v2/secret-imports`, and tags."""

from __future__ import annotations

from typing import cast

from msgspec.structs import replace

from vaultlike.builtin.organization.secrets.folder_wire import (
    Around,
    FolderChange,
    FolderEnd,
    FoldersQuery,
    ImportChange,
    ImportsShown,
    NewFolder,
    NewImport,
)
from vaultlike.builtin.organization.secrets.tags import TagFields, TagsShown
from vaultlike.http.infisical.ask import Ask
from vaultlike.http.infisical.conditional import conditional
from vaultlike.http.infisical.endpoint import endpoint
from vaultlike.http.message import Outgoing

_FOLDERS, _IMPORTS = "organization/folders", "organization/imports"


@endpoint("GET", "/v1/folders", query=FoldersQuery)
@endpoint("GET", "/v2/folders", query=FoldersQuery)
async def list_folders(ask: Ask, query: FoldersQuery) -> Outgoing:
    """The folders inside a folder."""
    return conditional(ask, await ask.core("read", _FOLDERS, query))


@endpoint("GET", "/v1/folders/{id}")
@endpoint("GET", "/v2/folders/{id}")
async def read_folder(ask: Ask) -> Outgoing:
    """A folder by its id."""
    return conditional(ask, {"folder": await ask.core("read", f"{_FOLDERS}/{ask.params['id']}")})


@endpoint("POST", "/v1/folders", body=NewFolder)
@endpoint("POST", "/v2/folders", body=NewFolder)
async def create_folder(ask: Ask, body: NewFolder) -> object:
    """Makes a folder."""
    return {"folder": await ask.core("write", _FOLDERS, body)}


@endpoint("PATCH", "/v1/folders/{id}", body=FolderChange)
@endpoint("PATCH", "/v2/folders/{id}", body=FolderChange)
async def update_folder(ask: Ask, body: FolderChange) -> object:
    """Renames or describes a folder."""
    return {"folder": await ask.core("patch", f"{_FOLDERS}/{ask.params['id']}", body)}


@endpoint("DELETE", "/v1/folders/{id}", body=FolderEnd)
async def delete_folder_v1(ask: Ask, body: FolderEnd) -> object:
    """Deletes a folder with what is in it: version 1 knows no other way."""
    return {"folder": await ask.core("delete", f"{_FOLDERS}/{ask.params['id']}", replace(body, force_delete=True))}


@endpoint("DELETE", "/v2/folders/{id}", body=FolderEnd)
async def delete_folder(ask: Ask, body: FolderEnd) -> object:
    """Deletes an empty folder, or with `forceDelete` any."""
    return {"folder": await ask.core("delete", f"{_FOLDERS}/{ask.params['id']}", body)}


# Imports


@endpoint("GET", "/v1/secret-imports", query=Around)
@endpoint("GET", "/v2/secret-imports", query=Around)
async def list_imports(ask: Ask, query: Around) -> Outgoing:
    """The imports of a folder."""
    found = cast(ImportsShown, await ask.core("read", _IMPORTS, query))
    answer = {"message": "Successfully fetched secret imports", "secretImports": found.secret_imports}
    return conditional(ask, answer)


@endpoint("GET", "/v1/secret-imports/{id}", query=Around)
@endpoint("GET", "/v2/secret-imports/{id}", query=Around)
async def read_import(ask: Ask, query: Around) -> Outgoing:
    """One import."""
    return conditional(ask, {"secretImport": await ask.core("read", f"{_IMPORTS}/{ask.params['id']}", query)})


@endpoint("POST", "/v1/secret-imports", body=NewImport)
@endpoint("POST", "/v2/secret-imports", body=NewImport)
async def create_import(ask: Ask, body: NewImport) -> object:
    """Imports a folder into another."""
    made = await ask.core("write", _IMPORTS, body)
    return {"message": "Successfully created secret import", "secretImport": made}


@endpoint("PATCH", "/v1/secret-imports/{id}", body=ImportChange)
@endpoint("PATCH", "/v2/secret-imports/{id}", body=ImportChange)
async def update_import(ask: Ask, body: ImportChange) -> object:
    """Changes an import or its position."""
    changed = await ask.core("patch", f"{_IMPORTS}/{ask.params['id']}", body)
    return {"message": "Successfully updated secret import", "secretImport": changed}


@endpoint("DELETE", "/v1/secret-imports/{id}", body=Around)
@endpoint("DELETE", "/v2/secret-imports/{id}", body=Around)
async def delete_import(ask: Ask, body: Around) -> object:
    """Ends an import."""
    gone = await ask.core("delete", f"{_IMPORTS}/{ask.params['id']}", body)
    return {"message": "Successfully deleted secret import", "secretImport": gone}


# Tags: the older paths name them `workspaceTag`, the newer ones `tag`


@endpoint("GET", "/v1/workspace/{project}/tags")
@endpoint("GET", "/v1/projects/{project}/tags")
async def list_tags(ask: Ask) -> Outgoing:
    """The tags of a project."""
    found = cast(TagsShown, await ask.core("read", _tags(ask))).tags
    return conditional(ask, {"workspaceTags": found, "tags": found})


@endpoint("POST", "/v1/workspace/{project}/tags", body=TagFields)
@endpoint("POST", "/v1/projects/{project}/tags", body=TagFields)
async def create_tag(ask: Ask, body: TagFields) -> object:
    """Makes a tag."""
    return _tag(await ask.core("write", _tags(ask), body))


@endpoint("GET", "/v1/workspace/{project}/tags/{tag}")
@endpoint("GET", "/v1/projects/{project}/tags/{tag}")
@endpoint("GET", "/v1/workspace/{project}/tags/slug/{tag}")
@endpoint("GET", "/v1/projects/{project}/tags/slug/{tag}")
async def read_tag(ask: Ask) -> Outgoing:
    """A tag by its id or slug."""
    return conditional(ask, _tag(await ask.core("read", _tags(ask))))


@endpoint("PATCH", "/v1/workspace/{project}/tags/{tag}", body=TagFields)
@endpoint("PATCH", "/v1/projects/{project}/tags/{tag}", body=TagFields)
async def update_tag(ask: Ask, body: TagFields) -> object:
    """Changes a tag."""
    return _tag(await ask.core("patch", _tags(ask), body))


@endpoint("DELETE", "/v1/workspace/{project}/tags/{tag}")
@endpoint("DELETE", "/v1/projects/{project}/tags/{tag}")
async def delete_tag(ask: Ask) -> object:
    """Deletes a tag."""
    return _tag(await ask.core("delete", _tags(ask)))


def _tags(ask: Ask) -> str:
    path = f"organization/projects/{ask.params['project']}/tags"
    return f"{path}/{ask.params['tag']}" if "tag" in ask.params else path


def _tag(found: object) -> dict[str, object]:
    return {"workspaceTag": found, "tag": found}
