"""Policies in storage: the raw texts, byte for byte, parsed once per configuration generation."""

from __future__ import annotations

import asyncio
from functools import lru_cache

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from vaultlike.clock import Clock
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


class Guard(Struct, frozen=True, omit_defaults=True):
    """Kept of a policy that somebody writes by check-and-set, or that ends.

    `required`: every write must say the version. `expires_at`, Unix seconds: from then on there is no such policy, and
    what is left of it in storage says nothing more.
    """

    required: bool = False
    expires_at: float | None = None

    def ended(self, now: float) -> bool:
        """Whether the policy's time is over at `now`, Unix seconds."""
        return self.expires_at is not None and self.expires_at <= now


_decode_guard = msgspec.json.Decoder(Guard).decode


class PolicyStore:
    """The ACL policies of one namespace; `view` is their place in storage, `guards` that of what is said of them."""

    def __init__(self, view: View, guards: View, clock: Clock) -> None:
        self._view, self._guards, self._clock = view, guards, clock
        self._wrapping = parse(RESPONSE_WRAPPING, RESPONSE_WRAPPING_POLICY)

    async def ensure_default(self) -> None:
        """Writes the default policy where there is none yet; an edited one survives."""
        if await self._view.get(DEFAULT) is None:
            await self._view.put(DEFAULT, DEFAULT_POLICY.encode())

    async def find(self, name: str) -> Policy | None:
        """The parsed policy, its stanzas ending with it; None where there is none (any more)."""
        if name == ROOT:
            return ROOT_POLICY
        if name == RESPONSE_WRAPPING:
            return self._wrapping
        text = await self._view.cached(name, bytes.decode)
        if text is None:
            return None
        guard = await self._guards.cached(name, _decode_guard)
        if guard is None or guard.expires_at is None:
            return _parsed(name, text)
        return None if guard.ended(self._clock.now()) else _until(_parsed(name, text), guard.expires_at)

    async def text(self, name: str) -> str | None:
        """The text as it was written."""
        raw = await self._view.get(name)
        guard = await self.guard(name) if raw is not None else None
        return None if raw is None or (guard is not None and guard.ended(self._clock.now())) else raw.decode()

    async def versions(self) -> dict[str, tuple[int, Guard | None]]:
        """What check-and-set knows of each stored policy: its version, from 1 on, and its guard."""
        guards, now = await self._all_guards(), self._clock.now()
        found = {}
        for number, name in enumerate(await self._view.keys(), 1):
            version, guard = await self.version(name), guards.get(name)
            if version and name not in HIDDEN and not (guard is not None and guard.ended(now)):
                found[name] = version, guard
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

    async def save(
        self,
        name: str,
        text: str,
        cas: int | None = None,
        required: bool | None = None,
        expires_at: float | None = None,
    ) -> None:
        """Stores a policy after parsing it. Raises Invalid for a text that is none or a name that is taken.

        `cas`: the version that it must have now, -1 or 0 for none. `required`: whether all later writes must say one.
        `expires_at` (Unix seconds): when it ends; a write that does not say so makes it last.
        """
        if name in (ROOT, RESPONSE_WRAPPING):
            raise Invalid(f'cannot update "{name}" policy')
        if len(name) > MAX_NAME:
            raise Invalid("policy name too long")
        parse(name, text)
        now, stored = self._clock.now(), await self.guard(name)
        if expires_at is not None and expires_at <= now:
            raise Invalid("refusing to update policy as expiration time has already elapsed")
        ended = stored is not None and stored.ended(now)
        kept = Guard() if stored is None or ended else stored
        if cas is None and kept.required:
            raise Invalid("check-and-set parameter required for this call")
        new = Guard(kept.required if required is None else required, expires_at)
        also = []
        if stored != new and (stored is not None or new != Guard() or cas is not None):
            also.append(self._guards.op(Put(name, msgspec.json.encode(new))))
        expect = None if cas is None else max(cas, 0)
        if ended and expect is not None:  # its text is still there, and counts as no policy
            expect = await self.version(name) if expect == 0 else 0
        try:
            await self._view.commit([Put(name, text.encode(), expect)], also)
        except Conflict:
            if cas is None:
                raise
            raise Invalid("check-and-set parameter did not match the current version") from None

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
        now = self._clock.now()
        gone = HIDDEN.union(name for name, guard in (await self._all_guards()).items() if guard.ended(now))
        return [*(name for name in await self._view.keys() if name not in gone), ROOT]

    async def _all_guards(self) -> dict[str, Guard]:
        return {name: _decode_guard(raw) for name, raw in await self._guards.items()}


def _until(policy: Policy, at: float) -> Policy:
    """The policy with stanzas that end at `at` (Unix seconds), or before where they say so."""
    rules = tuple(
        replace(rule, expires_at=at if rule.expires_at is None else min(rule.expires_at, at)) for rule in policy.rules
    )
    return replace(policy, rules=rules)
