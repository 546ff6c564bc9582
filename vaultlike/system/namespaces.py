"""`sys/namespaces`: the namespaces directly inside this one (spec/vault-api.md 2.12). What they hold is the core's."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from vaultlike.errors import Invalid
from vaultlike.identity.rules import check_metadata
from vaultlike.mounts.entry import MountEntry
from vaultlike.mounts.namespaces import Namespace, check_free_word, check_name, check_step
from vaultlike.sdk import Answer, Call, Reply, delete, list_, patch, read, write
from vaultlike.sdk.conversion import go_type
from vaultlike.system.part import Part
from vaultlike.types import Object


class NamespaceBody(Struct, kw_only=True):
    """The body of a write."""

    custom_metadata: Annotated[Object, Meta(description="Free pairs of texts, shown in reads and lists.")] = {}


class NamespacePatch(Struct, kw_only=True):
    """The body of a patch; null removes a key."""

    custom_metadata: Annotated[Object | UnsetType, Meta(description="The pairs to change; null removes one.")] = UNSET


class NamespaceInfo(Struct, kw_only=True):
    """What reads show."""

    id: str
    uuid: str
    path: str
    custom_metadata: dict[str, str]
    tainted: bool
    locked: bool


class NamespacePaths(Part):
    """Namespaces inside the one that is asked."""

    @list_("namespaces/", scans=True)
    async def names(self, call: Call) -> Answer:
        """Lists the namespaces directly inside this one; SCAN lists those inside them too."""
        namespaces, here = self.services.namespaces, self.services.namespace
        found = namespaces.below(here) if call.operation == "scan" else namespaces.children(here)
        info = {self._name(one): self._show(one) for one in found}
        return {"keys": list(info), "key_info": info} if info else None

    @read("namespaces/{path:rest}")
    async def one(self, call: Call) -> Answer:
        """Shows a namespace."""
        found = self._find(call)
        return None if found is None else self._show(found)

    @write("namespaces/{path:rest}")
    async def save(self, call: Call, body: NamespaceBody) -> NamespaceInfo:
        """Makes a namespace inside this one, or replaces the metadata of an existing one."""
        services, name = self.services, _step(call)
        check_name(name)
        metadata = {key: value for key, value in body.custom_metadata.items() if isinstance(value, str)}
        if len(metadata) != len(body.custom_metadata):
            raise Invalid("custom_metadata values must be strings")
        check_metadata(metadata)
        if services.namespaces.child(services.namespace, name) is None:
            self._check_free(await services.table.load(), name + "/")
        made = await services.namespaces.create(services.namespace, name, metadata)
        await services.open_namespace(made)
        return self._show(made)

    def _check_free(self, mounts: list[MountEntry], path: str) -> None:
        """Refuses a name where a mount is or that has mounts below it: a path must mean one of them."""
        for entry in mounts:
            if entry.path.startswith(path):
                raise Invalid(f"path is already in use at {entry.path}")

    @patch("namespaces/{path:rest}")
    async def change(self, call: Call, body: NamespacePatch) -> NamespaceInfo:
        """Changes metadata of a namespace."""
        changes = {} if body.custom_metadata is UNSET else body.custom_metadata
        for value in changes.values():
            if value is not None and not isinstance(value, str):
                raise Invalid(f"metadata patch can only have string or null values, got {go_type(value)}")
        found = self._find(call)
        if found is None:
            raise Invalid("namespace not found")

        def merge(now: Namespace) -> Namespace:
            merged = dict(now.custom_metadata)
            for key, value in changes.items():
                if isinstance(value, str):
                    merged[key] = value
                else:
                    merged.pop(key, None)
            check_metadata(merged)
            return replace(now, custom_metadata=merged)

        changed = await self.services.namespaces.alter(found, merge)
        await self.services.current()
        return self._show(changed)

    @delete("namespaces/{path:rest}")
    async def remove(self, call: Call) -> Reply:
        """Deletes a namespace with everything in it, but for others inside it. Fine when there is none.

        Clients read a body whatever becomes of it: without one, `bao namespace delete` fails.
        """
        found = self._find(call)
        if found is None:
            return Reply(warnings=("requested namespace does not exist",))
        await self.services.end_namespace(found)
        return Reply(data={"status": "in-progress"})

    def _find(self, call: Call) -> Namespace | None:
        name = _step(call)
        check_step(name)
        check_free_word(name)
        return self.services.namespaces.child(self.services.namespace, name)

    def _name(self, one: Namespace) -> str:
        return one.path.removeprefix(self.services.namespace.path)

    def _show(self, one: Namespace) -> NamespaceInfo:
        return NamespaceInfo(
            id=one.id, uuid=one.uuid, path=one.path, custom_metadata=one.custom_metadata, tainted=one.tainted,
            locked=bool(one.lock),
        )  # fmt: skip


def _step(call: Call) -> str:
    """The name in the path; nested namespaces are reached in their parent."""
    return call.params["path"].strip("/")
