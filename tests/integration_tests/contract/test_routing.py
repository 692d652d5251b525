"""Who answers, and how a client sees it; the classifier is asked over the real LiteLLM and fails open whatever it does."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local_stack.instance import Instance
from tests.integration_tests.contract.wire import Wire
from tests.support.api import RunningAPI, running_api
from tests.support.collector import Collector, ReceivedSpan
from tests.support.demo_tools import DemoTools
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import mcp_config

CLASSIFIER = "gpt-4o-mini"  # ROUTING_CLASSIFIER_MODEL's default
AUTO = {"X-Routing-Mode": "auto"}
BUDGET = 3.0  # seconds, ROUTING_CLASSIFIER_TIMEOUT of the API under test
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def _choose(wire: Wire, mark: str, reply: dict[str, Any], model: str = CLASSIFIER) -> None:
    """What the classifier answers to the request with this mark."""
    wire.provider.script(reply, repeat_last=True, contains=mark, model=model)


def _told(response: httpx.Response) -> tuple[str, str]:
    return response.headers["x-routing-decision"], response.headers["x-routing-source"]


def _routed(wire: Wire, mark: str, headers: dict[str, str], **fields: Any) -> tuple[str, str]:
    return _told(wire.ask(mark=mark, headers=headers, **fields).raise_for_status())


def _calls(wire: Wire, mark: str, *, of_classifier: bool) -> list[dict[str, Any]]:
    """What reached the provider of this request."""
    bodies = [sent["body"] for sent in wire.provider.requests(contains=mark)]
    return [body for body in bodies if (body["model"] == CLASSIFIER) is of_classifier]


def _done(wire: Wire, mark: str) -> str:
    """Which of the two answered, by what it asked the provider."""
    steps = [
        "ReasoningStep" in json.dumps(call.get("response_format")) for call in _calls(wire, mark, of_classifier=False)
    ]
    if steps == [False]:
        return "passthrough"
    # A single step is one that leaves its calls to the client.
    return "reasoning" if steps and steps[0] and (len(steps) == 1 or not steps[-1]) else f"neither: {steps}"


FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {}}}}
RULES: dict[str, tuple[dict[str, str], dict[str, Any], str, str]] = {
    "nothing said": ({}, {}, "passthrough", "default"),
    "passthrough": ({"X-Routing-Mode": "passthrough"}, {}, "passthrough", "header_override"),
    "tools": ({}, {"tools": [TOOL]}, "passthrough", "passthrough_rule"),
    "a format": ({}, {"response_format": FORMAT}, "passthrough", "default"),
    "text as the format, over reasoning": (
        {"X-Routing-Mode": "reasoning"},
        {"response_format": {"type": "text"}},
        "reasoning",
        "header_override",
    ),
    "no tools": ({}, {"tools": []}, "passthrough", "default"),
    "reasoning with tools": ({"X-Routing-Mode": "reasoning"}, {"tools": [TOOL]}, "reasoning", "header_override"),
    "tools over auto": (AUTO, {"tools": [TOOL]}, "passthrough", "passthrough_rule"),
    "reasoning": ({"X-Routing-Mode": "reasoning"}, {}, "reasoning", "header_override"),
    "reasoning, in capitals": ({"X-Routing-Mode": "REASONING"}, {}, "reasoning", "header_override"),
}


@pytest.mark.parametrize("rule", RULES)
def test_the_rules_decide_in_their_order(wire: Wire, mark: str, rule: str) -> None:
    headers, fields, mode, source = RULES[rule]
    assert _routed(wire, mark, headers, **fields) == (mode, source)
    assert _done(wire, mark) == mode
    assert _calls(wire, mark, of_classifier=True) == []


def test_an_overruled_header_is_answered_in_a_header(wire: Wire) -> None:
    response = wire.ask(headers={"X-Routing-Mode": "auto"}, tools=[TOOL])
    assert response.headers["x-routing-overruled"].startswith("auto; ")


@pytest.mark.parametrize("stream", [False, True])
def test_an_error_of_the_provider_tells_the_decision_and_what_was_overruled(wire: Wire, stream: bool) -> None:
    refused = {"status": 429, "error": {"message": "slow down"}}
    response = wire.ask(refused, headers={"X-Routing-Mode": "auto"}, tools=[TOOL], stream=stream)
    assert (response.status_code, _told(response)) == (429, ("passthrough", "passthrough_rule"))
    assert response.headers["x-routing-overruled"].startswith("auto; ")


OTHERS: dict[str, dict[str, Any]] = {
    "/embeddings": {"input": "hello", "model": "text-embedding-3-small"},
    "/completions": {"prompt": "hello"},
}


@pytest.mark.parametrize("path", OTHERS)
def test_a_path_without_reasoning_says_that_it_overrules_the_header(wire: Wire, path: str) -> None:
    fields = {"messages": None, **OTHERS[path]}
    response = wire.ask(path=path, headers={"X-Routing-Mode": "reasoning"}, **fields).raise_for_status()
    assert _told(response) == ("passthrough", "passthrough_rule")
    assert response.headers["x-routing-overruled"].startswith(f"reasoning; /v1{path} ")


@pytest.mark.parametrize("path", OTHERS)
def test_another_mode_is_that_400_on_every_path(wire: Wire, path: str) -> None:
    response = wire.ask(path=path, headers={"X-Routing-Mode": "thinking"}, messages=None, **OTHERS[path])
    assert (response.status_code, response.json()["error"]["param"]) == (400, "X-Routing-Mode")


def test_another_mode_is_a_400_that_names_the_valid_ones(wire: Wire) -> None:
    response = wire.ask(headers={"X-Routing-Mode": "thinking"})
    error = response.json()["error"]
    assert (response.status_code, error["param"]) == (400, "X-Routing-Mode")
    assert all(mode in error["message"] for mode in ("passthrough", "reasoning", "auto"))


@pytest.mark.parametrize("mode", ["passthrough", "reasoning"])
def test_what_the_classifier_chooses_is_done(wire: Wire, mark: str, mode: str) -> None:
    _choose(wire, mark, {"json": {"reason": "because", "mode": mode}})
    assert _routed(wire, mark, AUTO) == (mode, "llm_classifier")
    assert _done(wire, mark) == mode


def _asked(wire: Wire, mark: str) -> dict[str, Any]:
    """The body of the classifier's call, as the provider got it."""
    [call] = _calls(wire, mark, of_classifier=True)
    return call


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


