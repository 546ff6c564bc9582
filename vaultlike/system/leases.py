"""`sys/leases/*`: leases are tokens here (a token is its lease), so this looks up and ends tokens by where they came
from (spec/vault-api.md 2.6). Owns the lease id: `<creation path>/h<token id in hex>`.
"""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta, Struct

from vaultlike.clock import rfc3339
from vaultlike.errors import Invalid
from vaultlike.sdk import Answer, Call, Raw, Reply, list_, read, write
from vaultlike.sdk.conversion import Misfit, go_quote, to_int
from vaultlike.system.part import Part
from vaultlike.tokens.entry import Token
from vaultlike.types import Duration

_ID = re.compile(r"(.+)/h([0-9a-f]{64})", re.ASCII | re.DOTALL)
_LEAF = re.compile(r"[0-9a-f]{64}", re.ASCII)
TIDY = "Tidy operation successfully started. Expired leases are removed all the time anyway."


class LeaseBody(Struct, kw_only=True):
    """Which lease."""

    lease_id: Annotated[str, Meta(description="The id of the lease.")] = ""


class RenewBody(LeaseBody, kw_only=True):
    """Which lease, and for how long."""

    increment: Annotated[Duration, Meta(description="The time to add, from now.")] = 0


class RevokeBody(LeaseBody, kw_only=True):
    """Which lease, and whether to wait for it."""

    sync: Annotated[bool, Meta(description="Answer only when it is done.")] = True


class PrefixBody(Struct, kw_only=True):
    """Whether to wait for the revocation."""

    sync: Annotated[bool, Meta(description="Answer only when it is done.")] = True


class KindBody(Struct, kw_only=True):
    """Which kind of leases is counted."""

    type: Annotated[str, Meta(description="Only `irrevocable`.")] = ""
    limit: Annotated[str, Meta(description="How many to show.")] = ""
    include_child_namespaces: Annotated[bool, Meta(description="Child namespaces too.")] = False


class Leases(Part):
    """The leases of the server."""

    @write("leases/lookup")
    async def lookup(self, call: Call, body: LeaseBody) -> dict[str, object]:
        """Shows one lease."""
        token = await self._find(_required(body.lease_id))
        if token is None:
            raise Invalid("invalid lease")
        entry, row, now = token.entry, token.row, self.services.clock.now()
        return {
            "id": token.lease_id,
            "issue_time": rfc3339(entry.created_at),
            "expire_time": None if row.expires_at is None else rfc3339(row.expires_at),
            "last_renewal": None if entry.renewed_at is None else rfc3339(entry.renewed_at),
            "renewable": entry.renewable,
            "ttl": token.remaining(now),
        }

    @list_("leases/lookup/", sudo=True)
    async def list_all(self, call: Call) -> dict[str, object]:
        """Lists where leases come from."""
        return await self._children("")

    @list_("leases/lookup/{prefix:rest}", sudo=True)
    async def list_below(self, call: Call) -> dict[str, object]:
        """Lists leases and where they come from, below a path."""
        return await self._children(call.params["prefix"].strip("/") + "/")

    @write("leases/renew")
    @write("renew")
    @write("leases/renew/{lease_id:rest}")
    @write("renew/{lease_id:rest}")
    async def renew(self, call: Call, body: RenewBody) -> Answer:
        """Renews a lease; tokens are renewed at `auth/token/renew`."""
        if await self._find(_required(body.lease_id)) is None:
            raise Invalid("lease not found")
        raise Invalid("tokens cannot be renewed through this endpoint")

    @write("leases/revoke")
    @write("revoke")
    @write("leases/revoke/{lease_id:rest}")
    @write("revoke/{lease_id:rest}")
    async def revoke(self, call: Call, body: RevokeBody) -> Answer:
        """Ends a lease. Fine when there is none."""
        if not isinstance(call.data.get("lease_id", ""), str):
            raise Invalid("invalid lease ID")
        token = await self._find(_required(body.lease_id))
        if token is not None:
            await self.services.tokens.revoke(token.row.id)
        return _done(body.sync)

    @write("leases/revoke-prefix/{prefix:rest}", sudo=True)
    @write("revoke-prefix/{prefix:rest}", sudo=True)
    async def revoke_prefix(self, call: Call, body: PrefixBody) -> Answer:
        """Ends all leases below a path."""
        await self._end_below(call.params["prefix"])
        return _done(body.sync)

    @write("leases/revoke-force/{prefix:rest}", sudo=True)
    @write("revoke-force/{prefix:rest}", sudo=True)
    async def revoke_force(self, call: Call) -> None:
        """Ends all leases below a path, whatever their backends say."""
        await self._end_below(call.params["prefix"])

    @write("leases/tidy")
    async def tidy(self, call: Call) -> Reply:
        """Tidies leases; here nothing is ever left behind."""
        return Reply(status=202, warnings=(TIDY,))

    @read("leases/count")
    async def count(self, call: Call, body: KindBody) -> Answer:
        """Counts leases that cannot be revoked: there are none."""
        if body.type != "irrevocable":
            return None
        return {"lease_count": 0, "counts": {}}

    @read("leases", sudo=True)
    async def irrevocable(self, call: Call, body: KindBody) -> Answer:
        """Shows leases that cannot be revoked: there are none."""
        if body.type != "irrevocable":
            return None
        if body.limit not in ("", "none"):
            try:
                to_int(body.limit)
            except Misfit:
                raise Invalid(f"invalid 'limit' provided: {go_quote(body.limit[:64])} is no number") from None
        return {"lease_count": 0, "leases": []}

    async def _find(self, lease_id: str) -> Token | None:
        match = _ID.fullmatch(lease_id)
        if match is None:
            return None
        token = await self.services.tokens.find_id(bytes.fromhex(match[2]))
        return token if token is not None and token.row.path == match[1] else None

    async def _children(self, prefix: str) -> dict[str, object]:
        names = await self.services.engine.lease_children(self.services.namespace.id, prefix)
        return {"keys": [f"h{name}" if _LEAF.fullmatch(name) else name for name in names]}

    async def _end_below(self, prefix: str) -> None:
        token = await self._find(prefix)
        if token is not None:
            await self.services.tokens.revoke(token.row.id)
            return
        path = prefix.strip("/")
        if not path:
            raise Invalid("missing prefix")
        await self.services.tokens.revoke_matching(self.services.namespace.id, prefix=path + "/")


def _required(lease_id: str) -> str:
    if not lease_id:
        raise Invalid("lease_id must be specified")
    return lease_id


def _done(sync: bool) -> Raw | None:
    """Revocation is always finished when it is answered; who did not want to wait gets the status of a promise."""
    return None if sync else Raw(body=b"", status=202)
