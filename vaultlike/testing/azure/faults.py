"""Things that go wrong on purpose: which answer an endpoint gives instead of its own, how often, how late.

Owns the table of pending faults and carrying one out. Endpoints are named as in the request counters:
`discovery`, `jwks`, `token`, `instance_discovery`, `arm`, `graph`, `imds`, `app_service`, `arc`.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal, TypeAlias

from aiohttp import web
from msgspec import Meta, Struct
from msgspec.structs import replace

from vaultlike.clock import Clock

Endpoint: TypeAlias = Literal[
    "discovery", "jwks", "token", "instance_discovery", "arm", "graph", "imds", "app_service", "arc"
]
Body: TypeAlias = Literal["error", "empty", "garbage", "html", "huge", "redirect", "truncated", "json"]
FOREVER = -1
_CHUNK = b" " * 65536


class Fault(Struct, kw_only=True):
    """One fault. `delay` alone (status 0) answers late but truly; `hang` never answers.

    status: the HTTP status (0 = the endpoint's own answer); retry_after: seconds (header is left out when negative);
    delay: seconds on the emulator's clock; body: what is sent; size: bytes of a `huge` body; location: target of a
    `redirect`; text: the body for `json`; times: how many requests it hits (-1 = until cleared); skip: how many
    requests pass before; match: only paths that contain this text.
    """

    endpoint: Endpoint
    status: Annotated[int, Meta(ge=0, le=599)] = 0
    retry_after: int = -1
    delay: Annotated[float, Meta(ge=0)] = 0.0
    hang: bool = False
    body: Body = "error"
    size: Annotated[int, Meta(ge=0)] = 64 * 1024 * 1024
    location: str = ""
    text: str = ""
    times: int = 1
    skip: Annotated[int, Meta(ge=0)] = 0
    match: str = ""


class FaultTable:
    """The pending faults, first come first served."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._faults: list[Fault] = []
        self._stopped = asyncio.Event()

    def add(self, fault: Fault) -> None:
        """Raises ValueError for a fault that could never do anything."""
        harmless = not (fault.status or fault.delay or fault.hang or fault.body != "error")
        if harmless or fault.times == 0:
            raise ValueError("a fault needs a status, a delay, a body or hang, and times other than 0")
        self._faults.append(replace(fault))  # a copy: it is counted down here

    def clear(self, endpoint: str = "") -> None:
        self._faults = [fault for fault in self._faults if endpoint and fault.endpoint != endpoint]

    def listing(self) -> list[Fault]:
        return list(self._faults)

    def release(self) -> None:
        """Lets go of all requests that hang: the emulator stops."""
        self._stopped.set()

    def take(self, endpoint: str, path: str) -> Fault | None:
        """The fault for this request, if any; counts it down."""
        for fault in self._faults:
            if fault.endpoint != endpoint or fault.match not in path:
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            if fault.times > 0:
                fault.times -= 1
                if not fault.times:
                    self._faults.remove(fault)
            return fault
        return None

    async def carry_out(self, fault: Fault, request: web.Request) -> web.StreamResponse | None:
        """The faulty answer; None when the request only had to wait."""
        if fault.hang:
            await self._stopped.wait()
        if fault.delay:
            await self._clock.sleep(fault.delay)
        if not fault.status and fault.body == "error" and not fault.hang:
            return None
        headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after >= 0 else {}
        if fault.body == "huge":
            return await _huge(fault, request, headers)
        if fault.body == "truncated":
            return await _truncated(fault, request, headers)
        return _plain(fault, headers)


def _plain(fault: Fault, headers: dict[str, str]) -> web.Response:
    status = fault.status or 200
    if fault.body == "redirect":
        return web.Response(status=fault.status or 302, headers=headers | {"Location": fault.location})
    if fault.body == "empty":
        return web.Response(status=status, headers=headers)
    if fault.body == "html":
        page = "<!DOCTYPE html><html><head><title>Service unavailable</title></head><body>Sorry.</body></html>"
        return web.Response(status=status, headers=headers, text=page, content_type="text/html")
    if fault.body == "garbage":
        return web.Response(status=status, headers=headers, body=b'{"\xff\xfe": [1, 2', content_type="application/json")
    if fault.body == "json":
        return web.Response(status=status, headers=headers, text=fault.text, content_type="application/json")
    # One body that Entra's, ARM's and Graph's clients can all read.
    code = {429: "TooManyRequests", 401: "AuthenticationFailed", 403: "AuthorizationFailed"}.get(
        status, "EmulatedFault"
    )
    text = f"emulated fault {status}"
    if fault.endpoint in ("token", "discovery", "jwks", "imds", "instance_discovery"):
        return web.json_response({"error": code, "error_description": text}, status=status, headers=headers)
    return web.json_response({"error": {"code": code, "message": text}}, status=status, headers=headers)


async def _huge(fault: Fault, request: web.Request, headers: dict[str, str]) -> web.StreamResponse:
    """Valid JSON up to its end, of any length, without holding it in memory."""
    response = web.StreamResponse(status=fault.status or 200, headers=headers | {"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b"{")
    for _ in range(0, fault.size, len(_CHUNK)):
        await response.write(_CHUNK)
    await response.write(b"}")
    await response.write_eof()
    return response


async def _truncated(fault: Fault, request: web.Request, headers: dict[str, str]) -> web.StreamResponse:
    """Promises more bytes than it sends, then hangs up."""
    response = web.StreamResponse(status=fault.status or 200, headers=headers | {"Content-Type": "application/json"})
    response.content_length = 4096
    await response.prepare(request)
    await response.write(b'{"truncated": "')
    if request.transport is not None:
        request.transport.close()
    return response