def test_the_classifier_sees_both_ends_of_a_long_text_the_image_beside_it_and_the_instructions(
    wire: Wire, mark: str
) -> None:
    _choose(wire, mark, {"json": {"reason": "because", "mode": "passthrough"}})
    text = f"{mark} First this: " + "x" * 9_000 + " Now the question."
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    turns = [
        {"role": "system", "content": "You are a tax adviser."},
        {"role": "user", "content": [{"type": "text", "text": text}, image]},
    ]
    _routed(wire, mark, AUTO, messages=turns)
    _, user = _asked(wire, mark)["messages"]
    instructions, _, request = user["content"].partition("The request:\n")
    assert "You are a tax adviser." in instructions
    assert request.startswith(f"[image_url] {mark} First this: ")
    assert request.endswith(" Now the question.")
    assert len(request) < 2_500


@pytest.fixture(scope="module")
def tools_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoTools]:
    demo = DemoTools(tmp_path_factory.mktemp("tools"))
    demo.start()
    yield demo
    demo.stop()


@pytest.fixture(scope="module", params=["gpt-5-nano", "gpt-6-luna", "o3", "claude-haiku-5-5"])
def choosy(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    stack: Instance,
    secrets: dict[str, str],
    provider: ScriptedProvider,
    tools_server: DemoTools,
) -> Iterator[tuple[Wire, str]]:
    """An API with tools, whose classifier is a model that LiteLLM refuses a temperature of 0."""
    directory: Path = tmp_path_factory.mktemp("choosy")
    settings = {
        "ROUTING_CLASSIFIER_MODEL": request.param,
        "ROUTING_CLASSIFIER_TIMEOUT": str(BUDGET),
        "MCP_CONFIG_PATH": str(mcp_config(directory, ("demo", tools_server.url))),
    }
    key = secrets["LITELLM_TEST_KEY"]
    with (
        running_api(directory, llm_base_url=stack.url("litellm"), llm_api_key=key, **settings) as api,
        httpx.Client(base_url=api.base_url, headers=api.headers, trust_env=False, timeout=60) as client,
    ):
        yield Wire(client, provider), request.param


def test_a_model_that_takes_no_temperature_classifies_too_and_is_told_the_tools(
    choosy: tuple[Wire, str], mark: str
) -> None:
    wire, model = choosy
    _choose(wire, mark, {"json": {"reason": "because", "mode": "reasoning"}}, model)
    assert _routed(wire, mark, AUTO) == ("reasoning", "llm_classifier")
    [call] = [sent["body"] for sent in wire.provider.requests(contains=mark) if sent["body"]["model"] == model]
    assert call.get("temperature") in (None, 1)
    assert "drop_params" not in call
    assert "- calculate: " in json.dumps(call)


def _spans_of(spans: Collector, trace: str, enough: int) -> list[ReceivedSpan]:
    spans.wait_for(lambda received: sum(span.trace_id == trace for span in received) >= enough)
    return [span for span in spans.spans if span.trace_id == trace]


