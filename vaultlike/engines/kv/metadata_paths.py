"""`metadata/` and `detailed-metadata/` of a version 2 mount: settings and history of secrets, and lists of names."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from vaultlike.clock import Clock
from vaultlike.engines.kv.custom_metadata import check_custom, patched_custom, read_custom
from vaultlike.engines.kv.data_paths import OLD_TEXT
from vaultlike.engines.kv.documents import Change, Secret, Secrets
from vaultlike.engines.kv.record import Config, Record
from vaultlike.engines.kv.settings_paths import Settings
from vaultlike.errors import Invalid, NotFound
from vaultlike.sdk import Call, Paging, Reply, delete, list_, patch, read, write
from vaultlike.types import Object, SignedDuration

SETTINGS = ("max_versions", "cas_required", "metadata_cas_required", "delete_version_after")


class MetadataBody(Struct, kw_only=True):
    """What a write of the metadata may name; the rest stays."""

    max_versions: Annotated[int | UnsetType, Meta(description="How many versions are kept; 0: as the mount says.")] = (
        UNSET
    )
    cas_required: Annotated[bool | UnsetType, Meta(description="Whether every write must name the version.")] = UNSET
    delete_version_after: Annotated[
        SignedDuration | UnsetType,
        Meta(description="After how long new versions delete themselves; 0: as the mount says."),
    ] = UNSET
    custom_metadata: Annotated[Object | UnsetType, Meta(description="Texts to keep with the secret, by name.")] = UNSET
    metadata_cas_required: Annotated[
        bool | UnsetType, Meta(description="Whether every write of metadata must name their version.")
    ] = UNSET
    metadata_cas: Annotated[int | UnsetType, Meta(description="The version that the metadata must have now.")] = UNSET


class ListQuery(Paging, kw_only=True):
    """A page of a list, with the words that ask for it in a GET."""

    list: Annotated[str, Meta(description="`true` in a GET asks for the list.")] = ""
    scan: Annotated[str, Meta(description="`true` in a GET asks for everything below.")] = ""


async def _exists(part: MetadataPaths, call: Call) -> bool:
    return await part.secrets.exists(call.params["path"])


class MetadataPaths:
    """Handlers over the records of secrets."""

    def __init__(self, settings: Settings, secrets: Secrets, clock: Clock) -> None:
        self._settings, self.secrets, self._clock = settings, secrets, clock

    @read("metadata/{path:maybe}")
    async def read_metadata(self, call: Call) -> dict[str, object] | None:
        """Reads the settings and versions of a secret."""
        secret = await self.secrets.find(call.params["path"].rstrip("/"))
        return secret.record.shown() if secret is not None else None

    @write("metadata/{path:maybe}", exists=_exists, field_text=OLD_TEXT)
    async def write_metadata(self, call: Call, body: MetadataBody) -> None:
        """Changes the settings of a secret; custom metadata are replaced as a whole. Makes it, if it says any."""
        _check_body(body)
        if not _says_any(body):
            return
        custom = read_custom(body.custom_metadata) if body.custom_metadata is not UNSET else UNSET
        if custom is not UNSET:
            check_custom(custom)
        config, now = await self._settings.load(), self._clock.now()

        def edit(known: Secret | None) -> Change | None:
            secret = known or Secret(Record(store=self.secrets.new_store(), created_at=now, updated_at=now))
            _check_cas(body, secret.record, config)
            _apply(body, secret.record)
            if custom is not UNSET:
                secret.record.custom = custom or None
            secret.record.revision += 1
            return Change(secret)

        await self.secrets.change(call.params["path"], edit)

    @patch("metadata/{path:maybe}")
    async def patch_metadata(self, call: Call, body: MetadataBody) -> None:
        """Changes a part of the metadata; custom metadata are merged, null removes a name."""
        _check_body(body)
        if not _says_any(body):
            return
        config = await self._settings.load()

        def edit(known: Secret | None) -> Change | None:
            if known is None:
                raise NotFound
            record = known.record
            _check_cas(body, record, config)
            _apply(body, record)
            if body.custom_metadata is not UNSET:
                known_custom = None if call.data["custom_metadata"] is None else record.custom
                custom = patched_custom(known_custom, body.custom_metadata)
                check_custom(custom)
                record.custom = custom or None
            record.revision += 1
            return Change(known)

        await self.secrets.change(call.params["path"], edit)

    @delete("metadata/{path:maybe}")
    async def delete_secret(self, call: Call) -> None:
        """Deletes a secret with all its versions, for good."""
        await self.secrets.remove(call.params["path"].rstrip("/"))

    @list_("metadata/{path:maybe}", scans=True)
    async def list_names(self, call: Call, body: ListQuery) -> dict[str, object]:
        """Lists the names in a folder."""
        return {"keys": await self._names(call, body)}

    @list_("detailed-metadata/{path:maybe}", scans=True)
    async def list_details(self, call: Call, body: ListQuery) -> Reply:
        """Lists the names in a folder with the metadata of each secret."""
        folder, names = call.params["path"], await self._names(call, body)
        details: dict[str, object] = {}
        for name in names:
            if name.endswith("/"):
                details[name] = {}
            elif (secret := await self.secrets.find(folder + name)) is not None:
                details[name] = secret.record.shown()
        data: dict[str, object] = {"keys": names}
        if details:
            data["key_info"] = details
        return Reply(data=data)

    async def _names(self, call: Call, page: ListQuery) -> list[str]:
        find = self.secrets.keys if call.operation == "scan" else self.secrets.children
        return await find(call.params["path"], page.after, max(page.limit, 0))


def _check_body(body: MetadataBody) -> None:
    if isinstance(body.max_versions, int) and body.max_versions < 0:
        raise Invalid("max_versions must not be negative")
    after = body.delete_version_after
    if isinstance(after, int) and after < 0:
        problem = f"cannot provide negative value '{after}'"
        raise Invalid(OLD_TEXT.format(field="delete_version_after", problem=problem))


def _check_cas(body: MetadataBody, record: Record, config: Config) -> None:
    if body.metadata_cas is UNSET:
        if record.metadata_cas_required or config.metadata_cas_required:
            raise Invalid("metadata check-and-set parameter required for this call")
    elif body.metadata_cas != record.revision:
        raise Invalid("metadata check-and-set parameter did not match the current version")


def _says_any(body: MetadataBody) -> bool:
    return any(getattr(body, name) is not UNSET for name in (*SETTINGS, "custom_metadata"))


def _apply(body: MetadataBody, record: Record) -> None:
    """Takes over the settings that were sent."""
    for name in SETTINGS:
        if (value := getattr(body, name)) is not UNSET:
            setattr(record, name, value)
