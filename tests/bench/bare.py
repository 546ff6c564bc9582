"""The yardstick: a bare one-process aiohttp handler that answers a fixed JSON body."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import web

BODY = b'{"request_id":"","lease_id":"","renewable":false,"lease_duration":0,"data":{"k":"v"},"auth":null}'


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(body=BODY, content_type="application/json")


async def serve(port: int) -> None:
    server = web.Server(answer)
    loop = asyncio.get_running_loop()
    await loop.create_server(server, "127.0.0.1", port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
