"""A streamed answer that nobody reads to its end."""

import json
from collections.abc import AsyncIterator

import httpx
import respx

from api.config import Settings
from api.context import Caller, RequestContext
from api.dependencies import ServiceContainer
from api.reasoning.answer import AnswerStream, answer
from tests.support.played_litellm import PlayedTransport
from tests.unit_tests.api.edge.test_request_body import GOOD, PATH

STEP = {"thought": "t", "next_action": "finished", "tools_to_use": [], "concurrent_execution": False}


class Upstream(httpx.AsyncByteStream):
    """LiteLLM's answer, which ends only when it is closed."""

    closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b'data: {"choices": [{"index": 0, "delta": {"content": "word"}}]}\n\n'

    async def aclose(self) -> None:
        self.closed = True


async def test_closing_its_events_ends_the_call_there_and_then(settings: Settings, litellm: respx.Router) -> None:
    upstream = Upstream()
    planned = {"choices": [{"index": 0, "message": {"role": "assistant", "content": json.dumps(STEP)}}]}
    litellm.get(path__startswith="/").respond(404)
    litellm.post(PATH).mock(side_effect=[httpx.Response(200, json=planned), httpx.Response(200, stream=upstream)])
    async with ServiceContainer(settings, PlayedTransport(litellm)) as services:
        stream = await answer(services.agent, {**GOOD, "stream": True}, RequestContext(Caller("c")))
        assert isinstance(stream, AnswerStream)
        events = stream.events()
        async for event in events:
            if b'"word"' in event:
                break
        await events.aclose()
        closed_with_its_reader = upstream.closed
        await stream.aclose()
    assert closed_with_its_reader
