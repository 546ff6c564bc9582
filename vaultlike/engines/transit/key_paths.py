"""`keys/`: making, reading, listing, rotating, limiting and deleting named keys."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from vaultlike.engines.transit.keys import Keys
from vaultlike.engines.transit.named_key import AES, NamedKey
from vaultlike.errors import Invalid
from vaultlike.sdk import Call, Reply, delete, list_, read, write
from vaultlike.types import Duration

OTHER_TYPES = frozenset(
    {
        "aes128-gcm96", "chacha20-poly1305", "ed25519", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-2048",
        "rsa-3072", "rsa-4096", "hmac", "managed_key", "xchacha20-poly1305",
    }
)  # fmt: skip


class CreateBody(Struct, kw_only=True):
    """A new key."""

    type: Annotated[str, Meta(description="The type of key: aes256-gcm96.")] = AES
    derived: Annotated[bool, Meta(description="Keys derived from a context: not built.")] = False
    convergent_encryption: Annotated[bool, Meta(description="Equal ciphertexts of equal texts: not built.")] = False
    exportable: Annotated[bool, Meta(description="Whether the key may leave: not built.")] = False
    allow_plaintext_backup: Annotated[bool, Meta(description="Whether it may be backed up: not built.")] = False
    auto_rotate_period: Annotated[Duration, Meta(description="Rotation by itself: not built.")] = 0
    key_size: Annotated[int, Meta(description="Only for keys of type hmac.")] = 0


class ConfigBody(Struct, kw_only=True):
    """Limits of a key; what is not named stays."""

    min_decryption_version: Annotated[int | UnsetType, Meta(description="The oldest version that still decrypts.")] = (
        UNSET
    )
    min_encryption_version: Annotated[
        int | UnsetType, Meta(description="The oldest version that may encrypt; 0: the latest alone.")
    ] = UNSET
    deletion_allowed: Annotated[bool | UnsetType, Meta(description="Whether the key may be deleted.")] = UNSET
    exportable: Annotated[bool, Meta(description="Whether the key may leave: not built.")] = False
    allow_plaintext_backup: Annotated[bool, Meta(description="Whether it may be backed up: not built.")] = False
    auto_rotate_period: Annotated[Duration, Meta(description="Rotation by itself: not built.")] = 0


def check_type(kind: str) -> None:
    """Raises Invalid for a type of key that cannot be made here."""
    if kind in ("", AES):
        return
    if kind in OTHER_TYPES:
        raise Invalid(f"key type {kind} is not supported by this server: use {AES}")
    raise Invalid(f"unknown key type {kind[:64]}")


def _check_options(body: CreateBody | ConfigBody) -> None:
    """What is stored would be relied upon: options without an effect are refused."""
    options = ["exportable", "allow_plaintext_backup", "auto_rotate_period"]
    if isinstance(body, CreateBody):
        options += ["derived", "convergent_encryption", "key_size"]
    for option in options:
        if getattr(body, option):
            raise Invalid(f"{option} is not supported by this server")


async def _exists(part: KeyPaths, call: Call) -> bool:
    return await part.keys.find(call.name) is not None


class KeyPaths:
    """Handlers over the keys."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys

    @list_("keys/")
    async def list_keys(self, call: Call) -> dict[str, object]:
        """Lists the names of the keys."""
        return {"keys": await self.keys.names()}

    @read("keys/{name}")
    async def read_key(self, call: Call) -> dict[str, object] | None:
        """Reads a key's versions and limits, never the key."""
        key = await self.keys.find(call.name)
        return None if key is None else key.shown()

    @write("keys/{name}", exists=_exists)
    async def create_key(self, call: Call, body: CreateBody) -> Reply:
        """Makes a key; one of that name stays as it is."""
        check_type(body.type)
        _check_options(body)
        key, fresh = await self.keys.create(call.name)
        if not fresh:
            call.warn(f"key {call.name} already existed")
        return Reply(data=key.shown())

    @delete("keys/{name}")
    async def delete_key(self, call: Call) -> None:
        """Deletes a key whose config allows that."""
        await self.keys.delete(call.name)

    @write("keys/{name}/rotate")
    async def rotate_key(self, call: Call) -> Reply:
        """Adds a version, which encrypts from now on."""
        return Reply(data=(await self.keys.rotate(call.name)).shown())

    @write("keys/{name}/config")
    async def configure_key(self, call: Call, body: ConfigBody) -> Reply:
        """Says which versions encrypt and decrypt, and whether the key may be deleted."""
        _check_options(body)

        def edit(key: NamedKey) -> NamedKey:
            return key.limited(
                None if body.min_decryption_version is UNSET else body.min_decryption_version,
                None if body.min_encryption_version is UNSET else body.min_encryption_version,
                None if body.deletion_allowed is UNSET else body.deletion_allowed,
            )

        missing = f"no existing key named {call.name} could be found"
        return Reply(data=(await self.keys.change(call.name, edit, missing)).shown())
