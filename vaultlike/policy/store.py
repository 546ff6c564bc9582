"""Policies in storage: the raw texts, byte for byte, parsed once per configuration generation."""

from __future__ import annotations

import asyncio
from functools import lru_cache

import msgspec
from msgspec import Struct

from vaultlike.errors import Invalid
from vaultlike.policy.builtin import DEFAULT_POLICY, RESPONSE_WRAPPING_POLICY, ROOT_POLICY
from vaultlike.policy.model import Policy
from vaultlike.policy.parse import parse
from vaultlike.storage.engine import Conflict
from vaultlike.storage.view import Put, View

ROOT, DEFAULT, RESPONSE_WRAPPING = "root", "default", "response-wrapping"
HIDDEN = frozenset((RESPONSE_WRAPPING, "control-group"))
MAX_NAME = 512  # characters
PAGE = 100  # policies looked at in a row


_parsed = lru_cache(2048)(parse)  # pure: the same name and text give the same frozen policy


class Guard(Struct, frozen=True):
    """Kept of a policy that somebody writes by check-and-set. `required`: every write must say the version."""

    required: bool = False


_decode_guard = msgspec.json.Decoder(Guard).decode


class PolicyStore:
    """The ACL policies of one namespace; `view` is their place in storage, `guards` that of what is said of them."""

    def __init__(self, view: View, guards: View) -> None:
        self._view, self._guards = view, guards
        self._wrapping = parse(RESPONSE_WRAPPING, RESPONSE_WRAPPING_POLICY)

    async def ensure_default(self) -> None:
        """Writes the default policy where there is none yet; an edited one survives."""
        if await self._view.get(DEFAULT) is None:
            await self._view.put(DEFAULT, DEFAULT_POLICY.encode())

    async def find(self, name: str) -> Policy | None:
        """The parsed policy; None where there is none."""
        if name == ROOT:
            return ROOT_POLICY
        if name == RESPONSE_WRAPPING:
            return self._wrapping
        text = await self._view.cached(name, bytes.decode)
        return None if text is None else _parsed(name, text)

    async def text(self, name: str) -> str | None:
        """The text as it was written."""
        raw = await self._view.get(name)
        return raw.decode() if raw is not None else None

    async def versions(self) -> dict[str, tuple[int, Guard | None]]:
        """What check-and-set knows of each stored policy: its version, from 1 on, and its guard."""
        guards = {name: _decode_guard(raw) for name, raw in await self._guards.items()}
        found = {}
        for number, name in enumerate(await self._view.keys(), 1):
            version = await self.version(name)
            if version and name not in HIDDEN:
                found[name] = version, guards.get(name)
            if number % PAGE == 0:
                await asyncio.sleep(0)  # others' requests in between
        return found

    async def version(self, name: str) -> int:
        """How often the policy was written since it was made; 0 where there is none."""
        found = await self._view.versioned(name)
        return 0 if found is None else found[1]

    async def guard(self, name: str) -> Guard | None:
        """The policy's guard; None where nobody ever used check-and-set."""
        raw = await self._guards.get(name)
        return None if raw is None else _decode_guard(raw)

    async def save(self, name: str, text: str, cas: int | None = None, required: bool | None = None) -> None:
        """Stores a policy after parsing it. Raises Invalid for a text that is none or a name that is taken.

        `cas`: the version that it must have now, -1 or 0 for none. `required`: whether all later writes must say one.
        """
        if name in (ROOT, RESPONSE_WRAPPING):
            raise Invalid(f'cannot update "{name}" policy')
        if len(name) > MAX_NAME:
            raise Invalid("policy name too long")
        parse(name, text)
        guard = await self.guard(name)
        if cas is None and guard is not None and guard.required:
            raise Invalid("check-and-set parameter required for this call")
        try:
            await self._view.commit([Put(name, text.encode(), None if cas is None else max(cas, 0))])
        except Conflict:
            if cas is None:
                raise
            raise Invalid("check-and-set parameter did not match the current version") from None
        kept = guard or Guard()
        new = kept if required is None else Guard(required)
        if new != kept or (guard is None and cas is not None):
            await self._guards.put(name, msgspec.json.encode(new))

    async def delete(self, name: str) -> None:
        """Deletes a policy; absent is fine. Raises Invalid for the built-in ones."""
        if name in (ROOT, RESPONSE_WRAPPING):
            raise Invalid(f'cannot delete "{name}" policy')
        if name == DEFAULT:
            raise Invalid("cannot delete default policy")
        await self._view.delete(name)
        await self._guards.delete(name)

    async def names(self) -> list[str]:
        """The stored names in order, `root` last."""
        return [*(name for name in await self._view.keys() if name not in HIDDEN), ROOT]
