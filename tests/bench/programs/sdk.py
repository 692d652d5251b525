"""What one writes first: FastAPI in front of AsyncOpenAI, every answer and every chunk parsed and dumped again."""

import sys
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import Body, FastAPI, Response
from fastapi.responses import StreamingResponse
from openai import AsyncOpenAI


def app(upstream: str) -> FastAPI:
    client = AsyncOpenAI(base_url=f"{upstream}/v1", api_key="sk-upstream", max_retries=0)
    served = FastAPI()

    @served.get("/health")
    async def health() -> str:
        return "ok"

    @served.post("/v1/chat/completions")
    async def completions(body: dict[str, Any] = Body()) -> Response:  # noqa: B008 - FastAPI's way
        answer = await client.chat.completions.create(**body)
        if body.get("stream"):
            return StreamingResponse(_events(answer), media_type="text/event-stream")
        return Response(answer.model_dump_json(), media_type="application/json")

    return served


async def _events(chunks: Any) -> AsyncIterator[str]:
    async for chunk in chunks:
        yield f"data: {chunk.model_dump_json()}\n\n"
    yield "data: [DONE]\n\n"


if __name__ == "__main__":
    uvicorn.run(app(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
