"""The approle auth method: its paths. The work is in the modules beside this one."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from vaultlike.errors import Denied, Invalid, NotFound
from vaultlike.sdk import (
    Answer,
    Backend,
    Call,
    Context,
    Login,
    Paging,
    Renewal,
    Reply,
    TokenParams,
    delete,
    list_,
    login,
    read,
    rfc3339,
    write,
)
from vaultlike.sdk.conversion import go_quote
from vaultlike.sdk.routes import Route
from vaultlike.types import NO_SECRET, Names, Secret
from vaultlike_approle.index import Place, place_of
from vaultlike_approle.issuing import MAX_SECRET_ID, CustomBody, IssueBody, new_secret_id, shown_ttl
from vaultlike_approle.login import LoginBody, judge
from vaultlike_approle.role import FIELD_TEXT, MAX_ROLE_ID, Role, check_role, complete, show_role
from vaultlike_approle.role_parts import OLD_CIDRS, PARTS, check_said
from vaultlike_approle.roles import Roles
from vaultlike_approle.secret_ids import Found, SecretId, SecretIds

NEVER = "0001-01-01T00:00:00Z"
TIDY = "Tidy operation successfully started. Any information from the operation will be printed to the server's logs."
TIDYING = "Tidy operation already in progress."


class RoleIdBody(Struct, kw_only=True):
    """A role id of one's own."""

    role_id: Annotated[str, Meta(description="The role's new identifier.")] = ""


class SecretIdBody(Struct, kw_only=True):
    """Names a secret id."""

    secret_id: Annotated[Secret, Meta(description="The secret id.")] = NO_SECRET


class AccessorBody(Struct, kw_only=True):
    """Names a secret id by its accessor."""

    secret_id_accessor: Annotated[str, Meta(description="The accessor of the secret id.")] = ""


class OldCidrsBody(Struct, kw_only=True):
    """The old name of a role's networks."""

    bound_cidr_list: Annotated[Names | UnsetType, Meta(description="Networks that may log in.")] = UNSET


