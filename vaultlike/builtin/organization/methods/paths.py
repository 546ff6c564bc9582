"""The paths of all methods, `identities/{id}/methods/<method>`: attach, read, update, revoke.

What a method is, is in its own file; how its plugin is configured, in `applying.py`. An attachment, and all that the
plugin keeps for it, is one commit: a crash leaves the one before or the one after.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import UNSET, structs

from vaultlike.builtin.organization.boundary import require_over
from vaultlike.builtin.organization.methods import attachments
from vaultlike.builtin.organization.methods.access import AccessFields, checked_access
from vaultlike.builtin.organization.methods.applying import apply
from vaultlike.builtin.organization.methods.listing import ALL
from vaultlike.builtin.organization.methods.method import Attachment, Method
from vaultlike.builtin.organization.methods.mounting import mounted, running
from vaultlike.builtin.organization.methods.reach import Reach, reach_of
from vaultlike.builtin.organization.methods.staged import Staging
from vaultlike.builtin.organization.methods.withdrawing import withdraw
from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.wire import moment
from vaultlike.errors import Invalid, NotFound, Unavailable
from vaultlike.mounts.router import Mount
from vaultlike.sdk import Call, Context, Reply
from vaultlike.sdk.fields import fields_of
from vaultlike.sdk.resources import encode
from vaultlike.sdk.routes import Route
from vaultlike.services import Services
from vaultlike.storage.engine import Conflict, DeleteAlias, InsertAlias, Op
from vaultlike.storage.view import Put

AnyMethod = Method[Any]
AnyAttachment = Attachment[Any]


class Methods(Part):
    """Every method that identities can have."""

    def routes(self) -> list[tuple[Route, object]]:
        """Four paths a method."""
        return [(route, owner) for method in ALL for owner in (_Paths(self.ctx, self.services, method),)
                for route in owner.declared()]  # fmt: skip


class _Paths:
    def __init__(self, ctx: Context, services: Services, method: AnyMethod) -> None:
        self.ctx, self.services, self.method = ctx, services, method

    def declared(self) -> list[Route]:
        """The routes of one method."""
        method, pattern = self.method, f"identities/{{id:any}}/methods/{self.method.name}"
        noun = f"{method.title} of an identity"

        def of(name: str) -> Callable[..., Awaitable[Any]]:
            async def handler(owner: _Paths, call: Call, *body: AccessFields) -> object:
                return await getattr(owner, name)(call, *body)

            return handler

        return [
            Route(pattern=pattern, verb="read", handler=of("read"), response=method.fields, summary=f"Reads {noun}."),
            Route(pattern=pattern, verb="write", handler=of("attach"), body=method.fields, summary=f"Attaches {noun}."),
            Route(pattern=pattern, verb="patch", handler=of("update"), body=method.update, summary=f"Changes {noun}."),
            Route(pattern=pattern, verb="delete", handler=of("revoke"), summary=f"Revokes {noun}, with its tokens."),
        ]

    async def read(self, call: Call) -> Reply:
        """What is attached."""
        _, (attachment, _) = await self._attached(call)
        return self._answer(attachment)

    async def attach(self, call: Call, body: AccessFields) -> Reply:
        """Lets an identity log in by this method. Raises NotFound, Invalid, Boundary."""
        identity, method = await self._identity(call), self.method
        await require_over(self.services, call, identity, given=True)
        if await attachments.versioned(self.ctx.storage, identity, method) is not None:
            raise Invalid(f"Failed to add {method.title} to already configured identity")
        mount = await mounted(self.services, method)
        fields = method.checked(checked_access(body), None, self._reach())
        now = self.services.clock.now()
        new = Attachment(
            id=str(uuid.UUID(bytes=self.services.random(16), version=4)),
            identity=identity, created_at=now, updated_at=now, fields=fields,
        )  # fmt: skip
        # a token of an attachment of before, minted by a login that raced with its end, must not come to life again
        await self.services.tokens.revoke_matching(call.namespace, mount=mount.entry.accessor, entity=identity)
        return await self._store(call, mount, new, 0, await self._alias(call, identity, mount))

    async def update(self, call: Call, body: AccessFields) -> Reply:
        """Changes what was sent. Tokens that were given before follow at once where they are judged live."""
        identity, (before, version) = await self._attached(call)
        await require_over(self.services, call, identity, given=True)
        mount = await mounted(self.services, self.method)
        sent = {name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET}
        fields = checked_access(structs.replace(before.fields, **sent))
        fields = self.method.checked(fields, before, self._reach())
        after = structs.replace(before, updated_at=self.services.clock.now(), fields=fields)
        return await self._store(call, mount, after, version)

    async def revoke(self, call: Call) -> Reply:
        """Ends the method: nobody logs in by it any more, and its tokens are gone when this answers."""
        identity, (attachment, version) = await self._attached(call)
        await require_over(self.services, call, identity)
        await withdraw(self.services, self.ctx, call, self.method, identity, version)
        return self._answer(attachment)

    async def _identity(self, call: Call) -> str:
        identity = call.params["id"]
        if await self.services.identity.fresh(identity) is None:
            raise NotFound(f"Failed to find identity with ID {identity[:64]}")
        return identity

    async def _attached(self, call: Call) -> tuple[str, tuple[AnyAttachment, int]]:
        identity = await self._identity(call)
        found = await attachments.versioned(self.ctx.storage, identity, self.method)
        if found is None:
            raise Invalid(f"The identity does not have {self.method.title} attached")
        return identity, found

    async def _alias(self, call: Call, identity: str, mount: Mount) -> list[Op]:
        """What gives the identity its alias at the mount, by which logins know it. Raises Invalid."""
        if not self.method.plugin:
            return []
        store, accessor = self.services.identity, mount.entry.accessor
        there = await store.alias_by_name(call.namespace, accessor, identity)
        if there is not None and there.row.entity != identity:
            raise Invalid("Another entity has this identity's ID as its alias")
        ops: list[Op] = [
            DeleteAlias(alias.row.id)
            for alias in await store.fresh_aliases(identity)
            if alias.row.mount == accessor and alias.row.name != identity
        ]
        if there is None:
            ops.append(InsertAlias(store.new_alias(call.namespace, accessor, identity, identity).row, bump=True))
        return ops

    async def _store(
        self, call: Call, mount: Mount, new: AnyAttachment, expect: int, alias: Sequence[Op] = ()
    ) -> Reply:
        method, services = self.method, self.services
        folder = mount.entry.storage_prefix + method.folder(new.identity)
        staging = Staging(services.documents.below(folder), fresh=not expect and method.instances)
        plugin, ctx = running(mount, method, new.identity)
        warnings = await apply(plugin, ctx, staging, method.steps(new.identity, new.fields), call)
        place = self._folder() + attachments.key(new.identity, method.name)
        try:
            await services.documents.commit([*await staging.changes(folder), Put(place, encode(new), expect)], alias)
        except Conflict:
            raise Unavailable("the method was changed at the same time, try again") from None
        finally:
            services.identity.forget()
        for text in method.remarks(new.fields):
            self.ctx.log.warning(text, identity=new.identity, method=method.name)
        return self._answer(new, warnings)

    def _reach(self) -> Reach:
        return reach_of(self.ctx.system, self.services.namespace.path)

    def _folder(self) -> str:
        own = self.services.router.at(self.ctx.mount)
        assert own is not None
        return own.entry.storage_prefix

    def _answer(self, attachment: AnyAttachment, warnings: Sequence[str] = ()) -> Reply:
        shown = {
            "id": attachment.id,
            **fields_of(self.method.fields).wire(attachment.fields),
            **self.method.shown(attachment),
            "identityId": attachment.identity,
            "createdAt": moment(attachment.created_at),
            "updatedAt": moment(attachment.updated_at),
        }
        return Reply(data=shown, warnings=(*self.method.remarks(attachment.fields), *warnings))
