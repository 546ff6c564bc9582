"""`sys/rekey*` and `sys/rotate/root|recovery/*`: new unseal or recovery keys by the holders of the old ones
(spec/vault-api.md 2.13).

The older paths are open and bare, the newer ones want a token and use the envelope; both speak of the same attempt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from vaultlike.sdk import Call, Raw, delete, read, write
from vaultlike.sdk.routes import Route, routes_of_function
from vaultlike.seal.backup import delete_backup, read_backup
from vaultlike.seal.custodian import Custodian, Holder
from vaultlike.seal.rekey import Rekey, RekeyOrder
from vaultlike.services import Services
from vaultlike.system.part import Part
from vaultlike.system.root_generation import ShareBody, required_key
from vaultlike.system.seal import bare, declared_and_refused, refused_elsewhere
from vaultlike.types import Strings


class RekeyBody(Struct, kw_only=True):
    """How the new key shall be split."""

    secret_shares: Annotated[int, Meta(description="How many unseal keys to make.")] = 0
    secret_threshold: Annotated[int, Meta(description="How many of them unseal.")] = 0
    pgp_keys: Annotated[Strings, Meta(description="A public key for each unseal key.")] = ()
    backup: Annotated[bool, Meta(description="Keep an encrypted copy of the new keys.")] = False
    require_verification: Annotated[bool, Meta(description="The new keys count once they were read back.")] = False


def _order(body: RekeyBody) -> RekeyOrder:
    return RekeyOrder(
        secret_shares=body.secret_shares,
        secret_threshold=body.secret_threshold,
        pgp_keys=body.pgp_keys,
        backup=body.backup,
        require_verification=body.require_verification,
    )


class Rekeying(Part):
    """Change of the unseal keys; that of the recovery keys has the same routes elsewhere."""

    holder: Holder = "unseal"

    def __init__(self, services: Services, custodian: Custodian, rekey: Rekey) -> None:
        super().__init__(services)
        self._custodian, self._rekey = custodian, rekey

    def routes(self) -> list[tuple[Route, object]]:
        """Every declared route, and the refusal of other methods of the bare ones."""
        return declared_and_refused(self)

    # Older paths

    @read("rekey/init", open=True)
    async def status(self, call: Call) -> Raw:
        """Where the change of the unseal keys stands."""
        return bare(await self._rekey.status())

    @write("rekey/init", open=True)
    async def start(self, call: Call, body: RekeyBody) -> Raw:
        """Begins to change the unseal keys."""
        return bare(await self._rekey.start(_order(body)))

    @delete("rekey/init", open=True)
    async def cancel(self, call: Call) -> None:
        """Gives up changing the unseal keys."""
        self._rekey.cancel()

    @write("rekey/update", open=True)
    async def update(self, call: Call, body: ShareBody) -> Raw:
        """Takes one old share; the last one gives the new ones."""
        return bare(await self._rekey.update(required_key(body), body.nonce))

    @read("rekey/verify", open=True)
    async def verification(self, call: Call) -> Raw:
        """Where the reading back of the new shares stands."""
        return bare(self._rekey.verification())

    @write("rekey/verify", open=True)
    async def verify(self, call: Call, body: ShareBody) -> Raw:
        """Takes one new share; the last one makes the new keys count."""
        return bare(await self._rekey.verify(required_key(body), body.nonce))

    @delete("rekey/verify", open=True)
    async def restart(self, call: Call) -> Raw:
        """Begins the reading back anew, under a new nonce."""
        return bare(self._rekey.restart_verification())

    # Newer paths

    @read("rotate/root/init")
    async def newer_status(self, call: Call) -> dict[str, object]:
        """Where the change of the unseal keys stands (with a token)."""
        return _data(await self._rekey.status())

    @write("rotate/root/init")
    async def newer_start(self, call: Call, body: RekeyBody) -> dict[str, object]:
        """Begins to change the unseal keys (with a token)."""
        return _data(await self._rekey.start(_order(body)))

    @delete("rotate/root/init")
    async def newer_cancel(self, call: Call) -> None:
        """Gives up changing the unseal keys (with a token)."""
        self._rekey.cancel()

    @write("rotate/root/update")
    async def newer_update(self, call: Call, body: ShareBody) -> dict[str, object]:
        """Takes one old share; the last one gives the new ones (with a token)."""
        return _data(await self._rekey.update(required_key(body), body.nonce))

    @read("rotate/root/verify")
    async def newer_verification(self, call: Call) -> dict[str, object]:
        """Where the reading back of the new shares stands (with a token)."""
        return _data(self._rekey.verification())

    @write("rotate/root/verify")
    async def newer_verify(self, call: Call, body: ShareBody) -> dict[str, object]:
        """Takes one new share; the last one makes the new keys count (with a token)."""
        return _data(await self._rekey.verify(required_key(body), body.nonce))

    @delete("rotate/root/verify")
    async def newer_restart(self, call: Call) -> dict[str, object]:
        """Begins the reading back anew, under a new nonce (with a token)."""
        return _data(self._rekey.restart_verification())

    # The copy of the new keys

    @read("rekey/backup", inject=True)
    @read("rotate/root/backup", inject=True)
    async def read_copy(self, call: Call) -> dict[str, object]:
        """Shows the encrypted copy of the new unseal keys."""
        return _data(await read_backup(self._custodian, self.holder))

    @delete("rekey/backup")
    @delete("rotate/root/backup")
    async def delete_copy(self, call: Call) -> None:
        """Deletes the encrypted copy of the new unseal keys."""
        await delete_backup(self._custodian, self.holder)


class RecoveryRekeying(Rekeying):
    """Change of the recovery keys of an automatic seal: the same, under its own paths."""

    holder: Holder = "recovery"

    def routes(self) -> list[tuple[Route, object]]:
        """The routes of the unseal keys, moved."""
        found = [(route, self) for item in vars(Rekeying).values() if callable(item)
                 for route in routes_of_function(item)]  # fmt: skip
        return refused_elsewhere([(_moved(route), owner) for route, owner in found], self)


def _moved(route: Route) -> Route:
    pattern = route.pattern.replace("rotate/root/", "rotate/recovery/")
    if pattern == "rekey/backup":
        pattern = "rekey/recovery-key-backup"
    pattern = pattern.replace("rekey/", "rekey-recovery-key/") if pattern.count("recovery") == 0 else pattern
    return replace(route, pattern=pattern, summary=route.summary.replace("unseal", "recovery"))


_data: Callable[[Struct], dict[str, object]] = msgspec.to_builtins
