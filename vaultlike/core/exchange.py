"""The state of one request on its way through the pipeline; each phase fills in what it establishes."""

from __future__ import annotations

from msgspec import Struct

from vaultlike.core.request import Outcome, Request
from vaultlike.errors import VaultlikeError
from vaultlike.identity.entity import Entity
from vaultlike.mounts.router import Mount
from vaultlike.policy.acl import ACL
from vaultlike.sdk import Call, Raw, Reply
from vaultlike.sdk.routes import Owned, Place
from vaultlike.tokens.entry import Token


class Exchange(Struct, kw_only=True):
    """One request and what is known about it so far."""

    request: Request
    token: Token | None = None  # the presented token, if it is valid
    refusal: VaultlikeError | None = None  # why the presented token is none, where there is more to say than that
    mount: Mount | None = None
    place: Place | None = None
    owned: Owned | None = None  # the route that serves it; None until the operation is known to exist
    params: dict[str, str] = {}
    rest: str = ""  # the path below the mount
    entity: Entity | None = None
    acl: ACL | None = None
    call: Call | None = None
    audited: bool = False
    reply: Reply | Raw | None = None

    @property
    def open(self) -> bool:
        """Whether the path needs no token; a wrong method on an open path is told so without one."""
        if self.owned is not None:
            return self.owned.route.open
        if self.place is None:
            below = self.mount.backend.open_below if self.mount is not None and self.mount.backend is not None else ""
            return bool(below) and self.rest.startswith(below)
        return any(owned.route.open for owned in self.place.routes.values())

    def outcome(self) -> Outcome:
        """What the wire renders."""
        request = self.request
        inject = self.owned is not None and self.owned.route.inject
        kind = self.mount.entry.kind if self.mount is not None else ""
        return Outcome(request_id=request.id, verb=request.verb, reply=self.reply, mount_type=kind, inject=inject)
