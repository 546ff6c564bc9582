"""`sys/namespaces/api-lock/*`: closes a namespace, with all inside it, to every request, and opens it again.

The lock itself is the namespace's; who finds the door closed is told by `mounts.namespaces`.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from vaultlike.errors import Invalid
from vaultlike.mounts.namespaces import UNLOCK, Namespace
from vaultlike.sdk import Call, write
from vaultlike.system.part import Part
from vaultlike.tokens.ids import base62


class UnlockBody(Struct, kw_only=True):
    """The body of an unlock."""

    unlock_key: Annotated[str, Meta(description="What the lock answered; a root token needs none.")] = ""

    def __repr__(self) -> str:
        return "UnlockBody()"


class ApiLock(Part):
    """Locking and unlocking namespaces."""

    @write("namespaces/api-lock/lock")
    async def lock_this(self, call: Call) -> dict[str, str]:
        """Closes the namespace of the request to all requests; answers the key that opens it."""
        return await self._lock(self.services.namespace)

    @write("namespaces/api-lock/lock/{path:rest}")
    async def lock(self, call: Call) -> dict[str, str]:
        """Closes a namespace inside this one."""
        return await self._lock(self._below(call))

    async def _lock(self, namespace: Namespace) -> dict[str, str]:
        if not namespace.id:
            raise Invalid("the root namespace cannot be locked")
        key = base62(self.services.random)

        def close(now: Namespace) -> Namespace:
            if now.lock:
                raise Invalid(f'namespace "{now.path}" is already locked')
            return replace(now, lock=_digest(key))

        await self.services.namespaces.alter(namespace, close)
        await self.services.current()
        return {"unlock_key": key}

    @write(UNLOCK.removeprefix("sys/"))
    async def unlock_this(self, call: Call, body: UnlockBody) -> None:
        """Opens the namespace of the request again."""
        await self._unlock(call, self.services.namespace, body)

    @write(UNLOCK.removeprefix("sys/") + "/{path:rest}")
    async def unlock(self, call: Call, body: UnlockBody) -> None:
        """Opens a namespace inside this one again."""
        await self._unlock(call, self._below(call), body)

    async def _unlock(self, call: Call, namespace: Namespace, body: UnlockBody) -> None:
        assert call.caller is not None
        almighty = call.caller.is_root and not body.unlock_key
        if not body.unlock_key and not almighty:
            raise Invalid("unlock_key is required")

        def open_(now: Namespace) -> Namespace:
            if not now.lock:
                raise Invalid(f'namespace "{now.path}" is not locked')
            if not almighty and not hmac.compare_digest(now.lock, _digest(body.unlock_key)):
                raise Invalid("unlock_key is not the one of this lock")
            return replace(now, lock="")

        if not namespace.id:
            raise Invalid("the root namespace cannot be locked")
        await self.services.namespaces.alter(namespace, open_)
        await self.services.current()

    def _below(self, call: Call) -> Namespace:
        path = f"{self.services.namespace.path}{call.params['path'].strip('/')}/"
        found = self.services.namespaces.at(path)
        if found is None:
            raise Invalid(f'there is no namespace "{path[:512]}"')
        return found


def _digest(key: str) -> str:
    """The form in which a key is kept; it is random and long, so nobody can search for it."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