class Approle(Backend):
    """Machines log in with a role id, which is no secret, and a secret id."""

    kind = "approle"
    summary = "Log in with a role id and a secret id."
    roles = Roles(
        "role/{role_name}",
        Role,
        render=show_role,
        fold=True,
        field_text=FIELD_TEXT,
        ttl_warnings=False,
        prepare="prepare_role",
        summary="a role: what a login must prove, and what token it gets",
    )

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self._secrets = SecretIds(ctx)
        self._tidying: asyncio.Task[None] | None = None

    def routes(self) -> list[tuple[Route, object]]:
        """The declared paths and those of a role's single fields."""
        return [*super().routes(), *((route, self) for part in PARTS for route in part.routes())]

    async def stop(self) -> None:
        """Ends a clean-up that is under way, which the next one goes on with, and counts what is to be counted."""
        await self._secrets.close()
        task, self._tidying = self._tidying, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def tick(self) -> None:
        """Deletes secret ids that have expired."""
        await self._secrets.tidy()

    async def prepare_role(self, call: Call, new: Role, old: Role | None) -> None:
        """Completes a written role and judges it as a whole."""
        complete(call, new, old)
        call.warnings += [text for text in check_role(self.ctx, new) if text not in call.warnings]

    async def role_name(self, role_id: str) -> str:
        """The name of the role that has this role id; "" where none has it."""
        place = await place_of(self.ctx, role_id.strip()) if len(role_id) <= 2 * MAX_ROLE_ID else None
        return "" if place is None else place.name

    @login(alias="role_id", role="role_id", resolve=role_name)
    async def login(self, call: Call, body: LoginBody) -> Login:
        """Logs a machine in."""
        return await judge(self.ctx, call, body, self.roles, self._secrets)

    async def renew(self, call: Call, renewal: Renewal) -> TokenParams:
        """Today's token parameters of the role."""
        name = renewal.memo.get("role_name", "")
        role = await self.roles.find(self.ctx, name)
        if role is None:
            raise Invalid(f'role "{name}" does not exist during renewal')
        return role

    # The role id, and the fields that cannot be set or are called otherwise

    @read("role/{role_name}/role-id")
    async def read_role_id(self, call: Call) -> Answer:
        """Reads the role id of a role."""
        role = await self.roles.find(self.ctx, call.params["role_name"])
        return None if role is None else {"role_id": role.role_id}

    @write("role/{role_name}/role-id")
    async def write_role_id(self, call: Call, body: RoleIdBody) -> None:
        """Sets the role id of a role."""

        def change(role: Role) -> Role:
            if not body.role_id.strip():
                raise Invalid("missing role_id")
            role.role_id = body.role_id
            return role

        await self.roles.edit(self.ctx, call.params["role_name"], change)

    @read("role/{role_name}/local-secret-ids")
    async def read_local(self, call: Call) -> Answer:
        """Reads whether the role's secret ids stay in this cluster."""
        role = await self.roles.find(self.ctx, call.params["role_name"])
        return None if role is None else {"local_secret_ids": role.local_secret_ids}

    @read("role/{role_name}/bound-cidr-list")
    async def read_old_cidrs(self, call: Call) -> Answer:
        """Deprecated: says nothing any more."""
        if await self.roles.find(self.ctx, call.params["role_name"]) is None:
            return None
        return Reply(data={"bound_cidr_list": None}, warnings=(OLD_CIDRS,))

    @write("role/{role_name}/bound-cidr-list")
    async def write_old_cidrs(self, call: Call, body: OldCidrsBody) -> None:
        """Deprecated: sets secret_id_bound_cidrs."""

        def change(role: Role) -> Role:
            if body.bound_cidr_list is not UNSET:
                check_said({"secret_id_bound_cidrs": body.bound_cidr_list})
                role.secret_id_bound_cidrs = body.bound_cidr_list
            return role

        await self.roles.edit(self.ctx, call.params["role_name"], change)

    @delete("role/{role_name}/bound-cidr-list")
    async def reset_old_cidrs(self, call: Call) -> None:
        """Deprecated: does nothing."""

    # Secret ids

    @list_("role/{role_name}/secret-id/")
    async def list_secret_ids(self, call: Call, body: Paging) -> Answer:
        """Lists the accessors of a role's secret ids, with their properties."""
        found = await self.roles.place(self.ctx, call.params["role_name"])
        if found is None:
            raise Invalid(_no_role(call))
        await self._secrets.count()
        known = {one.accessor: one for one in await self._secrets.all_of(found[1])}
        keys = body.cut(list(known))
        info = {key: _shown(known[key]) for key in keys}
        return {"keys": keys, "key_info": info} if keys else {"keys": keys}

    @write("role/{role_name}/secret-id")
    async def generate(self, call: Call, body: IssueBody) -> Reply:
        """Makes a secret id."""
        return await self._issue(call, body, str(uuid.UUID(bytes=self.ctx.random(16), version=4)))

    @write("role/{role_name}/custom-secret-id")
    async def register(self, call: Call, body: CustomBody) -> Reply:
        """Takes a secret id that the caller chose."""
        text = body.secret_id.reveal()
        if not text.strip():
            raise Invalid("missing secret_id")
        if len(text) > MAX_SECRET_ID:
            raise Invalid(f"secret_id is longer than {MAX_SECRET_ID} characters")
        return await self._issue(call, body, text)

    @write("role/{role_name}/secret-id/lookup", slash=True)
    async def look_up(self, call: Call, body: SecretIdBody) -> Answer:
        """Shows the properties of a secret id."""
        await self._secrets.count()
        found = await self._find(call, body)
        return _shown(found.body) if found is not None and not self._over(found) else None

    @write("role/{role_name}/secret-id/destroy", slash=True)
    @delete("role/{role_name}/secret-id/destroy")
    async def destroy(self, call: Call, body: SecretIdBody) -> None:
        """Ends a secret id; fine for one that is not there."""
        found = await self._find(call, body)
        if found is not None:
            await self._secrets.destroy(found)

    @write("role/{role_name}/secret-id-accessor/lookup", slash=True)
    async def look_up_accessor(self, call: Call, body: AccessorBody) -> Answer:
        """Shows the properties of a secret id, by its accessor."""
        await self._secrets.count()
        place, accessor = await self._accessor(call, body)
        found = await self._secrets.by_accessor(accessor)
        if found is not None and found[0] != place.store:
            return None  # another role's
        if found is None or found[1] is None or self._over(found[1]):
            return Reply(data={"error": _no_accessor(accessor)}, status=404)
        return _shown(found[1].body)

    @write("role/{role_name}/secret-id-accessor/destroy", slash=True)
    @delete("role/{role_name}/secret-id-accessor/destroy")
    async def destroy_accessor(self, call: Call, body: AccessorBody) -> None:
        """Ends a secret id, by its accessor."""
        place, accessor = await self._accessor(call, body)
        found = await self._secrets.by_accessor(accessor)
        if found is not None and found[0] != place.store:
            raise Denied("invalid secret id accessor", reason="the accessor belongs to another role")
        if found is None or found[1] is None:
            raise NotFound(_no_accessor(accessor))
        await self._secrets.destroy(found[1])

    @write("tidy/secret-id")
    async def tidy(self, call: Call) -> Reply:
        """Starts to delete secret ids that have expired."""
        if self._tidying is not None and not self._tidying.done():
            return Reply(warnings=(TIDYING,))
        self._tidying = asyncio.create_task(self._tidy(), name=f"tidy {self.ctx.mount}")
        return Reply(status=202, warnings=(TIDY,))

    async def _tidy(self) -> None:
        try:
            count = await self._secrets.tidy()
            await self._secrets.tidy_stores()
            self.ctx.log.info("secret ids tidied", expired=count)
        except Exception as problem:  # nobody waits for this task
            self.ctx.log.error("secret ids not tidied", problem=repr(problem))

    async def _issue(self, call: Call, body: IssueBody, text: str) -> Reply:
        found = await self.roles.place(self.ctx, call.params["role_name"])
        if found is None:
            raise NotFound(_no_role(call))
        role, place = found
        made = new_secret_id(self.ctx, place.name, role, body)
        await self._secrets.create(place, text.strip(), made)
        data = {
            "secret_id": text,
            "secret_id_accessor": made.accessor,
            "secret_id_ttl": shown_ttl(self.ctx, made.ttl),
            "secret_id_num_uses": made.uses,
        }
        return Reply(data=data, wrapped_accessor=made.accessor)

    async def _find(self, call: Call, body: SecretIdBody) -> Found | None:
        text = body.secret_id.reveal().strip()
        if not text:
            raise Invalid("missing secret_id")
        found = await self.roles.place(self.ctx, call.params["role_name"])
        if found is None:
            raise NotFound(_no_role(call))
        return await self._secrets.find(found[1], text)

    async def _accessor(self, call: Call, body: AccessorBody) -> tuple[Place, str]:
        accessor = body.secret_id_accessor
        if not accessor:
            raise Invalid("missing secret_id_accessor")
        found = await self.roles.place(self.ctx, call.params["role_name"])
        if found is None:
            raise NotFound(_no_role(call))
        return found[1], accessor

    def _over(self, found: Found) -> bool:
        return found.body.expired(self.ctx.clock.now())


def _shown(body: SecretId) -> dict[str, object]:
    return {
        "secret_id_accessor": body.accessor,
        "secret_id_ttl": body.ttl,
        "secret_id_num_uses": body.uses,
        "creation_time": rfc3339(body.created_at),
        "expiration_time": rfc3339(body.expires_at) if body.expires_at else NEVER,
        "last_updated_time": rfc3339(body.updated_at),
        "last_used_time": rfc3339(body.used_at) if body.used_at else NEVER,
        "logins": body.logins,
        "metadata": body.metadata,
        "cidr_list": body.cidrs,
        "token_bound_cidrs": body.token_cidrs,
        "notes": body.notes,
    }


def _no_role(call: Call) -> str:
    return f'role "{call.params["role_name"][:256].lower()}" does not exist'


def _no_accessor(accessor: str) -> str:
    return f"failed to find accessor entry for secret_id_accessor: {go_quote(accessor[:128])}"
