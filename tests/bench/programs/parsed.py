"""What one writes first, whichever SDK it is: FastAPI in front of it, every answer and every chunk parsed and dumped again."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import uvicorn
from fastapi import Body, FastAPI, Response
from fastapi.responses import StreamingResponse

Create = Callable[[dict[str, Any]], Awaitable[Any]]


def serve(create: Callable[[str], Create]) -> None:
    """On the port of the first argument, before the upstream of the second; `create` answers a body by an SDK's objects."""
    port, upstream = int(sys.argv[1]), f"{sys.argv[2]}/v1"
    uvicorn.run(_app(create(upstream)), host="127.0.0.1", port=port, log_level="warning", access_log=False)


def _app(create: Create) -> FastAPI:
    served = FastAPI()

    @served.get("/health")
    async def health() -> str:
        return "ok"

    @served.post("/v1/chat/completions")
    async def completions(body: dict[str, Any] = Body()) -> Response:  # noqa: B008 - FastAPI's way
        answer = await create(body)
        if body.get("stream"):
            return StreamingResponse(_events(answer), media_type="text/event-stream")
        return Response(answer.model_dump_json(), media_type="application/json")

    return served


async def _events(chunks: Any) -> AsyncIterator[str]:
    async for chunk in chunks:
        yield f"data: {chunk.model_dump_json()}\n\n"
    yield "data: [DONE]\n\n"
