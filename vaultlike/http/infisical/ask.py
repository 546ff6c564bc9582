"""One request of the second API on its way: what was sent, and how to ask the core."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from vaultlike.core.request import MAX_STRANGER, Outcome, Request, Verb
from vaultlike.core.server import Server
from vaultlike.errors import NotFound, TooLarge, VaultlikeError
from vaultlike.http.infisical.settings import FaceSettings
from vaultlike.http.message import Incoming, Outgoing
from vaultlike.sdk import Raw, Reply

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, object]).decode


class Ask:
    """`token` is what the caller showed ("" for none, and on open endpoints); `params` what the path captured."""

    __slots__ = ("_asked", "_counted", "_looking", "id", "incoming", "params", "server", "settings", "token")

    def __init__(
        self,
        server: Server,
        settings: FaceSettings,
        incoming: Incoming,
        request_id: str,
        *,
        token: str,
        params: dict[str, str],
        counted: bool,
    ) -> None:
        self.server, self.settings, self.incoming, self.id = server, settings, incoming, request_id
        self.token, self.params = token, params
        self._counted, self._asked, self._looking = counted, False, False

    async def measure(self) -> None:
        """Raises TooLarge for a body that is read for nobody who has not shown a token: reading multiplies its size."""
        size = len(self.incoming.body)
        if size > MAX_STRANGER and not await self.server.knows(self.token):
            raise TooLarge(reason=f"a body of {size} bytes without a token; at most {MAX_STRANGER}")

    async def reply(self, verb: Verb, path: str, data: Mapping[str, object] | Struct | None = None) -> Reply | None:
        """What the core answers to one request with the caller's token. Raises every refusal as VaultlikeError.

        The first request spends a use of the token, further ones are steps of the same. Fields of a Struct that were
        not sent (UNSET) stay away.
        """
        reply = await self._handle(verb, path, data)
        assert not isinstance(reply, Raw)
        return reply

    async def raw(self, verb: Verb, path: str) -> Outgoing:
        """An answer of the core that is bytes already, as it is."""
        reply = await self._handle(verb, path, None)
        assert isinstance(reply, Raw)
        return Outgoing(reply.status, reply.body, reply.content_type, reply.headers)

    async def _handle(self, verb: Verb, path: str, data: Mapping[str, object] | Struct | None) -> Reply | Raw | None:
        fields = _decode(_encode(data)) if isinstance(data, Struct) else dict(data or {})  # lists are lists again
        request = Request(
            id=self.id,
            verb=verb,
            path=path,
            decode=lambda: fields,
            render=_nothing,
            token=self.token,
            namespace=self.settings.namespace,
            remote=self.incoming.remote,
            headers=self.incoming.headers,
            peer_certificate=self.incoming.peer_certificate,
            uncounted=self._asked or self._looking or not self._counted,
            size=len(self.incoming.body),
        )
        self._asked = self._asked or not self._looking
        return (await self.server.handle(request)).reply

    async def core(self, verb: Verb, path: str, data: Mapping[str, object] | Struct | None = None) -> object:
        """The data of what the core answers; NotFound for a read of what is not there, None where nothing is said."""
        reply = await self.reply(verb, path, data)
        if reply is None or (reply.data is None and verb in ("read", "list")):
            if verb in ("read", "list"):
                raise NotFound
            return None
        return reply.data

    async def look(self, verb: Verb, path: str, data: Mapping[str, object] | Struct | None = None) -> object:
        """As `core`, for a step before the one that the call is about: the use is spent by that one, so that the last
        use of a token is enough. A refusal spends it here."""
        self._looking = True
        try:
            return await self.core(verb, path, data)
        except VaultlikeError:
            self._looking = False
            return await self.core(verb, path, data)
        finally:
            self._looking = False


def _nothing(outcome: Outcome) -> bytes | None:
    return None
