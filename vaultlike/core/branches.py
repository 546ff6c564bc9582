"""The cores of the namespaces below the root: opened when somebody first asks for one, brought up to date at each use,
emptied when their namespace ends. What namespaces there are is `mounts.namespaces`'.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from vaultlike.errors import NotFound
from vaultlike.mounts.namespaces import Namespace

if TYPE_CHECKING:
    from vaultlike.core.core import Core

PAGE = 500  # entities deleted at once


class Branches:
    """The opened cores by the id of their namespace; the root's own is among them."""

    def __init__(self, root: Core) -> None:
        self._root = root
        self._open: dict[str, Core] = {}
        self._opening = asyncio.Lock()

    async def at(self, namespace: Namespace) -> Core:
        """The core of a namespace that exists, as the root's configuration has it."""
        root = self._root
        if not namespace.id:
            return root
        core = self._open.get(namespace.id)
        if core is None or core.followed is None:
            async with self._opening:
                core = self._open.get(namespace.id)
                if core is None:
                    if root.namespaces.by_id(namespace.id) is None:
                        raise NotFound("namespace not found")  # it ended while others were opened
                    core = root.branch(namespace)
                    await core.furnish()
                    await core.follow(root.followed or 0)
                    self._open[namespace.id] = core
        if core.followed != root.followed:
            await core.follow(root.followed or 0)
        return core

    def opened(self) -> list[Core]:
        """The cores that this process has open now, the root's first."""
        return [self._root, *self._open.values()]

    async def every(self, *, complete: bool) -> AsyncIterator[Core]:
        """The cores of all namespaces, the root's first; opens those that nobody asked for yet.

        One that cannot be opened is left out, with a line in the log; with `complete` its problem is raised.
        """
        yield self._root
        for namespace in self._root.namespaces.below(self._root.namespace):
            if namespace.tainted:
                continue
            try:
                core = await self.at(namespace)
            except NotFound:
                continue  # it ended meanwhile
            except Exception as problem:
                if complete:
                    raise
                self._root.log.error("namespace cannot be opened", namespace=namespace.path, problem=repr(problem))
                continue
            yield core

    async def prune(self) -> None:
        """Stops the cores whose namespace is gone; called when the configuration moved."""
        gone = [key for key in self._open if self._root.namespaces.by_id(key) is None]
        for key in gone:
            core = self._open.pop(key, None)
            if core is not None:
                await core.close()

    async def close(self) -> None:
        """Stops all of them."""
        cores, self._open = self._open, {}
        for core in cores.values():
            await core.close()

    async def end(self, namespace: Namespace) -> None:
        """Empties a namespace and forgets it. Safe to repeat after a crash half-way; raises Invalid for a parent.

        The namespace is out of everybody's sight before anything of it is deleted; tokens go first and, for logins
        that were under way, last.
        """
        root = self._root
        core = self._open.get(namespace.id) or root.branch(namespace)
        if core.followed is None:
            await core.follow(root.followed or 0)
        mounts = core.router.mounts()
        await root.namespaces.taint(namespace)
        await root.tokens.revoke_matching(namespace.id)
        for mount in mounts:
            if mount.backend is not None:
                try:
                    await mount.backend.removed()
                except Exception as problem:  # what a plugin leaves behind elsewhere must not keep the namespace alive
                    root.log.error("mount failed to clean up", mount=mount.entry.path, problem=repr(problem))
        await root.current()  # closes the core
        await core.close()
        while entities := await core.identity.entities(namespace.id, "", PAGE):
            await core.identity.delete_entities(entity.id for entity in entities)
        await core.documents.delete_all()
        await root.tokens.revoke_matching(namespace.id)
        await root.namespaces.forget(namespace)
        await root.current()
