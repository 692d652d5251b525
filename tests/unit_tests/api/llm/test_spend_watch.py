"""Readiness notices that LiteLLM answers calls and no longer records what they cost."""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import respx
from pydantic import BaseModel

from api.components import Component, Operation
from api.context import Caller, RequestContext
from api.errors import NotReady
from api.llm import LLMGateway, Lookups, OwnKey, Readiness, SpendWatch
from api.llm.spend_watch import CLOCKS_DIFFER
from api.telemetry import Metrics, Tracing
from tests.support.played_litellm import played_client
from tests.unit_tests.api.conftest import ANSWER, SSE

COST = {"x-litellm-response-cost": "0.0003"}
USAGE = b'data: {"choices":[],"usage":{"total_tokens":3,"cost":3e-04}}\n\ndata: [DONE]\n\n'
RESPONSE = b'data: {"type":"response.completed","response":{"usage":{"total_tokens":3, "cost": 0.1}}}\n\n'
AT_ONCE = -1.0  # a limit that is over as soon as it begins
PURPOSE: dict[str, Any] = {
    "component": Component.PASSTHROUGH,
    "operation": Operation.COMPLETION,
    "context": RequestContext(Caller("tests")),
}


def at(seconds: float) -> str:
    """A moment as LiteLLM writes it, so many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def is_ready(watch: SpendWatch, written: str | None) -> bool:
    try:
        watch.check(written)
    except NotReady:
        return False
    return True


@pytest.mark.parametrize(
    "tell",
    [lambda watch: watch.answered(COST), lambda watch: watch.streamed(USAGE), lambda watch: watch.streamed(RESPONSE)],
    ids=["plain", "streamed", "a response"],
)
def test_a_key_that_is_not_charged_for_its_calls_makes_the_server_not_ready(tell: Callable[[SpendWatch], None]) -> None:
    watch, written = SpendWatch(within=AT_ONCE), at(0)
    assert is_ready(watch, written)
    tell(watch)
    assert not is_ready(watch, written)
    assert is_ready(watch, at(1))


def test_a_key_that_was_never_charged_is_noticed_too() -> None:
    watch = SpendWatch(within=AT_ONCE)
    watch.answered(COST)
    assert not is_ready(watch, None)


def test_the_charge_may_take_its_time() -> None:
    watch, written = SpendWatch(within=60), at(0)
    watch.check(written)
    watch.answered(COST)
    assert is_ready(watch, written)


def test_a_charge_that_was_made_long_before_the_last_call_does_not_stand_for_it() -> None:
    watch = SpendWatch(within=AT_ONCE)
    watch.answered(COST)
    assert not is_ready(watch, at(-CLOCKS_DIFFER - 5))
    watch = SpendWatch(within=AT_ONCE)
    watch.answered(COST)
    assert is_ready(watch, at(-CLOCKS_DIFFER + 5))


def test_what_was_written_while_nobody_asked_stands_for_the_calls_before_it() -> None:
    watch = SpendWatch(within=60, _unwritten_since=time.monotonic() - 3600)
    watch.answered(COST)
    assert is_ready(watch, at(-CLOCKS_DIFFER - 5))


@pytest.mark.parametrize(
    "headers", [{}, {"x-litellm-response-cost": "0"}, {"x-litellm-response-cost": "None"}], ids=str
)
def test_a_call_without_a_cost_is_none_that_litellm_would_charge(headers: dict[str, str]) -> None:
    watch = SpendWatch(within=AT_ONCE)
    watch.answered(headers)
    watch.streamed(b'data: {"choices":[{"delta":{"content":"\\"cost\\": 5"}}],"usage":{"cost":0.0}}\n\n')
    assert is_ready(watch, None)


class Word(BaseModel):
    word: str


async def _complete(gateway: LLMGateway) -> None:
    await gateway.complete({"model": "m"}, **PURPOSE)


async def _stream(gateway: LLMGateway) -> None:
    stream = await gateway.stream({"model": "m", "stream": True}, **PURPOSE)
    async for _ in stream.events():
        pass


async def _parse(gateway: LLMGateway) -> None:
    await gateway.parse("m", [], Word, temperature=0, **PURPOSE)


@pytest.mark.parametrize("call", [_complete, _stream, _parse])
async def test_every_way_to_call_is_watched_and_readiness_says_what_is_wrong(
    litellm: respx.Router, call: Callable[[LLMGateway], Awaitable[None]]
) -> None:
    key = {"status": "active", "last_active": at(0)}
    litellm.get("/health/readiness").respond(200, json={"db": "connected"})
    litellm.get("/key/info").respond(200, json={"info": key})
    parsed = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": '{"word":"x"}'}}
    answer = {**ANSWER, "choices": [parsed], "created": 1, "model": "m"}
    streamed = httpx.Response(200, headers=SSE, content=b'data: {"choices":[]}\n\n' + USAGE)
    plain = httpx.Response(200, headers=COST, json=answer)
    litellm.post("/v1/chat/completions").mock(return_value=streamed if call is _stream else plain)
    async with played_client(litellm) as client:
        lookups, watch = Lookups(client), SpendWatch(within=AT_ONCE)
        own_key = OwnKey(lookups.key_info)
        readiness = Readiness(lookups, own_key, watch)
        await readiness.check()
        await call(LLMGateway(client, Tracing(), Metrics(), own_key, watch))
        with pytest.raises(NotReady, match="spend log is not being written"):
            await readiness.check()
