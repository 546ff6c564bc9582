"""Making, changing and deleting several secrets of one environment: all or none, in one commit. Judged."""

from __future__ import annotations

from collections.abc import Mapping

from vaultlike.builtin.organization.secrets.content import changed
from vaultlike.builtin.organization.secrets.names import existing_name, folder_of, new_name
from vaultlike.builtin.organization.secrets.scope import Scope, secrets_of
from vaultlike.builtin.organization.secrets.wire import (
    BatchChange,
    NewSecrets,
    SecretChanges,
    SecretNames,
    SeveralShown,
    TagShown,
)
from vaultlike.builtin.organization.secrets.writing import Writing, absent, exists
from vaultlike.engines.kv.versioned import Make, Reading
from vaultlike.errors import Invalid, NotBuilt
from vaultlike.sdk import Call, delete, patch, write

UPSERT, IGNORE, FAIL = "upsert", "ignore", "failOnNotFound"
MAX_BATCH = 1000


class Batches(Writing):
    """`secrets-batch`."""

    @write("secrets-batch", judged=True)
    async def create_secrets(self, call: Call, body: NewSecrets) -> SeveralShown:
        """Makes several secrets of one folder; if one exists, none is made."""
        scope, secrets = await self.scope(call, body), secrets_of(self.services)
        names = [new_name(one.secret_key) for one in body.secrets]
        _check_size(names)
        made: dict[str, dict[str, object]] = {}
        makes: dict[str, Make] = {}
        tags: Mapping[str, TagShown] = {}
        for name, one in zip(names, body.secrets, strict=True):
            tags = await self.check(scope, one)
            made[name] = changed(None, one.secret_value, one)
            await self.allow_new(secrets, scope, name, made[name])
            makes[scope.base + name] = _create(name, made[name])
        await self._folders.require(secrets, scope)
        records = await secrets.write_all(makes)
        return SeveralShown(
            secrets=[self.written(scope, name, records[scope.base + name], made[name], tags) for name in names]
        )

    @patch("secrets-batch", judged=True)
    async def update_secrets(self, call: Call, body: SecretChanges) -> SeveralShown:
        """Changes several secrets, each in its own folder if it names one."""
        if body.mode not in (UPSERT, IGNORE, FAIL):
            raise Invalid(f"mode is one of {FAIL}, {IGNORE}, {UPSERT}")
        scope, secrets = await self.scope(call, body), secrets_of(self.services)
        edits: dict[str, _Edit] = {}
        tags: Mapping[str, TagShown] = {}
        for one in body.secrets:
            if one.new_secret_name and one.new_secret_name != one.secret_key:
                raise NotBuilt("secrets are renamed one at a time, not in a batch")
            edit = _Edit(scope.at(folder_of(one.secret_path)) if one.secret_path else scope, one, body.mode == UPSERT)
            tags = await self.check(scope, one)
            sent = changed(None, one.secret_value, one)
            known = await secrets.read(edit.path)
            if known is None or known.data is None:
                if body.mode == IGNORE:
                    edit.scope.rights.require("update", edit.path, {"data": sent})
                    continue
                if body.mode == UPSERT:
                    new_name(one.secret_key)
                    await self.allow_new(secrets, edit.scope, edit.name, sent)
                    await self._folders.require(secrets, edit.scope)
            if known is not None or body.mode != UPSERT:
                edit.scope.rights.require("update", edit.path, {"data": sent})
            if edit.path in edits:
                raise Invalid(f"Secret with name '{edit.name}' is named twice")
            edits[edit.path] = edit
        _check_size(list(edits))
        records = await secrets.write_all({path: edit.make for path, edit in edits.items()})
        return SeveralShown(
            secrets=[
                self.written(edit.scope, edit.name, records[path], edit.data, tags) for path, edit in edits.items()
            ]
        )

    @delete("secrets-batch", judged=True)
    async def delete_secrets(self, call: Call, body: SecretNames) -> SeveralShown:
        """Deletes several secrets of one folder; if one is not there, none is deleted."""
        scope, secrets = await self.scope(call, body), secrets_of(self.services)
        if any(one.type != "shared" for one in body.secrets):
            raise Invalid("Personal secrets belong to users: machine identities have none")
        names = [existing_name(one.secret_key) for one in body.secrets]
        _check_size(names)
        for name in names:
            scope.rights.require("delete", scope.base + name)
        gone = await secrets.delete_all(
            [scope.base + name for name in names], lambda path: absent(path.rpartition("/")[2])
        )
        tags = await self.tags(scope)
        return SeveralShown(secrets=[self.gone(scope, name, gone[scope.base + name], tags) for name in names])


class _Edit:
    """One change of a batch, applied to what is there when it is written."""

    def __init__(self, scope: Scope, change: BatchChange, upsert: bool) -> None:
        self.scope, self.name = scope, existing_name(change.secret_key)
        self.path = scope.base + self.name
        self.data: dict[str, object] = {}
        self._change, self._upsert = change, upsert

    def make(self, known: Reading | None) -> object:
        """The next version. Raises NotFound where there is none before it."""
        if known is None and not self._upsert:
            raise absent(self.name)
        value = self._change.secret_value
        if known is None and not isinstance(value, str):
            raise Invalid(f"Secret with name '{self.name}' needs a secretValue to be made")
        self.data = changed(known.data if known is not None else None, value, self._change)
        return self.data


def _create(name: str, data: dict[str, object]) -> Make:
    def make(known: Reading | None) -> object:
        if known is not None:
            raise exists(name)
        return data

    return make


def _check_size(names: list[str]) -> None:
    if len(names) > MAX_BATCH:
        raise Invalid(f"A batch has at most {MAX_BATCH} secrets")
    if len(set(names)) < len(names):
        raise Invalid("The batch names a secret twice")
