"""LiteLLM's SDK in the application's own process: FastAPI in front of `acompletion`. Runs in LiteLLM's environment."""

from typing import Any

import litellm  # type: ignore[import-not-found,unused-ignore]

from tests.bench.programs.parsed import Create, serve


def _create(upstream: str) -> Create:
    where = {"api_base": upstream, "api_key": "sk-upstream", "num_retries": 0}

    async def create(body: dict[str, Any]) -> Any:
        return await litellm.acompletion(**{**body, **where, "model": f"openai/{body['model']}"})

    return create


if __name__ == "__main__":
    serve(_create)
