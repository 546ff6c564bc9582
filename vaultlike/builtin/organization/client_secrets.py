"""`identities/{id}/client-secrets`: the secrets of universal-auth, which are secret ids of `approle` with the role of
the identity (spec/infisical.md 2). The plugin keeps and counts them; what is here names their fields.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from vaultlike.builtin.organization.boundary import require_over
from vaultlike.builtin.organization.methods import attachments
from vaultlike.builtin.organization.methods.access import MAX_TEXT, MAX_TTL, MAX_USES
from vaultlike.builtin.organization.methods.asking import ask
from vaultlike.builtin.organization.methods.method import Attachment, Step
from vaultlike.builtin.organization.methods.mounting import mounted
from vaultlike.builtin.organization.methods.universal import UniversalAuth, UniversalFields
from vaultlike.builtin.organization.part import Part
from vaultlike.builtin.organization.wire import Wire
from vaultlike.errors import Invalid, NotFound
from vaultlike.mounts.router import Mount
from vaultlike.sdk import Call, Reply, list_, read, write

METHOD = UniversalAuth()
SIZE = 32  # bytes of a client secret
PREFIX = 4  # characters of it that are shown, to tell one from another
DESCRIPTION, START = "description", "prefix"  # in the secret id's notes
MADE_WITH = "secret_id_accessor"  # in the memo of a token: the secret id that logged in
PAGE = 500  # tokens looked at together


class NewClientSecret(Wire):
    """What a client secret is made with."""

    description: Annotated[str, Meta(max_length=MAX_TEXT, description="What it is for.")] = ""
    num_uses_limit: Annotated[int, Meta(ge=0, le=MAX_USES, description="How often it logs in; 0: any number.")] = 0
    ttl: Annotated[int, Meta(ge=0, le=MAX_TTL, description="Its life in seconds; 0: until it is revoked.")] = 0


class ClientSecretShown(Wire):
    """What is shown of a client secret; never the secret itself."""

    id: str
    created_at: str
    updated_at: str
    description: str
    client_secret_prefix: str
    client_secret_num_uses: int
    client_secret_num_uses_limit: int
    client_secret_ttl: int
    identity_ua_id: str
    is_client_secret_revoked: bool = False


class _Facts(Struct, kw_only=True):
    """What the plugin shows of a secret id, as far as it is used here."""

    secret_id_accessor: str
    secret_id_ttl: int
    secret_id_num_uses: int
    creation_time: str
    last_updated_time: str
    logins: int
    notes: dict[str, str] = {}


class ClientSecrets(Part):
    """Making, reading and revoking client secrets; letting locked addresses in again."""

    @write("identities/{id:any}/client-secrets")
    async def create(self, call: Call, body: NewClientSecret) -> Reply:
        """Makes a client secret, which is shown this once."""
        mount, attachment = await self._attached(call)
        await require_over(self.services, call, attachment.identity, given=True)
        if not (
            0 <= body.num_uses_limit <= MAX_USES and 0 <= body.ttl <= MAX_TTL and len(body.description) <= MAX_TEXT
        ):
            raise Invalid("a client secret takes a ttl up to 315360000, a limit of uses and a short description")
        text = self.ctx.random(SIZE).hex()
        made = await self._ask(
            mount, call, "custom-secret-id",
            {
                "secret_id": text, "ttl": body.ttl, "num_uses": body.num_uses_limit,
                "notes": {DESCRIPTION: body.description, START: text[:PREFIX]},
            },
        )  # fmt: skip
        data = msgspec.to_builtins(made.data)
        facts = await self._facts(mount, call, data["secret_id_accessor"])
        return Reply(data={"clientSecret": text, "clientSecretData": _show(facts, attachment)})

    @list_("identities/{id:any}/client-secrets/")
    async def list_all(self, call: Call) -> Reply:
        """Lists the client secrets that can log in, the newest first."""
        mount, attachment = await self._attached(call)
        listed = await self._ask(mount, call, "secret-id", {}, "list")
        data = msgspec.to_builtins(listed.data)
        found = msgspec.convert(list(data.get("key_info", {}).values()), list[_Facts])
        found.sort(key=lambda one: (one.creation_time, one.secret_id_accessor), reverse=True)
        shown = [_show(one, attachment) for one in found]
        return Reply(data={"keys": [one.id for one in shown], "clientSecretData": shown})

    @read("identities/{id:any}/client-secrets/{secret:any}")
    async def read(self, call: Call) -> ClientSecretShown:
        """Reads what is known of a client secret."""
        mount, attachment = await self._attached(call)
        return _show(await self._facts(mount, call, call.params["secret"]), attachment)

    @write("identities/{id:any}/client-secrets/{secret:any}/revoke")
    async def revoke(self, call: Call) -> ClientSecretShown:
        """Ends a client secret, and the access tokens that it gave."""
        mount, attachment = await self._attached(call)
        await require_over(self.services, call, attachment.identity)
        accessor = call.params["secret"]
        shown = _show(await self._facts(mount, call, accessor), attachment)
        await self._ask(mount, call, "secret-id-accessor/destroy", {"secret_id_accessor": accessor})
        await self._end_tokens(call, mount, attachment.identity, accessor)
        shown.is_client_secret_revoked = True
        return shown

    @write("identities/{id:any}/client-secrets-lockouts/clear")
    async def clear_lockouts(self, call: Call) -> Reply:
        """Lets every address that was turned away try again."""
        mount, attachment = await self._attached(call)
        count = await self.services.unlock_user(mount.entry.accessor, attachment.fields.client_id)
        return Reply(data={"deleted": count})

    async def _attached(self, call: Call) -> tuple[Mount, Attachment[UniversalFields]]:
        identity = call.params["id"]
        found = await attachments.find(self.ctx.storage, identity, METHOD)
        if found is None:
            if await self.services.identity.entity(identity) is None:
                raise NotFound(f"Failed to find identity with ID {identity[:64]}")
            raise Invalid("The identity does not have universal auth")
        return await mounted(self.services, METHOD), found

    async def _ask(self, mount: Mount, call: Call, path: str, data: dict[str, object], verb: str = "write") -> Reply:
        step = Step(path=f"role/{call.params['id']}/{path}", data=data, verb=verb)  # type: ignore[arg-type]
        return await ask(mount.table, mount.entry.path, step, call)

    async def _facts(self, mount: Mount, call: Call, accessor: str) -> _Facts:
        missing = NotFound(f"Client secret with ID '{accessor[:64]}' not found")
        found = await self._ask(mount, call, "secret-id-accessor/lookup", {"secret_id_accessor": accessor})
        if found.data is None or found.status == missing.status:  # none, or another identity's
            raise missing
        return msgspec.convert(found.data, _Facts)

    async def _end_tokens(self, call: Call, mount: Mount, identity: str, accessor: str) -> None:
        """Those of logins that raced with the end of the secret are found too: the secret is gone before."""
        tokens, after = self.services.tokens, 0
        while page := await tokens.made_by(call.namespace, mount.entry.accessor, identity, after, PAGE):
            for token in page:
                if token.entry.memo.get(MADE_WITH) == accessor:
                    await tokens.revoke(token.row.id)
            after = page[-1].row.position


def _show(facts: _Facts, attachment: Attachment[UniversalFields]) -> ClientSecretShown:
    limited = facts.secret_id_num_uses > 0
    return ClientSecretShown(
        id=facts.secret_id_accessor,
        created_at=_moment(facts.creation_time),
        updated_at=_moment(facts.last_updated_time),
        description=facts.notes.get(DESCRIPTION, ""),
        client_secret_prefix=facts.notes.get(START, ""),
        client_secret_num_uses=facts.logins,
        client_secret_num_uses_limit=facts.secret_id_num_uses + facts.logins if limited else 0,
        client_secret_ttl=facts.secret_id_ttl,
        identity_ua_id=attachment.id,
    )


def _moment(text: str) -> str:
    """A time of the other API, which has microseconds, as this one has it."""
    return text[:23] + "Z"
