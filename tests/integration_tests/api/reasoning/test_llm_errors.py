"""An LLM call that fails: its own status while there is time for one, an error event and no `[DONE]` afterwards."""

from typing import Any

import openai
import pytest

from tests.support.api import TOKEN, RunningAPI
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import MODEL, ask, ask_streamed, finished, said, tool, use

LIMITED: dict[str, Any] = {
    "status": 429,
    "error": {"message": "slow down", "type": "rate_limit", "code": "busy"},
    "headers": {"retry-after": "7"},
}
LOOK = use(tool("calculate", expression="1"))
TOO_LATE = 1.3  # seconds; beyond the moment for which a stream's status waits


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_at_the_first_step_it_has_the_upstreams_status_message_and_retry_after(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, stream: bool
) -> None:
    provider.script(LIMITED, contains=mark)
    response = ask(reasoner, mark, stream=stream)
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert response.headers["content-type"] == "application/json"
    assert "slow down" in response.json()["error"]["message"]


@pytest.mark.parametrize("place", ["a later step", "the answer"])
def test_later_a_plain_answer_still_has_the_status(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, place: str
) -> None:
    provider.script(LOOK, *([] if place == "a later step" else [finished()]), LIMITED, contains=mark)
    response = ask(reasoner, mark)
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")


# What the model replies, and after how many seconds of which kind of failure; `[DONE]` may come after none.
LATER: dict[str, tuple[list[dict[str, Any]], str]] = {
    "a first step that takes long to fail": ([{**LIMITED, "delay": TOO_LATE}], "busy"),
    "a later step": ([LOOK, LIMITED], "busy"),
    "the answer, refused": ([LOOK, finished(), LIMITED], "busy"),
    "the answer, broken off": (
        [LOOK, finished(), {"chunks": ["a", "b"], "fail_after_chunks": 1, "fail": "drop"}],
        "llm_gateway_stream_broken",
    ),
}


@pytest.mark.parametrize("case", LATER)
def test_later_a_stream_says_it_in_an_event_and_ends_without_done(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, case: str
) -> None:
    replies, code = LATER[case]
    provider.script(*replies, contains=mark)
    stream = ask_streamed(reasoner, mark)
    assert stream.status == 200
    assert stream.error is not None
    assert stream.error["code"] == code
    assert stream.events[-1]["type"] == "error"
    assert (stream.events[-1]["code"], stream.events[-1]["message"]) == (code, stream.error["message"])
    assert "[DONE]" not in stream.payloads
    assert "error" in stream.payloads[-1]


def test_what_was_said_before_the_answer_broke_off_has_been_sent(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(finished(), {"chunks": ["a", "b", "c"], "fail_after_chunks": 2}, contains=mark)
    stream = ask_streamed(reasoner, mark)
    assert stream.text == "ab"
    assert stream.error is not None


def test_the_sdk_raises_on_it(reasoner: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    provider.script(LOOK, LIMITED, contains=mark)
    client = openai.OpenAI(base_url=reasoner.base_url, api_key=TOKEN, max_retries=0)
    chunks = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": mark}],
        stream=True,
        extra_headers={"X-Routing-Mode": "reasoning"},
    )
    with client, pytest.raises(openai.APIError, match="slow down"):
        list(chunks)


def test_an_answer_that_is_no_json_is_the_upstreams_fault(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script({"raw_body": "<html>"}, contains=mark)
    response = ask(reasoner, mark)
    assert (response.status_code, response.json()["error"]["code"]) == (502, "llm_gateway_stream_broken")


ODD_ANSWERS: dict[str, Any] = {
    "no choices": {"id": "x", "choices": []},
    "an array": [1],
    "content in parts": {"choices": [{"index": 0, "message": {"content": [{"type": "text", "text": "hm"}]}}]},
}


@pytest.mark.parametrize("odd", ODD_ANSWERS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_an_answer_of_another_form_is_a_502_and_no_fault_of_this_server(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, odd: str, stream: bool
) -> None:
    provider.script(*[{"raw_body": ODD_ANSWERS[odd]}] * 2, contains=mark)
    assert ask(reasoner, mark, stream=stream).status_code == 502


def test_a_synthesis_of_another_form_is_a_502_too(reasoner: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    provider.script(finished(), {"raw_body": [1]}, contains=mark)
    assert ask(reasoner, mark).status_code == 502


def test_an_event_without_choices_is_passed_over(reasoner: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    told = {"choices": [{"index": 0, "delta": {"content": "Done."}, "finish_reason": "stop"}]}
    provider.script(finished(), {"raw_chunks": [{"object": "chat.completion.chunk"}, told, "[DONE]"]}, contains=mark)
    stream = ask_streamed(reasoner, mark)
    assert (stream.text, stream.error) == ("Done.", None)


@pytest.mark.parametrize("headers", [{"x-litellm-response-cost": "None"}, {"x-litellm-response-cost": "nan"}])
def test_a_cost_that_is_no_number_is_left_out(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, headers: dict[str, str]
) -> None:
    provider.script(finished(headers=headers), said("Done.", headers=headers), contains=mark)
    answer = ask(reasoner, mark).json()
    assert answer["choices"][0]["message"]["content"] == "Done."
    assert "cost" not in answer["usage"]


def test_the_cost_in_litellms_headers_is_summed(reasoner: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    costs = [{"x-litellm-response-cost": cost} for cost in ("0.1", "0.2")]
    provider.script(finished(headers=costs[0]), said(headers=costs[1]), contains=mark)
    response = ask(reasoner, mark)
    assert (response.json()["usage"]["cost"], response.headers["x-litellm-response-cost"]) == (0.3, "0.3")
