"""The least that an ASGI application can do on the server and the connections that the API stands on: one parse, one send.

What the API costs beyond it is the API's own; what this costs beyond the raw relay no work on the API can take away.
"""

import sys

import uvicorn
from pydantic import SecretStr
from pydantic_core import from_json, to_json
from starlette.types import Receive, Scope, Send

from api.config import Settings
from api.llm import PooledTransport, Reply

HEADERS = {"content-type": "application/json", "authorization": "Bearer sk-upstream"}


class Bare:
    """Hands on whatever is posted."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._transport: PooledTransport | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":
            await _whole(send, 200, b"ok")
            return
        if self._transport is None:
            self._transport = PooledTransport(Settings(llm_api_key=SecretStr("sk"), require_auth=False))
        asked = from_json((await receive())["body"])
        url = f"{self._upstream}{scope['path']}"
        reply = await self._transport.post(url, headers=HEADERS, content=to_json(asked))
        try:
            await (_streamed(send, reply) if asked.get("stream") else _whole(send, reply.status, await reply.read()))
        finally:
            await reply.aclose()


async def _whole(send: Send, status: int, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    headers = [(b"content-type", b"application/json"), length]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _streamed(send: Send, reply: Reply) -> None:
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    async for block in reply.blocks():
        await send({"type": "http.response.body", "body": block, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    uvicorn.run(
        Bare(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), lifespan="off", access_log=False,
        log_level="warning", loop="uvloop", http="httptools", backlog=2048,
    )  # fmt: skip
