"""What Phoenix and LiteLLM's spend log say of a request through the API, on the real stack."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from local_stack.instance import Instance
from local_stack.traces import Span
from tests.integration_tests.reasoning_script import script_two_tools
from tests.support.stack_client import Answered, StackClient

EXACT = 1e-12  # dollars: below any price of a token


@dataclass(frozen=True)
class Recorded:
    """One request: what its client got, what Phoenix has of it, and what LiteLLM charged for it."""

    client: StackClient
    answered: Answered
    spans: list[Span]
    rows: list[dict[str, Any]]

    @property
    def counted(self) -> list[Span]:
        """The spans that carry tokens, oldest first."""
        return [span for span in self.spans if span.tokens is not None]

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def parent(self, span: Span) -> Span:
        return next(other for other in self.spans if other.span_id == span.parent_id)

    def line(self, span: Span) -> Iterator[str]:
        """The names from this span up to the root."""
        yield span.name
        if span.parent_id is not None:
            yield from self.line(self.parent(span))


def recorded(client: StackClient, answered: Answered, calls: int) -> Recorded:
    assert answered.response.status_code == 200, answered.response.text
    trace_id = answered.trace_id
    rows = client.spend_rows(trace_id, calls=calls)
    return Recorded(client, answered, client.spans(trace_id, calls=calls), rows)


@pytest.fixture(scope="module")
def client(stack: Instance) -> StackClient:
    return StackClient.of(stack)


@pytest.fixture(scope="module")
def answers(client: StackClient) -> dict[str, Answered]:
    """All requests first, so that one wait for the records is enough for them all."""
    answers = {}
    for way in ("plain", "streamed"):
        mark = f"mark-{uuid4().hex}"
        answers[f"passthrough {way}"] = client.ask(mark, stream=way == "streamed")
        script_two_tools(client.provider, mark)
        answers[f"reasoning {way}"] = client.ask(mark, stream=way == "streamed", mode="reasoning")
    return answers


@pytest.fixture(scope="module", params=["plain", "streamed"])
def passthrough(client: StackClient, answers: dict[str, Answered], request: pytest.FixtureRequest) -> Recorded:
    return recorded(client, answers[f"passthrough {request.param}"], calls=1)


@pytest.fixture(scope="module", params=["plain", "streamed"])
def reasoning(client: StackClient, answers: dict[str, Answered], request: pytest.FixtureRequest) -> Recorded:
    return recorded(client, answers[f"reasoning {request.param}"], calls=4)


def assert_charged_as_traced(request: Recorded) -> None:
    """Each span with tokens has one row of the spend log, with the same tokens and the same cost."""
    charged = {row["request_id"]: row for row in request.rows}
    traced = {str(span.attributes["gen_ai.response.id"]): span for span in request.counted}
    assert charged.keys() == traced.keys()
    for call, span in traced.items():
        assert span.tokens == (charged[call]["prompt_tokens"], charged[call]["completion_tokens"])
        assert span.cost == pytest.approx(charged[call]["spend"], abs=EXACT)


def assert_told_what_was_charged(request: Recorded) -> None:
    """The usage that the client was told is the sum over LiteLLM's rows."""
    usage = request.answered.usage
    for field in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert usage[field] == sum(row[field] for row in request.rows) > 0
    assert request.answered.cost == pytest.approx(sum(row["spend"] for row in request.rows), abs=EXACT)


def test_a_passthrough_request_is_one_tree_with_our_spans_above_litellm_s(passthrough: Recorded) -> None:
    assert [span.name for span in passthrough.spans if span.parent_id is None] == ["POST /v1/chat/completions"]
    [counted] = passthrough.counted
    ours = ["passthrough.chat", "POST /v1/chat/completions"]
    assert list(passthrough.line(counted)) == ["chat gpt-4o-mini", "POST /v1/chat/completions", *ours]
    assert [span.kind for span in passthrough.named("passthrough.chat")] == ["CHAIN"]


