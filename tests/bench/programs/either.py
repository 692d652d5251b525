"""What an application gets that calls LiteLLM's SDK (`sdk`) or a proxy with OpenAI's (`proxy`): one JSON object on standard output.

Arguments: `sdk` or `proxy`, the base URL and the key. Runs in LiteLLM's environment, whose two SDKs it compares.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OF_NOBODY = "of_nobody"
PARAMETERS: dict[str, Any] = {
    "temperature": 0.2, "seed": 7, "verbosity": "low", "reasoning_effort": "low", "service_tier": "flex", OF_NOBODY: 1,
}  # fmt: skip
MEGABYTE = 1024  # ru_maxrss is in KiB on Linux


class City(BaseModel):
    name: str


class Either:
    """One way to call; `ask` takes a question, on which the provider's answer depends, and the request's fields."""

    def __init__(self, way: str, url: str, key: str) -> None:
        began, before = time.process_time(), _memory()
        self._create = _sdk(url, key) if way == "sdk" else _Client(url, key)
        self.cost = time.process_time() - began, _memory() - before
        self._way = way

    async def ask(self, question: str, **fields: Any) -> Any:
        return await self._create(messages=[{"role": "user", "content": question}], **fields)

    async def parsed(self) -> str:
        if self._way == "sdk":
            answer = await self.ask("either-json", response_format=City)
        else:
            answer = await self._create.parse(
                messages=[{"role": "user", "content": "either-json"}], response_format=City
            )
        return type(getattr(answer.choices[0].message, "parsed", None)).__name__

    def leaks(self) -> str:
        """Whether a second instance sees what the first was given."""
        if self._way == "proxy":
            return "none: clients share nothing"
        import litellm  # type: ignore[import-not-found,unused-ignore]

        models = [{"model_name": "m", "litellm_params": {"model": "openai/m", "api_key": "k"}}]
        litellm.Router(model_list=models)
        before = len(litellm.callbacks) + len(litellm.success_callback) + len(litellm._async_success_callback)
        litellm.Router(model_list=models)
        after = len(litellm.callbacks) + len(litellm.success_callback) + len(litellm._async_success_callback)
        return f"module-wide lists: {before} of one Router, {after} once there is a second"


class _Client:
    """OpenAI's SDK, pointed at a proxy."""

    def __init__(self, url: str, key: str) -> None:
        from openai import AsyncOpenAI

        self._completions = AsyncOpenAI(base_url=url, api_key=key, max_retries=0).chat.completions

    async def __call__(self, **fields: Any) -> Any:
        return await self._completions.create(model="gpt-4o-mini", **fields)

    async def parse(self, **fields: Any) -> Any:
        return await self._completions.parse(model="gpt-4o-mini", **fields)


def _sdk(url: str, key: str) -> Any:
    import litellm

    async def create(**fields: Any) -> Any:
        return await litellm.acompletion(
            model="openai/gpt-4o-mini", api_base=url, api_key=key, num_retries=0, max_retries=0, **fields
        )

    return create


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE


def _class(thing: object) -> str:
    return f"{type(thing).__module__}.{type(thing).__name__}"


async def _stream(either: Either) -> str:
    chunks = [chunk async for chunk in await either.ask("either", stream=True, stream_options={"include_usage": True})]
    first, last = chunks[0], chunks[-1]
    others = "usage of the others: " + (repr(first.usage) if hasattr(first, "usage") else "no such attribute")
    return f"{_class(last)}; choices in the chunk with usage: {len(last.choices)}; {others}"


async def _error(either: Either, status: int) -> str:
    try:
        await either.ask(f"either-{status}")
    except Exception as error:  # noqa: BLE001 - which it is, is the question
        return f"{_class(error)}, {getattr(error, 'status_code', None)}: {error}"[:240]
    return "no error"


async def _usage(either: Either) -> str:
    usage = (await either.ask("either-bare")).usage
    names = ("prompt_tokens_details", "completion_tokens_details")
    return ", ".join(f"{name}: {type(getattr(usage, name, None)).__name__}" for name in names)


async def _parameters(either: Either) -> str:
    """The names of those that were refused; which of the others arrived, the provider knows."""
    refused = []
    for name, value in PARAMETERS.items():
        fields = {"extra_body": {name: value}} if name == OF_NOBODY else {name: value}
        try:
            await either.ask("either-parameters", **fields)
        except Exception as error:  # noqa: BLE001 - that it fails is the finding
            refused.append(f"{name} ({type(error).__name__})")
    return ", ".join(refused) or "none"


async def _told(attempt: Callable[[], Awaitable[str]]) -> str:
    try:
        return await attempt()
    except Exception as error:  # noqa: BLE001 - that it fails is the finding
        return f"{type(error).__name__}: {error}"[:200]


async def main(way: str, url: str, key: str) -> dict[str, Any]:
    either = Either(way, url, key)
    first = {"parameters": await _parameters(either)}
    await either.ask("either-trace", extra_headers={"traceparent": TRACEPARENT})
    for _ in range(4):
        await asyncio.gather(*(either.ask("either-pool") for _ in range(5)))
    return first | {
        "stream": await _told(lambda: _stream(either)),
        "parsed": await _told(either.parsed),
        "error 400": await _error(either, 400),
        "error 429": await _error(either, 429),
        "usage": await _told(lambda: _usage(either)),
        "import CPU": f"{either.cost[0]:.2f} s",
        "import memory": f"{either.cost[1]:.0f} MB",
        "callbacks": either.leaks(),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
