"""The least that a relay in Python can do: aiohttp's server, aiohttp's client, bytes handed on as they come.

With `uvloop` as third argument it runs on that loop, as the API does, instead of on Python's own.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import aiohttp
import uvloop
from aiohttp import web

UPSTREAM = web.AppKey("upstream", str)
PATHS = ("/v1/chat/completions", "/v1/messages")
SESSION = web.AppKey("session", aiohttp.ClientSession)


async def _session(app: web.Application) -> AsyncIterator[None]:
    connector, endless = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=None)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, timeout=endless, cookie_jar=jar) as app[SESSION]:
        yield


async def _relayed(request: web.Request) -> web.StreamResponse:
    url = f"{request.app[UPSTREAM]}{request.path}"
    headers = {"content-type": "application/json", "authorization": "Bearer sk-upstream"}
    async with request.app[SESSION].post(url, data=await request.read(), headers=headers) as answer:
        if answer.content_type != "text/event-stream":
            return web.Response(body=await answer.read(), status=answer.status, content_type=answer.content_type)
        relayed = web.StreamResponse(status=answer.status, headers={"content-type": "text/event-stream"})
        await relayed.prepare(request)
        async for data in answer.content.iter_any():
            await relayed.write(data)
        await relayed.write_eof()
        return relayed


async def _health(request: web.Request) -> web.Response:
    return web.Response(text="ok")


def main(port: int, upstream: str, loop: asyncio.AbstractEventLoop) -> None:
    app = web.Application()
    app[UPSTREAM] = upstream
    app.cleanup_ctx.append(_session)
    app.add_routes([*(web.post(path, _relayed) for path in PATHS), web.get("/health", _health)])
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, backlog=2048, loop=loop)


if __name__ == "__main__":
    own_loop = uvloop.new_event_loop() if sys.argv[3:] == ["uvloop"] else asyncio.new_event_loop()
    main(int(sys.argv[1]), sys.argv[2], own_loop)