def test_the_classifiers_call_is_attributed_to_it(wire: Wire, spans: Collector, mark: str) -> None:
    _choose(wire, mark, {"json": {"reason": "because", "mode": "passthrough"}})
    response = wire.ask(mark=mark, headers=AUTO)
    [call] = [span for span in _spans_of(spans, response.headers["x-trace-id"], 3) if "classifier" in span.name]
    assert call.metadata.items() >= {"component": "routing-classifier", "operation": "auto_routing"}.items()


COMPLETION = {"id": "x", "object": "chat.completion", "created": 1, "model": "m"}
FAILURES: dict[str, tuple[dict[str, Any], str]] = {
    "slow": ({"delay": 20, "json": {"reason": "late", "mode": "reasoning"}}, "no choice within 3 s"),
    "an error": ({"status": 400, "error": {"message": "not today"}}, "not today"),
    "an error that is retried": ({"status": 500, "error": {"message": "broken"}}, "500: broken"),
    "refused": ({"refusal": "I will not choose"}, "the model refused"),
    "empty": ({"content": ""}, "answer_unusable: the answer was empty"),
    "no JSON": ({"content": "reasoning, I think"}, "does not fit its schema"),
    "another choice": ({"json": {"reason": "because", "mode": "both"}}, "does not fit its schema"),
    "cut off": (
        {"content": '{"reason": "bec', "finish_reason": "length"},
        "the answer was cut off at its length limit",
    ),
    "filtered": ({"content": "", "finish_reason": "content_filter"}, "content filter held the answer back"),
    "no choices": ({"raw_body": COMPLETION | {"choices": []}}, "answer_unusable: the answer was empty"),
    # LiteLLM takes these for failures of the provider, and retries them.
    "no message": ({"raw_body": COMPLETION | {"choices": [{"index": 0, "message": None}]}}, "answer cannot be read"),
    "HTML": ({"raw_body": "<html>Welcome</html>"}, "answer cannot be read"),
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
    assert _told(response) == ("passthrough", "classifier_fallback")
    assert _done(wire, mark) == "passthrough"
    assert took < BUDGET + 2  # the answer itself takes its time too
    [request] = [span for span in _spans_of(spans, response.headers["x-trace-id"], 3) if span.name.startswith("POST")]
    assert cause in request.attributes["routing.reason"]
    assert request.status == 0
    assert request.attributes["routing.reason"].splitlines()[0] in api.log.read_text()


def _moved(wire: Wire, mark: str) -> dict[str, str]:
    """The header of a session that the classifier has moved to reasoning."""
    session = {"X-Session-ID": mark}
    _choose(wire, mark, {"json": {"reason": "hard", "mode": "reasoning"}})
    assert _routed(wire, mark, AUTO | session) == ("reasoning", "llm_classifier")
    return session


@pytest.mark.parametrize("header", [{}, AUTO], ids=["no header", "auto"])
def test_a_session_that_was_moved_to_reasoning_stays_there_on_a_short_follow_up(
    wire: Wire, spans: Collector, mark: str, header: dict[str, str]
) -> None:
    session = _moved(wire, mark)
    again = f"why-{mark[-12:]}"
    response = wire.ask(mark=again, headers=session | header).raise_for_status()
    assert _told(response) == ("reasoning", "llm_classifier")
    assert _done(wire, again) == "reasoning"
    assert _calls(wire, again, of_classifier=True) == []
    [request] = [span for span in _spans_of(spans, response.headers["x-trace-id"], 3) if span.name.startswith("POST")]
    assert request.attributes["routing.kept"] == "true"
    assert "keeps the session's earlier decision" in request.attributes["routing.reason"]


def test_a_classifier_that_fails_takes_no_session_out_of_reasoning(wire: Wire, mark: str) -> None:
    session = _moved(wire, mark)
    long = f"long-{mark[-12:]}"
    _choose(wire, long, {"content": "perhaps"})
    asked = [{"role": "user", "content": f"{long} {'and why? ' * 50}"}]
    assert _routed(wire, long, AUTO | session, messages=asked) == ("passthrough", "classifier_fallback")
    assert _routed(wire, f"why-{mark[-12:]}", session) == ("reasoning", "llm_classifier")


def test_a_header_takes_a_session_out_of_reasoning(wire: Wire, mark: str) -> None:
    session = _moved(wire, mark)
    told = _routed(wire, f"plain-{mark[-12:]}", session | {"X-Routing-Mode": "passthrough"})
    assert told == ("passthrough", "header_override")
    assert _done(wire, f"plain-{mark[-12:]}") == "passthrough"
    assert _routed(wire, f"why-{mark[-12:]}", session) == ("passthrough", "default")
