"""Who answers, and how a client sees it; the classifier is asked over the real LiteLLM and fails open whatever it does."""

import json
import time
from typing import Any

import pytest

from tests.integration_tests.contract.wire import Wire
from tests.support.api import RunningAPI
from tests.support.collector import Collector, ReceivedSpan

CLASSIFIER = "gpt-4o-mini"  # ROUTING_CLASSIFIER_MODEL's default
AUTO = {"X-Routing-Mode": "auto"}
BUDGET = 3.0  # seconds, ROUTING_CLASSIFIER_TIMEOUT of the API under test
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def _choose(wire: Wire, mark: str, reply: dict[str, Any]) -> None:
    """What the classifier answers to the request with this mark."""
    wire.provider.script(reply, repeat_last=True, contains=mark, model=CLASSIFIER)


def _routed(wire: Wire, mark: str, headers: dict[str, str], **fields: Any) -> tuple[str, str]:
    response = wire.ask(mark=mark, headers=headers, **fields).raise_for_status()
    return response.headers["x-routing-decision"], response.headers["x-routing-source"]


RULES: dict[str, tuple[dict[str, str], dict[str, Any], str, str]] = {
    "nothing said": ({}, {}, "passthrough", "default"),
    "passthrough": ({"X-Routing-Mode": "passthrough"}, {}, "passthrough", "header_override"),
    "tools": ({}, {"tools": [TOOL]}, "passthrough", "passthrough_rule"),
    "a format": ({}, {"response_format": {"type": "text"}}, "passthrough", "passthrough_rule"),
    "no tools": ({}, {"tools": []}, "passthrough", "default"),
    "tools over reasoning": (
        {"X-Routing-Mode": "reasoning"},
        {"tools": [TOOL]},
        "passthrough",
        "passthrough_rule",
    ),
    "tools over auto": (AUTO, {"tools": [TOOL]}, "passthrough", "passthrough_rule"),
    "reasoning": ({"X-Routing-Mode": "reasoning"}, {}, "reasoning", "header_override"),
    "reasoning, in capitals": ({"X-Routing-Mode": "REASONING"}, {}, "reasoning", "header_override"),
}


@pytest.mark.parametrize("rule", RULES)
def test_the_rules_decide_in_their_order(wire: Wire, mark: str, rule: str) -> None:
    headers, fields, mode, source = RULES[rule]
    assert _routed(wire, mark, headers, **fields) == (mode, source)


def test_an_overruled_header_is_answered_in_a_header(wire: Wire) -> None:
    response = wire.ask(headers={"X-Routing-Mode": "reasoning"}, tools=[TOOL])
    assert response.headers["x-routing-overruled"].startswith("reasoning; ")


def test_another_mode_is_a_400_that_names_the_valid_ones(wire: Wire) -> None:
    response = wire.ask(headers={"X-Routing-Mode": "thinking"})
    error = response.json()["error"]
    assert (response.status_code, error["param"]) == (400, "X-Routing-Mode")
    assert all(mode in error["message"] for mode in ("passthrough", "reasoning", "auto"))


@pytest.mark.parametrize("mode", ["passthrough", "reasoning"])
def test_what_the_classifier_chooses_is_done(wire: Wire, mark: str, mode: str) -> None:
    _choose(wire, mark, {"json": {"reason": "because", "mode": mode}})
    assert _routed(wire, mark, AUTO) == (mode, "llm_classifier")


def _asked(wire: Wire, mark: str) -> dict[str, Any]:
    """The body of the classifier's call, as the provider got it."""
    [call] = [sent["body"] for sent in wire.provider.requests(contains=mark) if sent["body"]["model"] == CLASSIFIER]
    return call  # type: ignore[no-any-return]


