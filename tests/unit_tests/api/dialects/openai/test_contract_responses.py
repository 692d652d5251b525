"""What LiteLLM leaves out of responses, put back."""

from typing import Any

from api.dialects.openai.contract import response_answer, response_event

NULLABLE = {
    *("completed_at", "error", "incomplete_details", "instructions", "max_output_tokens", "max_tool_calls"),
    *("previous_response_id", "prompt_cache_key", "safety_identifier", "usage"),
}


def test_a_response_gets_its_null_fields_back() -> None:
    answer: dict[str, Any] = {"id": "resp_1", "output": []}
    response_answer(answer)
    assert {name: answer[name] for name in NULLABLE} == dict.fromkeys(NULLABLE)


def test_what_the_provider_said_stays() -> None:
    answer: dict[str, Any] = {"instructions": "Be brief.", "error": {"code": "server_error"}, "output": []}
    response_answer(answer)
    assert (answer["instructions"], answer["error"]) == ("Be brief.", {"code": "server_error"})


def test_a_null_phase_is_left_out_and_another_stays() -> None:
    answer: dict[str, Any] = {
        "output": [{"type": "message", "phase": None}, {"type": "message", "phase": "commentary"}]
    }
    response_answer(answer)
    assert answer["output"] == [{"type": "message"}, {"type": "message", "phase": "commentary"}]


def test_the_response_in_an_event_gets_its_null_fields_back() -> None:
    event: dict[str, Any] = {"type": "response.created", "response": {"id": "resp_1", "output": []}}
    response_event(event)
    assert event["response"].keys() >= NULLABLE


def test_the_item_in_an_event_loses_its_null_phase() -> None:
    event: dict[str, Any] = {"type": "response.output_item.done", "item": {"type": "message", "phase": None}}
    response_event(event)
    assert event["item"] == {"type": "message"}


def test_an_event_without_a_response_stays_as_it_is() -> None:
    event: dict[str, Any] = {"type": "response.output_text.delta", "delta": "a"}
    response_event(event, usage_asked=True)
    assert event == {"type": "response.output_text.delta", "delta": "a"}


def test_nulls_that_litellm_adds_to_the_usage_are_left_out() -> None:
    usage = {"total_tokens": 2, "cost": None, "input_tokens_details": {"cached_tokens": 0, "audio_tokens": None}}
    answer: dict[str, Any] = {"output": [], "usage": usage}
    response_answer(answer)
    assert answer["usage"] == {"total_tokens": 2, "input_tokens_details": {"cached_tokens": 0}}


def test_the_model_that_litellm_writes_beside_an_event_is_left_out() -> None:
    event: dict[str, Any] = {"type": "response.created", "model": "gpt-4o", "response": {"model": "gpt-4o"}}
    response_event(event)
    assert ("model" in event, event["response"]["model"]) == (False, "gpt-4o")