def test_the_one_span_with_tokens_names_the_component_and_the_operation(passthrough: Recorded) -> None:
    [counted] = passthrough.counted
    assert counted.attributes["metadata.component"] == "passthrough"
    assert counted.attributes["metadata.operation"] == "chat"


def test_a_passthrough_call_costs_in_the_trace_what_litellm_charged(passthrough: Recorded) -> None:
    assert_charged_as_traced(passthrough)
    assert passthrough.rows[0]["spend"] > 0


def test_a_passthrough_client_is_told_the_tokens_that_were_charged(passthrough: Recorded) -> None:
    assert_told_what_was_charged(passthrough)


def test_the_spend_log_can_be_summed_by_component(passthrough: Recorded, reasoning: Recorded) -> None:
    assert [_tag(row, "component") for row in passthrough.rows] == ["passthrough"]
    assert {_tag(row, "component") for row in reasoning.rows} == {"reasoning-agent"}


def test_a_reasoning_request_is_one_tree_of_an_agent_its_steps_tools_and_calls(reasoning: Recorded) -> None:
    assert [span.parent_id for span in reasoning.spans].count(None) == 1
    [agent] = reasoning.named("reasoning-agent")
    steps = [span for span in reasoning.spans if span.name.startswith("step ")]
    assert [agent.kind, *(step.kind for step in steps)] == ["AGENT", "CHAIN", "CHAIN", "CHAIN"]
    assert {reasoning.parent(step).name for step in steps} == {"reasoning-agent"}
    tools = [span for span in reasoning.spans if span.kind == "TOOL"]
    places = {tool.name: reasoning.parent(tool).name for tool in tools}
    assert places == {"calculate": "step 1", "convert_units": "step 2"}


def test_every_call_of_a_reasoning_request_hangs_beneath_its_step_or_the_agent(reasoning: Recorded) -> None:
    above = [
        next(name for name in reasoning.line(span) if name.startswith("step ") or name == "reasoning-agent")
        for span in reasoning.counted
    ]
    assert above == ["step 1", "step 2", "step 3", "reasoning-agent"]


def test_phoenix_s_filter_gives_exactly_the_calls_that_were_made(reasoning: Recorded) -> None:
    calls = "metadata['component'] == 'reasoning-agent' and span_kind == 'LLM' and llm.token_count.total > 0"
    found = reasoning.client.phoenix_filter(calls, reasoning.answered.trace_id)
    assert [span.span_id for span in found] == [span.span_id for span in reasoning.counted]
    assert [span.attributes["metadata.operation"] for span in found] == ["step_generation"] * 3 + ["synthesis"]


def test_a_reasoning_request_s_calls_cost_in_the_trace_what_litellm_charged(reasoning: Recorded) -> None:
    assert len(reasoning.rows) == 4
    assert_charged_as_traced(reasoning)


def test_a_reasoning_client_is_told_the_sum_of_what_was_charged(reasoning: Recorded) -> None:
    assert reasoning.answered.usage["cost"] == reasoning.answered.cost
    assert_told_what_was_charged(reasoning)


def test_a_tool_s_span_has_its_arguments_and_its_result(reasoning: Recorded) -> None:
    [convert] = reasoning.named("convert_units")
    assert "912.5" in convert.attributes["input.value"]
    assert "567.0" in convert.attributes["output.value"]


def test_nothing_in_either_trace_has_failed(passthrough: Recorded, reasoning: Recorded) -> None:
    assert [span.name for span in [*passthrough.spans, *reasoning.spans] if span.failed] == []


def _tag(row: dict[str, Any], kind: str) -> str:
    [value] = [str(tag).partition(":")[2] for tag in row["request_tags"] if tag.startswith(f"{kind}:")]
    return value


def test_a_prompt_of_megabytes_costs_no_call_its_spans(client: StackClient) -> None:
    """It stands on LiteLLM's span three times: more than Phoenix would take in one message over gRPC."""
    with ThreadPoolExecutor(3) as pool:
        asked = list(pool.map(client.ask, ["hi", "x" * 2_000_000, "hi"]))
    for answered in asked:
        assert recorded(client, answered, calls=1).counted
