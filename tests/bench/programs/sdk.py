"""FastAPI in front of AsyncOpenAI."""

from typing import Any

from openai import AsyncOpenAI

from tests.bench.programs.parsed import Create, serve


def _create(upstream: str) -> Create:
    client = AsyncOpenAI(base_url=upstream, api_key="sk-upstream", max_retries=0)

    async def create(body: dict[str, Any]) -> Any:
        return await client.chat.completions.create(**body)

    return create


if __name__ == "__main__":
    serve(_create)
