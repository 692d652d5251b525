"""A hundred conversations at once: no thought, tool result or usage of one appears in another."""

import asyncio
import json
from typing import Any

import httpx

from tests.support.api import RunningAPI
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import Stream, body, counted, finished, reasoning_headers, said, streamed, tool, use

CROWD = 100
LIMITS = httpx.Limits(max_connections=CROWD)


def _word(mark: str, number: int) -> str:
    return f"{mark}-{number:03}-"


def _script(provider: ScriptedProvider, mark: str, number: int) -> None:
    """Two tools, concurrent in every second conversation; what is said, found and used differs in each."""
    word = _word(mark, number)
    calls = tool("calculate", expression=f"{number} * 1000003"), tool("fail", message=word)
    provider.script(
        use(*calls, thought=f"thought of {word}", concurrent=bool(number % 2), usage=counted(number, 1)),
        finished(f"end of {word}", usage=counted(number, 2)),
        said(f"answer of {word}", usage=counted(number, 3)),
        contains=word,
    )


async def _ask(client: httpx.AsyncClient, api: RunningAPI, question: str, *, stream: bool) -> httpx.Response:
    request = body(question, stream=stream, stream_options={"include_usage": True} if stream else None)
    return await client.post(f"{api.base_url}/chat/completions", json=request, headers=reasoning_headers(api))


async def _ask_all(api: RunningAPI, mark: str, *, stream: bool) -> list[httpx.Response]:
    async with httpx.AsyncClient(timeout=60, trust_env=False, limits=LIMITS) as client:
        return await asyncio.gather(*(_ask(client, api, _word(mark, n), stream=stream) for n in range(CROWD)))


def _foreign(text: str, mark: str, number: int) -> list[int]:
    return [other for other in range(CROWD) if other != number and _word(mark, other) in text]


def _used(usage: dict[str, Any]) -> tuple[int, int]:
    return usage["prompt_tokens"], usage["completion_tokens"]


def _check(stream: Stream, mark: str, number: int) -> None:
    word = _word(mark, number)
    assert [event["thought"] for event in stream.of("planning")] == [f"thought of {word}", f"end of {word}"]
    found = {event["tool"]: event["content"] for event in stream.of("tool_result")}
    assert found["calculate"] == str(number * 1000003)
    assert word in found["fail"]
    assert stream.text == f"answer of {word}"
    assert stream.usage is not None
    assert _used(stream.usage) == (3 * number, 6)
    assert stream.done


async def test_streams_hold_nothing_of_one_another(reasoner: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    for number in range(CROWD):
        _script(provider, mark, number)
    responses = await _ask_all(reasoner, mark, stream=True)
    for number, response in enumerate(responses):
        assert _foreign(response.text, mark, number) == []
        _check(streamed(response), mark, number)
    assert len({streamed(response).chunks[0]["id"] for response in responses}) == CROWD


async def test_plain_answers_hold_nothing_of_one_another(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    for number in range(CROWD):
        _script(provider, mark, number)
    for number, response in enumerate(await _ask_all(reasoner, mark, stream=False)):
        answer = response.json()
        assert _foreign(response.text, mark, number) == []
        assert answer["choices"][0]["message"]["content"] == f"answer of {_word(mark, number)}"
        assert _used(answer["usage"]) == (3 * number, 6)
        assert answer["metadata"]["reasoning_tool_calls"] == "2"


async def test_no_call_to_the_model_holds_anything_of_another_conversation(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    for number in range(CROWD):
        _script(provider, mark, number)
    await _ask_all(reasoner, mark, stream=True)
    sent = [json.dumps(request["body"]) for request in provider.requests(contains=mark)]
    conversations = [[number for number in range(CROWD) if _word(mark, number) in text] for text in sent]
    assert sorted(map(tuple, conversations)) == [(number,) for number in range(CROWD) for _ in range(3)]
