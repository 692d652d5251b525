"""LiteLLM's SDK in the application's own process: FastAPI in front of `acompletion`. Runs in LiteLLM's environment."""

import sys
from collections.abc import AsyncIterator
from typing import Any

import litellm  # type: ignore[import-not-found,unused-ignore]
import uvicorn
from fastapi import Body, FastAPI, Response
from fastapi.responses import StreamingResponse


def app(upstream: str) -> FastAPI:
    where = {"api_base": f"{upstream}/v1", "api_key": "sk-upstream", "num_retries": 0}
    served = FastAPI()

    @served.get("/health")
    async def health() -> str:
        return "ok"

    @served.post("/v1/chat/completions")
    async def completions(body: dict[str, Any] = Body()) -> Response:  # noqa: B008 - FastAPI's way
        answer = await litellm.acompletion(**{**body, **where, "model": f"openai/{body['model']}"})
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
