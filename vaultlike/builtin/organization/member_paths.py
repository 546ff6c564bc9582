"""`projects/<id>/members`: which identities are in a project, with which roles, for good or for a time."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType, structs

from vaultlike.builtin.organization.boundary import require_text
from vaultlike.builtin.organization.holding import Holding
from vaultlike.builtin.organization.identities import ATTEMPTS, Identities
from vaultlike.builtin.organization.memberships import MAX_ROLES, HeldRole, Membership, Memberships
from vaultlike.builtin.organization.organizations import new_id
from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.project_rules import NO_ACCESS
from vaultlike.builtin.organization.projects import resolve_project
from vaultlike.builtin.organization.showing import Shown, show_membership
from vaultlike.builtin.organization.wire import Wire
from vaultlike.durations import parse_duration
from vaultlike.errors import Invalid, NotFound, Unavailable
from vaultlike.sdk import Answer, Call, Context, delete, list_, patch, read, write
from vaultlike.sdk.conversion import Misfit, to_time
from vaultlike.services import Services
from vaultlike.types import Anything

LISTED = 1000  # at most, in one list
EARLY = 300  # seconds that a start may lie ahead: clocks differ
_DAY = 86_400
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": _DAY, "w": 7 * _DAY, "y": 365 * _DAY}


class RoleGiven(Wire):
    """One role that is given; all that begins with `temporary` counts where `isTemporary` is true."""

    role: Annotated[str, Meta(min_length=1, max_length=64)]
    is_temporary: bool = False
    temporary_mode: Literal["relative"] = "relative"
    temporary_range: str = ""
    temporary_access_start_time: str | None = None


class MemberFields(Wire):
    """Roles: one by its slug, or several."""

    role: Annotated[str | UnsetType, Meta(description="The slug of the only role.")] = UNSET
    roles: Annotated[
        Anything,
        Meta(
            description="Objects with `role`, and for one that ends `isTemporary`, `temporaryMode` (relative), "
            "`temporaryRange` (like 1h) and `temporaryAccessStartTime`."
        ),
    ] = UNSET


class MemberPage(Wire):
    """One page of the list."""

    after: Annotated[str, Meta(description="The last identity of the page before.")] = ""
    offset: Annotated[int, Meta(description="How many to leave out first.")] = 0
    limit: Annotated[int, Meta(description=f"At most so many; at most {LISTED}.")] = LISTED


class MemberPaths(Part):
    """Memberships of identities in a project."""

    def __init__(self, ctx: Context, services: Services) -> None:
        super().__init__(ctx, services)
        self._identities, self._memberships = Identities(ctx.storage), Memberships(ctx.storage)
        self._holding = Holding(ctx, services)

    @list_("projects/{id}/members/")
    async def list_all(self, call: Call, body: MemberPage) -> Answer:
        """Lists the members of a project by the identity's id; `key_info` says what a read says."""
        project = await resolve_project(self.ctx.storage, call.params["id"])
        if body.offset < 0 or not 0 < body.limit <= LISTED:
            raise Invalid(f"limit must be 1 to {LISTED}, offset no less than 0")
        after = body.after
        if body.offset:
            skipped = await self._memberships.ids(project.id, after, body.offset)
            after = skipped[-1] if skipped else after
            if len(skipped) < body.offset:
                return {"keys": [], "key_info": {}, "totalCount": await self._memberships.count(project.id)}
        info: dict[str, Shown] = {}
        for membership in await self._memberships.of_project(project.id, after, body.limit):
            shown = await self._show(membership)
            if shown is not None:
                info[membership.identity] = shown
        return {"keys": list(info), "key_info": info, "totalCount": await self._memberships.count(project.id)}

    @read("projects/{id}/members/{identity}")
    async def read_one(self, call: Call) -> Answer:
        """Reads the membership of an identity."""
        return await self._show(await self._find(call))

    @write("projects/{id}/members/{identity}")
    async def create(self, call: Call, body: MemberFields) -> Answer:
        """Takes an identity into the project, with no more rights than the caller's own."""
        project = await resolve_project(self.ctx.storage, call.params["id"])
        identity, now = await self._identities.get(call.params["identity"]), self.ctx.clock.now()
        new = Membership(
            id=new_id(self.ctx), project=project.id, identity=identity.id, roles=self._roles(body), created_at=now,
            updated_at=now,
        )  # fmt: skip
        await require_text(self.services, call, await self._holding.member_text(new))
        await self._memberships.add(new)
        try:
            await self._holding.settle_member(project.id, identity.id)
        except NotFound:  # deleted meanwhile
            await self._memberships.drop(project.id, identity.id)
            raise
        return await self._show(new)

    @patch("projects/{id}/members/{identity}")
    async def update(self, call: Call, body: MemberFields) -> Answer:
        """Gives a member other roles in place of those it has."""
        identity = (await self._find(call)).identity
        roles = self._roles(body)
        for _ in range(ATTEMPTS):
            old = await self._find(call)
            await require_text(self.services, call, await self._holding.member_text(old), given=False)
            new = structs.replace(old, roles=roles, updated_at=self.ctx.clock.now())
            await require_text(self.services, call, await self._holding.member_text(new))
            if await self._memberships.replace(old, new):
                break
        else:
            raise Unavailable("too many concurrent writes to the same membership")
        await self._holding.settle_member(new.project, identity)
        return await self._show(new)

    @delete("projects/{id}/members/{identity}")
    async def delete_one(self, call: Call) -> Answer:
        """Takes an identity out of the project; its tokens can do nothing there from then on."""
        old = await self._find(call)
        await require_text(self.services, call, await self._holding.member_text(old), given=False)
        shown = await self._show(old)
        await self._memberships.remove(old)
        await self._holding.settle_member(old.project, old.identity)
        return shown

    async def _find(self, call: Call) -> Membership:
        project = await resolve_project(self.ctx.storage, call.params["id"])
        return await self._memberships.get(project.id, call.params["identity"])

    async def _show(self, membership: Membership) -> Shown | None:
        identity = await self._identities.find(membership.identity)
        if identity is None:
            return None
        roles = await self._holding.project_roles(membership.project).all()
        return show_membership(membership, roles, identity, await self._identities.methods(identity.id))

    # What is given

    def _roles(self, body: MemberFields) -> tuple[HeldRole, ...]:
        given = body.roles
        if given is UNSET or given is None:
            given = [{"role": NO_ACCESS if body.role is UNSET else body.role}]
        try:
            wanted = msgspec.convert(given, tuple[RoleGiven, ...])
        except msgspec.ValidationError as problem:
            raise Invalid(f"roles: {problem}") from None
        if not 0 < len(wanted) <= MAX_ROLES or len({one.role for one in wanted}) < len(wanted):
            raise Invalid(f"roles must be 1 to {MAX_ROLES}, each named once")
        return tuple(self._held(one) for one in wanted)

    def _held(self, given: RoleGiven) -> HeldRole:
        if not given.is_temporary:
            return HeldRole(id=new_id(self.ctx), role=given.role)
        span, now = _span(given.temporary_range), self.ctx.clock.now()
        try:
            starts_at = to_time(given.temporary_access_start_time) or now
        except Misfit as problem:
            raise Invalid(f"temporaryAccessStartTime: {problem}") from None
        if starts_at > now + EARLY:
            raise Invalid("temporaryAccessStartTime must not lie ahead: no policy can say when a right begins")
        return HeldRole(
            id=new_id(self.ctx), role=given.role, range=given.temporary_range, starts_at=starts_at,
            ends_at=starts_at + span,
        )  # fmt: skip


def _span(text: str) -> int:
    """Seconds of `30m`, `1h`, `2d`, `1w`, `1y` or what a duration may be otherwise. Raises Invalid."""
    text = text.strip().lower()
    number, unit = text[:-1].strip(), text[-1:]
    if number.isascii() and number.isdigit() and len(number) <= 9 and unit in _UNITS:
        seconds = int(number) * _UNITS[unit]
    else:
        seconds = parse_duration(text)
    if not 0 < seconds <= 100 * _UNITS["y"]:
        raise Invalid("temporaryRange must be a span like 30m, 1h or 7d")
    return seconds
