"""What happens around every handler: counting, faults, turning a refusal into its answer.

Owns nothing else; handlers stay free of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web

from vaultlike.testing.azure.faults import Endpoint
from vaultlike.testing.azure.ledger import Seen
from vaultlike.testing.azure.refusals import Refusal
from vaultlike.testing.azure.state import State

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gate:
    def __init__(self, state: State) -> None:
        self._state = state

    def guard(self, endpoint: Endpoint, handler: Handler) -> Handler:
        """The handler with counting, faults and refusals around it."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            self._state.ledger.count(endpoint)
            response = await self._answer(endpoint, handler, request)
            self._state.ledger.note(
                Seen(
                    endpoint=endpoint,
                    method=request.method,
                    path=request.path,
                    query=request.query_string,
                    user_agent=request.headers.get("User-Agent", ""),
                    status=response.status,
                )
            )
            return response

        return guarded

    async def _answer(self, endpoint: Endpoint, handler: Handler, request: web.Request) -> web.StreamResponse:
        faults = self._state.faults
        fault = faults.take(endpoint, request.path)
        if fault is not None:
            faulty = await faults.carry_out(fault, request)
            if faulty is not None:
                return faulty
        try:
            return await handler(request)
        except Refusal as refusal:
            return refusal.response(self._state.now())
