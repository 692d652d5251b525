"""The trace of a reasoning request: an agent, its steps, their calls and tools; ERROR only where something failed."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.support.api import RunningAPI
from tests.support.collector import Collector, ReceivedSpan
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import (
    ask,
    body,
    finished,
    reasoning_headers,
    said,
    step,
    tool,
    use,
)

TREE = """
CHAIN POST /v1/chat/completions
  AGENT reasoning-agent
    CHAIN step 1
      CHAIN reasoning-agent.step_generation
      TOOL calculate
      TOOL convert_units
    CHAIN step 2
      CHAIN reasoning-agent.step_generation
    CHAIN reasoning-agent.synthesis
"""
LOOK = use(tool("calculate", expression="6 * 7"), tool("convert_units", value=1, from_unit="mi", to_unit="km"))


def _trace(spans: Collector, identifier: str) -> list[ReceivedSpan]:
    """The spans of a trace, once its request's own span, which ends last, is there."""

    def complete(received: list[ReceivedSpan]) -> bool:
        return any(span.trace_id == identifier and not span.parent_id for span in received)

    return [span for span in spans.wait_for(complete) if span.trace_id == identifier]


def _drawn(spans: list[ReceivedSpan], parent: str = "", depth: int = 0) -> str:
    """The tree as text, siblings in the order in which they ended."""
    children = [span for span in spans if span.parent_id == parent]
    lines = (f"{'  ' * depth}{span.kind} {span.name}\n{_drawn(spans, span.span_id, depth + 1)}" for span in children)
    return "".join(lines)


def _traced(api: RunningAPI, spans: Collector, mark: str, *, stream: bool = False) -> list[ReceivedSpan]:
    response = ask(api, mark, stream=stream, headers={"X-Session-ID": "s-9"})
    return _trace(spans, response.headers["x-trace-id"])


def _named(spans: list[ReceivedSpan], name: str) -> ReceivedSpan:
    return next(span for span in spans if span.name == name)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_request_is_one_tree(
    reasoner: RunningAPI, provider: ScriptedProvider, spans: Collector, mark: str, stream: bool
) -> None:
    provider.script(LOOK, finished(), said(), contains=mark)
    assert _drawn(_traced(reasoner, spans, mark, stream=stream)) == TREE.lstrip()


def test_calls_that_run_side_by_side_hang_beneath_their_step(
    reasoner: RunningAPI, provider: ScriptedProvider, spans: Collector, mark: str
) -> None:
    provider.script(use(*[tool("slow", seconds=0.2)] * 2, concurrent=True), finished(), said(), contains=mark)
    trace = _traced(reasoner, spans, mark)
    assert [span.parent_id for span in trace if span.kind == "TOOL"] == [_named(trace, "step 1").span_id] * 2


def test_a_name_that_no_tool_has_names_no_span(
    reasoner: RunningAPI, provider: ScriptedProvider, spans: Collector, mark: str
) -> None:
    provider.script(use(tool("the patient is called Ada")), finished(), said(), contains=mark)
    [called] = [span for span in _traced(reasoner, spans, mark) if span.kind == "TOOL"]
    assert (called.name, called.attributes["tool.name"]) == ("unknown", "unknown")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_every_span_knows_session_and_path_and_none_failed(
    reasoner: RunningAPI, provider: ScriptedProvider, spans: Collector, mark: str, stream: bool
) -> None:
    provider.script(LOOK, finished(), said(), contains=mark)
    trace = _traced(reasoner, spans, mark, stream=stream)
    assert {span.attributes["session.id"] for span in trace} == {"s-9"}
    assert {span.metadata["routing_path"] for span in trace} == {"reasoning"}
    assert {span.metadata["component"] for span in trace if span.parent_id} == {"reasoning-agent"}
    assert {span.status for span in trace} == {0}


