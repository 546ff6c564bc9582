"""Which API a request is for: Vault's at `/v1`, or another one where the configuration turned it on."""

from __future__ import annotations

from structlog.typing import FilteringBoundLogger

from vaultlike.core.server import Server
from vaultlike.http.hanzo import HanzoFace
from vaultlike.http.infisical.face import InfisicalFace
from vaultlike.http.message import Incoming, Outgoing
from vaultlike.http.vault import VaultFace


class Faces:
    """The APIs of one server, behind one handler."""

    def __init__(self, server: Server, log: FilteringBoundLogger) -> None:
        self._vault = VaultFace(server, log)
        self._infisical = InfisicalFace(server, log)
        self._hanzo = HanzoFace(server, log)

    async def __call__(self, incoming: Incoming) -> Outgoing:
        """One HTTP request to one HTTP answer; never raises."""
        if self._infisical.serves(incoming.raw_path):
            return await self._infisical(incoming)
        if self._hanzo.serves(incoming.raw_path):
            return await self._hanzo(incoming)
        return await self._vault(incoming)
