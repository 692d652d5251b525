"""Providers that answer 200 and do not answer, or not to the end: what the real LiteLLM makes of it, and what a client gets."""

import json
from typing import Any
from uuid import uuid4

import httpx
import openai
import pytest

from tests.integration_tests.contract.wire import Wire, chunks
from tests.support.api import TOKEN, RunningAPI

HEAD = {"id": "chatcmpl-P", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "gpt-4o"}
PATHS = ["/chat/completions", "/completions"]
MODELS = ["gpt-4o", "gemini-2.5-flash"]


def _chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish, **more}]}


OPENING, HI, STOP = _chunk({"role": "assistant", "content": ""}), _chunk({"content": "Hi"}), _chunk({}, "stop")
USAGE = {**HEAD, "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}}


def _ask(wire: Wire, reply: dict[str, Any], path: str = PATHS[0], **fields: Any) -> httpx.Response:
    mark = f"mark-{uuid4().hex}"
    asked: dict[str, Any] = {
        "/chat/completions": {},
        "/completions": {"messages": None, "prompt": mark},
        "/responses": {"messages": None, "input": mark},
    }[path]
    return wire.ask(reply, path=path, mark=mark, **asked, **fields)


def _events(response: httpx.Response) -> list[dict[str, Any]]:
    lines = [line[5:].strip() for line in response.text.split("\n") if line.startswith("data:")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def _failure(response: httpx.Response) -> dict[str, Any]:
    """The error, as an answer or as the event that ends the stream."""
    if response.status_code == 200:
        assert "[DONE]" not in response.text
        return _events(response)[-1]["error"]  # type: ignore[no-any-return]
    return response.json()["error"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("path", PATHS)
def test_a_stream_has_one_id_whatever_its_provider_says(wire: Wire, path: str) -> None:
    nameless = [{name: value for name, value in chunk.items() if name != "id"} for chunk in (OPENING, HI, HI, STOP)]
    response = _ask(
        wire, {"raw_chunks": [*nameless, "[DONE]"]}, path, stream=True, stream_options={"include_usage": True}
    )
    got = chunks(response)
    assert len(got) >= 4
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in got}) == 1


NOTHING: dict[str, list[Any]] = {
    "its end": ["[DONE]"],
    "not even that": [],
    "a role": [OPENING, "[DONE]"],
    "empty deltas": [_chunk({}), _chunk({"content": ""}), "[DONE]"],
    "the usage": [USAGE, "[DONE]"],
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("what", NOTHING)
def test_a_stream_that_holds_nothing_but_this_is_an_error(wire: Wire, path: str, what: str) -> None:
    response = _ask(wire, {"raw_chunks": NOTHING[what]}, path, stream=True)
    assert _failure(response)["code"] == "upstream_empty_answer"
    assert response.status_code == (200 if what == "a role" else 502)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("model", MODELS)
def test_a_plain_answer_without_choices_is_an_error(wire: Wire, path: str, model: str) -> None:
    response = _ask(wire, {"raw_body": {**HEAD, "object": "chat.completion", "choices": []}}, path, model=model)
    assert (response.status_code, _failure(response)["code"]) == (502, "upstream_empty_answer")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("choices", [[{"index": 0, "message": None}], [None], [{"index": 0}], "none", {}], ids=str)
def test_a_plain_answer_that_cannot_be_read_is_its_providers_failure(wire: Wire, path: str, choices: Any) -> None:
    response = _ask(wire, {"raw_body": {**HEAD, "object": "chat.completion", "choices": choices}}, path)
    assert (response.status_code, _failure(response)["type"]) == (502, "server_error")
    assert "litellm" not in response.text.lower()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("model", [*MODELS, "claude-haiku-4-5"])
@pytest.mark.parametrize("said", [{"content": ""}, {"content": "", "finish_reason": "length"}], ids=["stop", "length"])
def test_an_answer_of_no_words_is_an_answer(
    wire: Wire, path: str, stream: bool, model: str, said: dict[str, Any]
) -> None:
    response = _ask(wire, said, path, model=model, stream=stream)
    last = chunks(response)[-1] if stream else response.raise_for_status().json()
    assert last["choices"][0]["finish_reason"] == said.get("finish_reason", "stop")


@pytest.mark.parametrize("path", PATHS)
def test_nothing_comes_after_the_end_but_the_usage(wire: Wire, path: str) -> None:
    late = [OPENING, HI, STOP, _chunk({"content": "late"}), _chunk({}, "length"), USAGE, "[DONE]"]
    got = chunks(_ask(wire, {"raw_chunks": late}, path, stream=True, stream_options={"include_usage": True}))
    ends = [place for place, chunk in enumerate(got) for choice in chunk["choices"] if choice["finish_reason"]]
    assert ends == [len(got) - 2]
    assert (got[-1]["choices"], got[-1]["usage"]["total_tokens"]) == ([], 11)
    assert "late" not in str(got)


def _answer(**choice: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": "half an ans"}
    choices = [{"index": 0, "message": message, "logprobs": None, "finish_reason": "error", **choice}]
    return {**HEAD, "object": "chat.completion", "choices": choices, "usage": USAGE["usage"]}


FAILED: dict[str, tuple[dict[str, Any], int, str]] = {
    "an error in the choice": (_answer(error={"code": 502, "message": "it broke"}), 502, "it broke"),
    "with a status of its own": (_answer(error={"code": 429, "message": "slow down"}), 429, "slow down"),
    "an end by error alone": (_answer(), 502, "The provider reported an error without saying which."),
    "an error beside the choices": ({**_answer(), "error": {"code": 503, "message": "it broke"}}, 503, "it broke"),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("what", FAILED)
def test_an_error_in_an_answer_with_200_is_an_error(wire: Wire, model: str, what: str) -> None:
    answer, status, said = FAILED[what]
    response = _ask(wire, {"raw_body": answer}, model=model)
    assert (response.status_code, _failure(response)["message"]) == (status, said)


FAILED_CHUNKS: dict[str, dict[str, Any]] = {
    "beside the choices": {**_chunk({"content": ""}, "error"), "error": {"code": 502, "message": "it broke"}},
    "in place of choices": {**HEAD, "choices": [], "error": {"code": 502, "message": "it broke"}},
    "in a choice": _chunk({"content": ""}, "error", error={"code": 502, "message": "it broke"}),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("where", FAILED_CHUNKS)
@pytest.mark.parametrize("begun", [False, True], ids=["at first", "in the midst"])
def test_an_error_in_a_chunk_is_an_error_in_the_providers_words(wire: Wire, path: str, where: str, begun: bool) -> None:
    sent = [*([OPENING, HI] if begun else []), FAILED_CHUNKS[where], "[DONE]"]
    response = _ask(wire, {"raw_chunks": sent}, path, stream=True)
    assert (response.status_code, _failure(response)["message"]) == (200 if begun else 502, "it broke")


def _call(arguments: str) -> dict[str, Any]:
    function = {"name": "f", "arguments": arguments}
    return _chunk({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]})


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_that_its_provider_leaves_inside_of_a_tool_call_is_an_error(wire: Wire, model: str) -> None:
    response = _ask(wire, {"raw_chunks": [OPENING, _call('{"city": "Ber')]}, stream=True, model=model)
    assert "broke off" in _failure(response)["message"]


def test_a_stream_that_its_provider_leaves_is_an_error_where_its_chunks_told_the_service_tier(wire: Wire) -> None:
    sent = [{**chunk, "service_tier": "default"} for chunk in (OPENING, HI)]
    assert "broke off" in _failure(_ask(wire, {"raw_chunks": sent}, stream=True))["message"]


def test_a_stream_that_its_provider_leaves_without_a_trace_is_called_complete(wire: Wire) -> None:
    got = chunks(_ask(wire, {"raw_chunks": [OPENING, HI]}, stream=True))
    assert got[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("model", [*MODELS, "claude-haiku-4-5"])
def test_the_events_of_a_response_are_numbered_and_of_one_response(wire: Wire, model: str) -> None:
    events = _events(_ask(wire, {"content": "Hi there"}, "/responses", model=model, stream=True).raise_for_status())
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert len({event["response"]["id"] for event in events if "response" in event}) == 1
    assert len({event["item_id"] for event in events if "item_id" in event}) == 1


RESPONSE = {
    "id": "resp_P",
    "object": "response",
    "created_at": 1,
    "status": "in_progress",
    "model": "gpt-4o",
    "output": [],
}


@pytest.mark.parametrize(
    "sent", [[], [{"type": "response.created", "response": RESPONSE}]], ids=["nothing", "a beginning"]
)
def test_a_response_that_its_provider_leaves_has_failed_in_plain_words(wire: Wire, sent: list[dict[str, Any]]) -> None:
    events = _events(_ask(wire, {"raw_chunks": sent}, "/responses", stream=True))
    assert (events[-1]["type"], events[-1]["sequence_number"]) == ("response.failed", len(sent))
    assert events[-1]["response"]["error"]["message"] == "The provider's answer broke off."


def test_openais_sdk_raises_what_the_provider_said_in_an_answer_with_200(
    api: RunningAPI, wire: Wire, mark: str
) -> None:
    wire.provider.script({"raw_body": FAILED["an error in the choice"][0]}, contains=mark, repeat_last=True)
    client = openai.OpenAI(
        base_url=api.base_url, api_key=TOKEN, max_retries=0, http_client=httpx.Client(trust_env=False)
    )
    with client, pytest.raises(openai.InternalServerError, match="it broke"):
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": mark}])