def test_the_calls_to_litellm_hang_beneath_their_own_spans(
    reasoner: RunningAPI, provider: ScriptedProvider, spans: Collector, mark: str
) -> None:
    provider.script(LOOK, finished(), said(), contains=mark)
    trace = _traced(reasoner, spans, mark)
    calls = [span for span in trace if "operation" in span.metadata]
    sent = [request["headers"]["traceparent"] for request in provider.requests(contains=mark)]
    assert sent == [f"00-{span.trace_id}-{span.span_id}-01" for span in calls]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_the_agent_and_its_tools_say_what_went_in_and_came_out(
    reasoner: RunningAPI, provider: ScriptedProvider, spans: Collector, mark: str, stream: bool
) -> None:
    provider.script(LOOK, finished(), said("Forty-two."), contains=mark)
    trace = _traced(reasoner, spans, mark, stream=stream)
    agent, calculated = _named(trace, "reasoning-agent").attributes, _named(trace, "calculate").attributes
    assert (agent["input.value"], agent["output.value"]) == (mark, "Forty-two.")
    assert (calculated["input.value"], calculated["output.value"]) == ('{"expression": "6 * 7"}', "42")
    assert calculated["tool.name"] == "calculate"
    assert json.loads(calculated["metadata"])["mcp_server"] == "demo"


# What the model replies, and the names of the spans that failed.
FAILURES: dict[str, tuple[list[dict[str, Any]], set[str]]] = {
    "a tool": ([use(tool("fail"), tool("calculate", expression="1")), finished(), said()], {"fail"}),
    "an unknown tool": ([use(tool("nothing")), finished(), said()], {"unknown"}),
    "a step that had to be repaired": ([{"content": "no"}, finished(), said()], set()),
    "two bad steps": (
        [{"content": "no"}, {"content": "no"}],
        {"POST /v1/chat/completions", "reasoning-agent", "step 1"},
    ),
    "a later step": (
        [step("continue_thinking"), {"status": 500, "error": {"message": "broken"}}],
        {"POST /v1/chat/completions", "reasoning-agent", "step 2", "reasoning-agent.step_generation"},
    ),
    "the answer": (
        [finished(), {"status": 500, "error": {"message": "broken"}}],
        {"POST /v1/chat/completions", "reasoning-agent", "reasoning-agent.synthesis"},
    ),
    "the answer, broken off": (
        [finished(), {"chunks": ["a", "b"], "fail_after_chunks": 1, "fail": "drop"}],
        {"POST /v1/chat/completions", "reasoning-agent", "reasoning-agent.synthesis"},
    ),
}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("failure", FAILURES)
def test_only_what_failed_is_an_error(
    reasoner: RunningAPI, provider: ScriptedProvider, spans: Collector, mark: str, failure: str, stream: bool
) -> None:
    replies, failed = FAILURES[failure]
    provider.script(*replies, contains=mark)
    trace = _traced(reasoner, spans, mark, stream=stream)
    assert {span.name for span in trace if span.status == 2} == failed


def test_a_tool_that_hangs_is_an_error(
    hurried: RunningAPI, provider: ScriptedProvider, spans: Collector, mark: str
) -> None:
    provider.script(use(tool("hang")), finished(), said(), contains=mark)
    trace = _traced(hurried, spans, mark)
    assert [span.name for span in trace if span.status == 2] == ["hang"]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_client_that_left_is_no_error_and_leaves_no_span_open(
    reasoner: RunningAPI, provider: ScriptedProvider, spans: Collector, mark: str, stream: bool
) -> None:
    provider.script(use(tool("calculate", expression="1")), {**finished(), "delay": 30}, contains=mark)
    trace = f"{abs(hash(mark)):032x}"[-32:]
    headers = reasoning_headers(reasoner) | {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    url, request = f"{reasoner.base_url}/chat/completions", body(mark, stream=stream)

    async def leave() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.post(url, json=request, headers=headers, timeout=1.5)

    with pytest.raises(httpx.ReadTimeout):
        await leave()

    def complete(received: list[ReceivedSpan]) -> bool:
        return any(span.trace_id == trace and span.name.startswith("POST") for span in received)

    received = [span for span in await asyncio.to_thread(spans.wait_for, complete) if span.trace_id == trace]
    assert {"reasoning-agent", "step 1", "step 2", "calculate"} <= {span.name for span in received}
    assert {span.status for span in received} == {0}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_with_content_off_no_span_says_what_was_said(
    hurried: RunningAPI, provider: ScriptedProvider, spans: Collector, mark: str, stream: bool
) -> None:
    provider.script(use(tool("fail", message=f"result {mark}")), finished(), said(f"answer {mark}"), contains=mark)
    trace = _traced(hurried, spans, mark, stream=stream)
    assert {"reasoning-agent", "fail"} <= {span.name for span in trace}
    for span in trace:
        assert not {"input.value", "output.value"} & set(span.attributes)
        assert mark not in json.dumps(span.attributes)
