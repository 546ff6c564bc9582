"""Secrets by (path, name, environment), as Hanzo KMS has them (spec/infisical.md 5): the same secrets, with less about
them. Judged: the caller's policies are asked about the kv path.

Its "org" is a project here, by slug or id. A path is the folder's; folders need not be made before.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.secrets.content import changed, content_of
from vaultlike.builtin.organization.secrets.names import existing_name, new_name
from vaultlike.builtin.organization.secrets.scope import Scope, scope_of, secrets_of
from vaultlike.builtin.organization.secrets.wire import Location, SecretFields
from vaultlike.builtin.organization.wire import Wire
from vaultlike.engines.kv.versioned import Reading
from vaultlike.errors import Invalid, NotFound, VersionConflict
from vaultlike.sdk import Call, delete, list_, patch, read, write

LISTED = 10_000  # names in one answer
_NO_FIELDS = SecretFields()


class KeyedBody(Wire):
    """A write of one value."""

    path: Annotated[str, Meta(description="The folder, such as `providers/lux`; empty for none.")] = ""
    name: Annotated[str, Meta(description="The secret's name.")] = ""
    env: Annotated[str, Meta(description="The environment's slug.")] = ""
    value: Annotated[str, Meta(description="The value.")] = ""


class KeyedChange(Wire):
    """A change of one value that was read before."""

    value: Annotated[str, Meta(description="The new value.")] = ""
    version: Annotated[int, Meta(description="The version that it must have now.")] = 0


class KeyedShown(Wire):
    """A value with its version."""

    value: str
    version: int


class Written(Wire):
    """The version that a write made."""

    version: int


class KeyedName(Wire):
    """Where a secret is; never its value."""

    path: str
    name: str
    env: str


class KeyedPaths(Part):
    """`kms/<org>/<environment>/<path>/<name>`."""

    @read("kms/{org:any}/{env:any}/{path:rest}", judged=True)
    async def read_value(self, call: Call) -> KeyedShown:
        """Reads a value."""
        scope, name = await self._named(call)
        scope.rights.require("read", scope.base + name)
        found = await secrets_of(self.services).read(scope.base + name)
        if found is None or found.data is None:
            raise NotFound("not found")
        return KeyedShown(value=str(content_of(found.data).value), version=found.number)

    @write("kms/{org:any}", judged=True)
    async def put_value(self, call: Call, body: KeyedBody) -> Written:
        """Writes a value, whether there was one or not; what else is kept with the secret stays."""
        scope, secrets = await self._scope(call, body.env, body.path), secrets_of(self.services)
        name = new_name(body.name)
        path, sent = scope.base + name, {"data": {"value": body.value}}
        scope.rights.require("update" if await secrets.exists(path) else "create", path, sent)

        def make(known: Reading | None) -> object:
            return changed(known.data if known is not None else None, body.value, _NO_FIELDS)

        record = await secrets.write(path, make)
        return Written(version=record.current)

    @patch("kms/{org:any}/{env:any}/{path:rest}", judged=True)
    async def change_value(self, call: Call, body: KeyedChange) -> Written:
        """Writes a value over the version that the caller knows, and no other."""
        scope, name = await self._named(call)
        path = scope.base + name
        scope.rights.require("update", path, {"data": {"value": body.value}})

        def make(known: Reading | None) -> object:
            if known is None:
                raise NotFound("not found")
            if known.number != body.version:
                raise VersionConflict(known.number, body.version)
            return changed(known.data, body.value, _NO_FIELDS)

        record = await secrets_of(self.services).write(path, make)
        return Written(version=record.current)

    @delete("kms/{org:any}/{env:any}/{path:rest}", judged=True)
    async def delete_value(self, call: Call) -> None:
        """Deletes a secret as `vault kv delete` does: its versions stay, and are counted on."""
        scope, name = await self._named(call)
        path = scope.base + name
        scope.rights.require("delete", path)
        await secrets_of(self.services).delete_all([path], lambda _: NotFound("not found"))

    @list_("kms/{org:any}/{env:any}/", judged=True)
    async def list_values(self, call: Call, body: KeyedBody) -> dict[str, object]:
        """Lists the secrets of a folder and of those inside, without values: those that the caller may read."""
        scope = await self._scope(call, call.params["env"], body.path)
        scope.rights.require_list(scope.base)
        rows: list[KeyedName] = []
        async for path, _ in secrets_of(self.services).newest(scope.base, deep=True):
            if not scope.rights.may("read", scope.base + path):
                continue
            if len(rows) >= LISTED:
                return {"secrets": rows, "truncated": True}
            folder, _, name = path.rpartition("/")
            inner = (scope.folder + folder).strip("/")
            rows.append(KeyedName(path=inner, name=name, env=scope.environment.slug))
        return {"secrets": rows, "truncated": False}

    async def _named(self, call: Call) -> tuple[Scope, str]:
        folder, _, name = call.params["path"].rpartition("/")
        return await self._scope(call, call.params["env"], folder), existing_name(name)

    async def _scope(self, call: Call, environment: str, folder: str) -> Scope:
        if not environment:
            raise Invalid("env required")
        org = call.params["org"]
        is_id = len(org) == 36 and org.count("-") == 4
        where = Location(environment=environment, **{"project_id" if is_id else "project_slug": org})
        return await scope_of(self.services, self.ctx.storage, call, where, folder)
