"""`identities`: machine identities, each with a role in the organization (spec/infisical.md 3)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, structs

from vaultlike.builtin.organization.boundary import require_metadata, require_over, require_text
from vaultlike.builtin.organization.holding import Holding
from vaultlike.builtin.organization.identities import ATTEMPTS, Identities, Identity, Metadatum
from vaultlike.builtin.organization.memberships import Memberships
from vaultlike.builtin.organization.methods.withdrawing import withdraw_all
from vaultlike.builtin.organization.organization_rules import NO_ACCESS
from vaultlike.builtin.organization.organizations import new_id, require_organization, the_organization
from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.projects import find_project
from vaultlike.builtin.organization.roles import RoleBook, clean_name
from vaultlike.builtin.organization.showing import show_identity, show_member, show_membership, show_project
from vaultlike.builtin.organization.wire import Wire
from vaultlike.errors import Invalid, Unavailable
from vaultlike.identity.rules import check_metadata
from vaultlike.sdk import Answer, Call, Context, delete, patch, read, write
from vaultlike.services import Services
from vaultlike.storage.engine import Conflict, InsertEntity
from vaultlike.types import Anything

MAX_PROJECTS = 1000  # memberships of one identity in one answer


class NewIdentity(Wire):
    """What makes an identity."""

    name: Annotated[str, Meta(description="What the identity is called; several may have one name.")]
    organization_id: Annotated[str, Meta(description="The organization's id; where it is empty, the only one.")] = ""
    role: Annotated[str, Meta(description="The slug of its role in the organization.")] = NO_ACCESS
    has_delete_protection: Annotated[bool, Meta(description="Whether it cannot be deleted until this is off.")] = False
    metadata: Annotated[Anything, Meta(description="A list of objects with `key` and `value`.")] = UNSET


class IdentityChange(Wire):
    """What may be changed; what is not sent stays."""

    name: Annotated[str | UnsetType, Meta(description="What the identity is called.")] = UNSET
    role: Annotated[str | UnsetType, Meta(description="The slug of its role in the organization.")] = UNSET
    has_delete_protection: Annotated[
        bool | UnsetType, Meta(description="Whether it cannot be deleted until this is off.")
    ] = UNSET
    metadata: Annotated[Anything, Meta(description="A list of objects with `key` and `value`; replaces all.")] = UNSET


class IdentityPaths(Part):
    """Making, reading, changing and deleting identities."""

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx, services)
        self._identities, self._memberships = Identities(ctx.storage), Memberships(ctx.storage)
        self._roles, self._holding = RoleBook(ctx.storage, "roles"), Holding(ctx, services)

    @write("identities")
    async def create(self, call: Call, body: NewIdentity) -> Answer:
        """Creates an identity: an entity of the server with the policies of its role."""
        await require_organization(self.ctx, body.organization_id)
        name, metadata = clean_name(body.name), self._metadata(body.metadata)
        await require_text(self.services, call, await self._holding.organization_text(body.role))
        made = await self.add(name, body.role, protected=body.has_delete_protection, metadata=metadata)
        return show_identity(made, await the_organization(self.ctx))

    async def add(
        self, name: str, role: str, *, protected: bool = False, metadata: tuple[Metadatum, ...] = ()
    ) -> Identity:
        """Makes an identity with its entity. Who calls has judged whether it may have this role."""
        policy, now = await self._holding.ensure_organization_role(role), self.ctx.clock.now()
        pairs = {one.key: one.value for one in metadata} or None
        for _ in range(ATTEMPTS):
            # names of entities are unique, and policies may speak of them: nobody chooses one through this door
            entity = self.services.identity.new_entity(
                self.services.namespace.id, f"{name}-{self.ctx.random(6).hex()}", metadata=pairs,
                policies=(policy,) if policy else (),
            )  # fmt: skip
            try:
                await self.services.identity.add(InsertEntity(entity.row, bump=True))
                break
            except Conflict:
                continue
        else:
            raise Unavailable("no free name for the identity's entity")
        made = Identity(
            id=entity.id, name=name, role=role, membership=new_id(self.ctx), created_at=now, updated_at=now,
            delete_protection=protected, metadata=metadata,
        )  # fmt: skip
        await self._identities.add(made)
        return made

    @read("identities/{id}")
    async def read_one(self, call: Call) -> Answer:
        """Reads an identity with its role, metadata and attached methods."""
        found = await self._identities.get(call.params["id"])
        role, methods = await self._roles.find(found.role), await self._identities.methods(found.id)
        return show_member(found, await the_organization(self.ctx), role, methods)

    @write("identities/{id}")
    async def update(self, call: Call, body: IdentityChange) -> Answer:
        """Changes an identity; what is not sent stays."""
        return await self._change(call, body)

    @patch("identities/{id}")
    async def update_partly(self, call: Call, body: IdentityChange) -> Answer:
        """Changes an identity; what is not sent stays."""
        return await self._change(call, body)

    async def _change(self, call: Call, body: IdentityChange) -> Answer:
        identity = call.params["id"]
        await self._identities.get(identity)
        await require_over(self.services, call, identity, projects=False)
        if body.role is not UNSET:
            await require_text(self.services, call, await self._holding.organization_text(body.role))
        metadata = self._metadata(body.metadata) if body.metadata is not UNSET else None
        if metadata is not None:
            await require_metadata(self.services, call, identity, {one.key: one.value for one in metadata})
        for _ in range(ATTEMPTS):
            old = await self._identities.get(identity)
            new = structs.replace(
                old,
                name=old.name if body.name is UNSET else clean_name(body.name),
                role=old.role if body.role is UNSET else body.role,
                delete_protection=old.delete_protection
                if body.has_delete_protection is UNSET
                else body.has_delete_protection,
                metadata=old.metadata if metadata is None else metadata,
                updated_at=self.ctx.clock.now(),
            )
            if await self._identities.replace(old, new):
                break
        else:
            raise Unavailable("too many concurrent writes to the same identity")
        if new.role != old.role:
            await self._holding.settle_role(identity)
        if metadata is not None:
            await self._note_metadata(identity)
        methods = await self._identities.methods(identity)
        return show_identity(new, await the_organization(self.ctx), methods)

    async def _note_metadata(self, identity: str) -> None:
        """The entity says what the identity says, for policies' templates."""
        for _ in range(ATTEMPTS):
            entity = await self.services.identity.entity(identity)
            if entity is None:
                return
            pairs = {one.key: one.value for one in (await self._identities.get(identity)).metadata}
            try:
                await self.services.identity.save_entity(
                    entity, structs.replace(entity.body, metadata=pairs, updated_at=self.ctx.clock.now())
                )
                return
            except Conflict:
                self.services.identity.forget()
        raise Unavailable("too many concurrent writes to the same identity")

    def _metadata(self, raw: object) -> tuple[Metadatum, ...]:
        if raw is UNSET or raw is None:
            return ()
        pairs = raw if isinstance(raw, list) else []
        found = []
        for one in pairs:
            key, value = (one.get("key"), one.get("value")) if isinstance(one, dict) else (None, None)
            if not isinstance(key, str) or not isinstance(value, str) or not key.strip() or not value.strip():
                raise Invalid("metadata must be a list of objects with the texts key and value")
            found.append(Metadatum(new_id(self.ctx), key.strip(), value.strip()))
        if not isinstance(raw, list) or len({one.key for one in found}) < len(found):
            raise Invalid("metadata must be a list of objects with key and value, each key once")
        check_metadata({one.key: one.value for one in found})
        return tuple(found)

    @delete("identities/{id}")
    async def delete_one(self, call: Call) -> Answer:
        """Deletes an identity with its entity, memberships and tokens."""
        found = await self._identities.get(call.params["id"])
        if found.delete_protection:
            raise Invalid("The identity has delete protection; turn it off first")
        await require_over(self.services, call, found.id, projects=False)
        methods = await self._identities.methods(found.id)
        await self._remove(call, found)
        return show_identity(found, await the_organization(self.ctx), methods)

    async def _remove(self, call: Call, found: Identity) -> None:
        """Ends an identity: first what its tokens stand for, so that they are worth nothing at once."""
        entity = await self.services.identity.entity(found.id)
        await self.services.identity.delete_entities((found.id,))
        await self.services.groups.forget_entities((found.id,))
        if entity is not None:
            await self.services.groups.note_members(found.id, (), {group for group, _ in entity.body.external})
        await withdraw_all(self.services, self.ctx, call, found.id)
        while projects := await self._memberships.projects_of(found.id, limit=100):
            for project in projects:
                await self._memberships.drop(project, found.id)
                await self._holding.forget_member(project, found.id)
        await self._identities.remove(found)
        await self.services.tokens.revoke_matching(self.services.namespace.id, entity=found.id)

    @read("identities/{id}/memberships")
    async def memberships(self, call: Call) -> Answer:
        """Reads which projects an identity is in, with which roles."""
        found = await self._identities.get(call.params["id"])
        methods, shown = await self._identities.methods(found.id), []
        for project in await self._memberships.projects_of(found.id, limit=MAX_PROJECTS):
            membership = await self._memberships.find(project, found.id)
            where = await find_project(self.ctx.storage, project)
            if membership is not None and where is not None:
                roles = await self._holding.project_roles(project).all()
                shown.append({**show_membership(membership, roles, found, methods), "project": show_project(where, "")})
        return {"identityMemberships": shown}
