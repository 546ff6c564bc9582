"""`sys/key-status`, `sys/rotate`, `sys/rotate/config`: the encryption key (spec/vault-api.md 2.12). The rules are
`seal.rotation`'s.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from vaultlike.clock import rfc3339
from vaultlike.durations import go_duration
from vaultlike.sdk import Call, read, write
from vaultlike.seal.rotation import Rotation
from vaultlike.services import Services
from vaultlike.system.part import Part
from vaultlike.types import Duration


class RotationBody(Struct, kw_only=True):
    """The body of `sys/rotate/config`; what is not sent stays."""

    max_operations: Annotated[int | UnsetType, Meta(description="Rotate after that many uses of the key.")] = UNSET
    interval: Annotated[Duration | UnsetType, Meta(description="Rotate after that time; 0 by uses alone.")] = UNSET
    enabled: Annotated[bool | UnsetType, Meta(description="Rotate automatically.")] = UNSET


class Keys(Part):
    """The encryption key and its rotation."""

    def __init__(self, services: Services, rotation: Rotation) -> None:
        super().__init__(services)
        self._rotation = rotation

    @read("key-status", inject=True)
    async def status(self, call: Call) -> dict[str, object]:
        """Shows the active term of the encryption key."""
        status = await self._rotation.status()
        return {
            "term": status.term,
            "install_time": rfc3339(status.installed_at),
            "encryptions": status.encryptions,
        }

    @write("rotate", sudo=True, inject=True)
    @write("rotate/keyring", sudo=True, inject=True)
    async def rotate(self, call: Call) -> None:
        """Begins a new term of the encryption key."""
        await self._rotation.rotate()

    @read("rotate/config")
    @read("rotate/keyring/config")
    async def read_config(self, call: Call) -> dict[str, object]:
        """Shows when the key rotates by itself."""
        policy = await self._rotation.policy()
        return {
            "max_operations": policy.max_operations,
            "interval": go_duration(policy.interval) if policy.interval else 0,
            "enabled": policy.enabled,
        }

    @write("rotate/config")
    @write("rotate/keyring/config")
    async def write_config(self, call: Call, body: RotationBody) -> None:
        """Says when the key rotates by itself."""
        policy = await self._rotation.policy()
        if body.max_operations is not UNSET:
            policy = replace(policy, max_operations=body.max_operations)
        if body.interval is not UNSET:
            policy = replace(policy, interval=body.interval)
        if body.enabled is not UNSET:
            policy = replace(policy, enabled=body.enabled)
        await self._rotation.set_policy(policy)