def test_the_classifiers_schema_reaches_the_provider(wire: Wire, mark: str) -> None:
    _choose(wire, mark, {"json": {"reason": "because", "mode": "passthrough"}})
    _routed(wire, mark, AUTO)
    call = _asked(wire, mark)
    assert call["temperature"] == 0
    assert call["response_format"]["type"] == "json_schema"
    schema = call["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["mode"]["enum"] == ["passthrough", "reasoning"]


def test_the_classifier_sees_the_last_turn_what_came_before_and_that_there_is_an_image(wire: Wire, mark: str) -> None:
    _choose(wire, mark, {"json": {"reason": "because", "mode": "passthrough"}})
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    turns = [
        {"role": "user", "content": "the first turn"},
        {"role": "assistant", "content": "the first answer"},
        {"role": "user", "content": [{"type": "text", "text": f"the last turn {mark}"}, image]},
    ]
    _routed(wire, mark, AUTO, messages=turns)
    said = json.dumps(_asked(wire, mark)["messages"])
    assert all(part in said for part in ("the first turn", "the first answer", "the last turn", "[image_url]"))
    assert "base64" not in said


def _spans_of(spans: Collector, trace: str, enough: int) -> list[ReceivedSpan]:
    spans.wait_for(lambda received: sum(span.trace_id == trace for span in received) >= enough)
    return [span for span in spans.spans if span.trace_id == trace]


def test_the_classifiers_call_is_attributed_to_it(wire: Wire, spans: Collector, mark: str) -> None:
    _choose(wire, mark, {"json": {"reason": "because", "mode": "passthrough"}})
    response = wire.ask(mark=mark, headers=AUTO)
    [call] = [span for span in _spans_of(spans, response.headers["x-trace-id"], 3) if "classifier" in span.name]
    assert call.metadata.items() >= {"component": "routing-classifier", "operation": "auto_routing"}.items()


FAILURES: dict[str, tuple[dict[str, Any], str]] = {
    "slow": ({"delay": 20, "json": {"reason": "late", "mode": "reasoning"}}, "no choice within 3 s"),
    "an error": ({"status": 400, "error": {"message": "not today"}}, "not today"),
    "an error that is retried": ({"status": 500, "error": {"message": "broken"}}, "no choice within 3 s"),
    "refused": ({"refusal": "I will not choose"}, "the model refused"),
    "empty": ({"content": ""}, "answer_unusable"),
    "no JSON": ({"content": "reasoning, I think"}, "does not fit its schema"),
    "another choice": ({"json": {"reason": "because", "mode": "both"}}, "does not fit its schema"),
    "cut off": ({"content": '{"reason": "bec', "finish_reason": "length"}, "does not fit its schema"),
    "filtered": ({"content": "", "finish_reason": "content_filter"}, "does not fit its schema"),
    "no choices": (
        {"raw_body": {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": []}},
        "",
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_classifier_that_fails_leaves_the_request_to_the_model_within_its_budget(
    wire: Wire, spans: Collector, api: RunningAPI, mark: str, failure: str
) -> None:
    reply, cause = FAILURES[failure]
    _choose(wire, mark, reply)
    started = time.monotonic()
    response = wire.ask(mark=mark, headers=AUTO).raise_for_status()
    took = time.monotonic() - started
    routed = (response.headers["x-routing-decision"], response.headers["x-routing-source"])
    assert routed == ("passthrough", "classifier_fallback")
    assert took < BUDGET + 2  # the answer itself takes its time too
    [request] = [span for span in _spans_of(spans, response.headers["x-trace-id"], 3) if span.name.startswith("POST")]
    assert cause in request.attributes["routing.reason"]
    assert request.status == 0
    assert request.attributes["routing.reason"].splitlines()[0] in api.log.read_text()


def test_a_session_that_was_moved_to_reasoning_stays_there_on_a_short_follow_up(wire: Wire, mark: str) -> None:
    session = AUTO | {"X-Session-ID": mark}
    _choose(wire, f"a hard one {mark}", {"json": {"reason": "hard", "mode": "reasoning"}})
    asked = [{"role": "user", "content": f"a hard one {mark}"}]
    assert _routed(wire, mark, session, messages=asked) == ("reasoning", "llm_classifier")
    follow_up = [{"role": "user", "content": "and why?"}]
    assert _routed(wire, mark, session, messages=follow_up)[0] == "reasoning"


def test_a_header_takes_a_session_out_of_reasoning(wire: Wire, mark: str) -> None:
    session = {"X-Session-ID": mark}
    _choose(wire, mark, {"json": {"reason": "hard", "mode": "reasoning"}})
    assert _routed(wire, mark, AUTO | session)[0] == "reasoning"
    assert _routed(wire, mark, session | {"X-Routing-Mode": "passthrough"})[0] == "passthrough"
