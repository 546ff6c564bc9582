"""Policies in storage: the raw texts, byte for byte, parsed once per configuration generation."""

from __future__ import annotations

from functools import lru_cache

from vaultlike.errors import Invalid
from vaultlike.policy.builtin import DEFAULT_POLICY, RESPONSE_WRAPPING_POLICY, ROOT_POLICY
from vaultlike.policy.model import Policy
from vaultlike.policy.parse import parse
from vaultlike.storage.view import View

ROOT, DEFAULT, RESPONSE_WRAPPING = "root", "default", "response-wrapping"
HIDDEN = frozenset((RESPONSE_WRAPPING, "control-group"))
MAX_NAME = 512  # characters


_parsed = lru_cache(2048)(parse)  # pure: the same name and text give the same frozen policy


class PolicyStore:
    """The ACL policies of one namespace; `view` is their place in storage."""

    def __init__(self, view: View) -> None:
        self._view = view
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

    async def save(self, name: str, text: str) -> None:
        """Stores a policy after parsing it. Raises Invalid for a text that is none or a name that is taken."""
        if name in (ROOT, RESPONSE_WRAPPING):
            raise Invalid(f'cannot update "{name}" policy')
        if len(name) > MAX_NAME:
            raise Invalid("policy name too long")
        parse(name, text)
        await self._view.put(name, text.encode())

    async def delete(self, name: str) -> None:
        """Deletes a policy; absent is fine. Raises Invalid for the built-in ones."""
        if name in (ROOT, RESPONSE_WRAPPING):
            raise Invalid(f'cannot delete "{name}" policy')
        if name == DEFAULT:
            raise Invalid("cannot delete default policy")
        await self._view.delete(name)

    async def names(self) -> list[str]:
        """The stored names in order, `root` last."""
        return [*(name for name in await self._view.keys() if name not in HIDDEN), ROOT]
