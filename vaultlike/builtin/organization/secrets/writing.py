"""Making, changing and deleting one secret. Judged: the caller's policies are asked about the kv path.

Deleting is what `vault kv delete` does: the versions stay, and `vault kv undelete` brings the secret back. The right to
delete data says nothing of the right to destroy history, which is `metadata/`'s on `/v1`; and whoever deletes by
mistake through either API finds the same way back. To all reads and lists of the second API the secret is gone, and it
can be made anew: its versions are counted on.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.secrets.content import changed, check_fields, content_of
from vaultlike.builtin.organization.secrets.folders import Folders
from vaultlike.builtin.organization.secrets.names import existing_name, new_name
from vaultlike.builtin.organization.secrets.rendering import show
from vaultlike.builtin.organization.secrets.scope import Scope, scope_of, secrets_of
from vaultlike.builtin.organization.secrets.tags import tags_of
from vaultlike.builtin.organization.secrets.wire import (
    Location,
    NewSecret,
    SecretChange,
    SecretFields,
    SecretShown,
    TagShown,
)
from vaultlike.engines.kv.record import Record
from vaultlike.engines.kv.versioned import Reading, Versioned
from vaultlike.errors import Invalid, NotFound, PermissionDenied
from vaultlike.sdk import Call, Context, delete, patch, write
from vaultlike.services import Services

_encode = msgspec.json.Encoder().encode


class Writing(Part):
    """What single writes and batches share: who may write what, and what is shown of it."""

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx, services)
        self._folders = Folders(ctx)

    async def scope(self, call: Call, where: Location) -> Scope:
        """What a write is about. Raises Invalid for personal secrets, and as `scope_of`."""
        if where.type != "shared":
            raise Invalid("Personal secrets belong to users: machine identities have none")
        return await scope_of(self.services, self.ctx.storage, call, where, where.secret_path)

    async def allow_new(self, secrets: Versioned, scope: Scope, name: str, data: Mapping[str, object]) -> None:
        """Raises PermissionDenied unless `/v1` would let the caller write there: to create, or over deleted versions.

        Raises Invalid where the secret exists and the caller might have made it.
        """
        path, asked = scope.base + name, {"data": data}
        existing = await secrets.read(path)
        if existing is not None and existing.data is not None and scope.rights.may("create", path, asked):
            raise exists(name)
        known = existing is not None or await secrets.exists(path)
        scope.rights.require("update" if known else "create", path, asked)

    async def check(self, scope: Scope, fields: SecretFields) -> Mapping[str, TagShown]:
        """The project's tags; raises Invalid for fields that are too long, and for a tag that is none."""
        check_fields(fields)
        tags = await self.tags(scope)
        if fields.tag_ids and (unknown := [tag for tag in fields.tag_ids if tag not in tags]):
            raise Invalid(f"Tag with ID '{unknown[0][:64]}' not found in project")
        return tags

    async def tags(self, scope: Scope) -> Mapping[str, TagShown]:
        """The project's tags by id."""
        return await tags_of(self.ctx.storage, scope.project.id)

    def written(
        self, scope: Scope, name: str, record: Record, data: dict[str, object], tags: Mapping[str, TagShown]
    ) -> SecretShown:
        """The newest version, which holds `data`; its value is masked for who may not read it."""
        content = content_of(_encode(data))
        hidden = not scope.rights.may("read", scope.base + name)
        return show(scope, name, record, record.current, content, tags, hidden=hidden)

    def gone(self, scope: Scope, name: str, reading: Reading, tags: Mapping[str, TagShown]) -> SecretShown:
        """A secret that was deleted."""
        assert reading.data is not None
        hidden = not scope.rights.may("read", scope.base + name)
        return show(scope, name, reading.record, reading.number, content_of(reading.data), tags, hidden=hidden)


class Writer(Writing):
    """`secrets/<name>`, written."""

    @write("secrets/{name:any}", judged=True)
    async def create_secret(self, call: Call, body: NewSecret) -> SecretShown:
        """Makes a secret; one that exists is refused."""
        scope, secrets = await self.scope(call, body), secrets_of(self.services)
        name, data = new_name(call.params["name"]), changed(None, body.secret_value, body)
        await self.allow_new(secrets, scope, name, data)
        tags = await self.check(scope, body)
        await self._folders.require(secrets, scope)

        def make(known: Reading | None) -> object:
            if known is not None:
                raise exists(name)
            return data

        record = await secrets.write(scope.base + name, make)
        return self.written(scope, name, record, data, tags)

    @patch("secrets/{name:any}", judged=True)
    async def update_secret(self, call: Call, body: SecretChange) -> SecretShown:
        """Changes what is sent of a secret, as a new version; it may get another name, with all its versions."""
        scope, secrets = await self.scope(call, body), secrets_of(self.services)
        name, sent = existing_name(call.params["name"]), changed(None, body.secret_value, body)
        target = new_name(body.new_secret_name) if body.new_secret_name else name
        scope.rights.require("update", scope.base + name, {"data": sent})
        tags = await self.check(scope, body)
        data: dict[str, object] = {}

        def make(known: Reading | None) -> object:
            nonlocal data
            if known is None:
                raise absent(name)
            data = changed(known.data, body.secret_value, body)
            return data

        if target == name:
            record = await secrets.write(scope.base + name, make)
        else:
            await self._allow_move(secrets, scope, name, target)
            record = await secrets.move(scope.base + name, scope.base + target, make)
        return self.written(scope, target, record, data, tags)

    @delete("secrets/{name:any}", judged=True)
    async def delete_secret(self, call: Call, body: Location) -> SecretShown:
        """Deletes a secret; its versions can be undeleted."""
        scope, secrets = await self.scope(call, body), secrets_of(self.services)
        name = existing_name(call.params["name"])
        path = scope.base + name
        scope.rights.require("delete", path)
        gone = await secrets.delete_all([path], lambda _: absent(name))
        return self.gone(scope, name, gone[path], await self.tags(scope))

    async def _allow_move(self, secrets: Versioned, scope: Scope, name: str, target: str) -> None:
        """Raises PermissionDenied unless the caller might do it by hand: read, write elsewhere, delete."""
        for operation in ("read", "delete"):
            scope.rights.require(operation, scope.base + name)
        known = await secrets.exists(scope.base + target)
        operation = "update" if known else "create"
        if not scope.rights.may(operation, scope.base + target):
            raise PermissionDenied(reason=f"policies do not allow {operation} on {scope.base}{target}")


def exists(name: str) -> Invalid:
    """The refusal to make a secret that is there."""
    return Invalid(f"Secret with name '{name}' already exists")


def absent(name: str) -> NotFound:
    """The refusal to change a secret that is not there."""
    return NotFound(f"Secret with name '{name}' not found")
