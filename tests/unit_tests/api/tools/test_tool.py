"""One tool and its call, without any server."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from api.tools.running import Report, run_tools
from api.tools.schema import ToolSchemaError
from api.tools.tool import Tool, ToolCall, ToolFailure, ToolResult

SCHEMA = {
    "type": "object",
    "properties": {"seconds": {"type": "number", "minimum": 0}, "text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}


class Echo:
    """Answers with its text after some seconds, and remembers what reached it."""

    def __init__(self) -> None:
        self.received: list[Mapping[str, Any]] = []
        self.most_at_once = 0
        self._now = 0

    async def __call__(self, arguments: Mapping[str, Any]) -> str:
        self.received.append(arguments)
        self._now += 1
        self.most_at_once = max(self._now, self.most_at_once)
        try:
            await asyncio.sleep(arguments.get("seconds", 0))
        finally:
            self._now -= 1
        return str(arguments["text"])


@pytest.fixture
def echo() -> Echo:
    return Echo()


def tool(call: Any, **changes: Any) -> Tool:
    return Tool(name="echo", description="", input_schema=SCHEMA, server="here", call=call, **changes)


async def failing(_: Mapping[str, Any]) -> str:
    raise ToolFailure("the disk is full")


async def broken(_: Mapping[str, Any]) -> str:
    raise ZeroDivisionError("secret detail")


async def times_out(_: Mapping[str, Any]) -> str:
    raise TimeoutError


async def test_a_result_carries_text_and_duration(echo: Echo) -> None:
    result = await tool(echo).run({"text": "hello", "seconds": 0.05})
    assert (result.tool, result.ok, result.text, result.error) == ("echo", True, "hello", None)
    assert 0.05 <= result.duration < 1


async def test_a_failure_is_a_result() -> None:
    result = await tool(failing).run({"text": ""})
    assert (result.ok, result.for_model()) == (False, "Error: the disk is full")


async def test_an_unexpected_exception_is_a_result_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    result = await tool(broken).run({"text": ""})
    assert result.error == "echo failed: ZeroDivisionError"
    assert "the call of tool echo failed in an unexpected way" in caplog.text


async def test_a_call_that_takes_too_long_is_cancelled(echo: Echo) -> None:
    result = await tool(echo, timeout=0.05).run({"text": "late", "seconds": 10})
    assert result.error == "echo gave no answer within 0.05 s; the call was cancelled"
    assert result.duration < 1


async def test_a_time_out_of_the_tools_own_is_not_mistaken_for_ours() -> None:
    assert (await tool(times_out).run({"text": ""})).error == "echo failed: a time-out within the tool's server"


async def test_cancelling_is_not_swallowed(echo: Echo) -> None:
    running = asyncio.create_task(tool(echo).run({"text": "", "seconds": 10}))
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "arguments: 'text' is a required property"),
        ({"text": 3}, "text: 3 is not of type 'string'"),
        ({"text": "", "seconds": -1}, "seconds: -1 is less than the minimum of 0"),
        ({"text": "", "speed": 1}, "Additional properties are not allowed ('speed' was unexpected)"),
    ],
)
async def test_arguments_that_do_not_fit_are_explained_and_not_sent(
    echo: Echo, arguments: dict[str, Any], problem: str
) -> None:
    result = await tool(echo).run(arguments)
    assert problem in (result.error or "")
    assert '"required": ["text"]' in (result.error or "")
    assert echo.received == []


async def test_an_explanation_does_not_repeat_a_huge_value(echo: Echo) -> None:
    result = await tool(echo).run({"text": ["x" * 1_000_000]})
    assert len(result.error or "") < 2_000


def test_a_schema_that_is_none_is_refused() -> None:
    with pytest.raises(ToolSchemaError, match="not valid JSON Schema"):
        Tool("echo", "", {"type": "nonsense"}, "here", failing)


@pytest.mark.parametrize("schema", [{"$schema": ["no", "text"]}, {"properties": {"x": {"required": True}}}])
def test_a_schema_that_cannot_be_read_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(ToolSchemaError, match="its input schema"):
        Tool("echo", "", schema, "here", failing)


def test_a_schema_that_is_nested_beyond_reading_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(3_000):
        schema = {"items": schema}
    with pytest.raises(ToolSchemaError, match="its input schema is nested more than 100 levels deep"):
        Tool("echo", "", schema, "here", failing)


NOT_PYTHON = r"^\p{L}+$"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"pattern": NOT_PYTHON}, "1"),
        ({"pattern": "(?<n>x)"}, "1"),
        ({"not": {"pattern": NOT_PYTHON}}, "1"),
        ({"oneOf": [{"pattern": NOT_PYTHON}, {"minLength": 1}]}, "1"),
        ({"if": {"pattern": NOT_PYTHON}, "then": {"maxLength": 0}}, "1"),
        ({"contains": {"pattern": NOT_PYTHON}, "minContains": 0, "maxContains": 0}, ["1"]),
        ({"patternProperties": {NOT_PYTHON: {"type": "string"}}, "additionalProperties": False}, {"1": "1"}),
        ({"patternProperties": {NOT_PYTHON: True}, "unevaluatedProperties": False}, {"1": "1"}),
    ],
)
@pytest.mark.parametrize("draft", [{}, {"$schema": DRAFT_7}], ids=["draft 2020-12", "draft 7"])
async def test_what_hangs_on_a_pattern_that_is_not_pythons_is_left_to_the_server(
    echo: Echo, draft: dict[str, Any], schema: dict[str, Any], value: object
) -> None:
    outer = {**draft, "properties": {"x": schema}}
    assert (await Tool("echo", "", outer, "here", echo).run({"text": "", "x": value})).ok


async def test_what_stands_beside_a_pattern_that_is_not_pythons_is_checked(echo: Echo) -> None:
    schema = {"properties": {"x": {"pattern": NOT_PYTHON, "maxLength": 2}, "y": {"type": "integer"}}}
    result = await Tool("echo", "", schema, "here", echo).run({"text": "", "x": "abc", "y": "?"})
    assert "x: 'abc' is too long; y: '?' is not of type 'integer'" in (result.error or "")


async def test_a_pattern_that_is_pythons_too_is_checked(echo: Echo) -> None:
    schema = {"properties": {"x": {"pattern": "^[a-z]+$", "not": {"pattern": "b"}}}}
    result = await Tool("echo", "", schema, "here", echo).run({"text": "", "x": "B1"})
    assert "x: 'B1' does not match '^[a-z]+$'" in (result.error or "")


@pytest.mark.parametrize("draft", [{}, {"$schema": DRAFT_7}], ids=["draft 2020-12", "draft 7"])
@pytest.mark.parametrize(("number", "fits"), [(-1, False), (0, False), (1, True), (10, True), (11, False)])
async def test_bounds_as_draft_4_has_them_are_understood(
    echo: Echo, draft: dict[str, Any], number: int, fits: bool
) -> None:
    bounds = {"minimum": 0, "exclusiveMinimum": True, "maximum": 10, "exclusiveMaximum": False}
    schema = {**draft, "properties": {"numbers": {"type": "array", "items": bounds}}}
    result = await Tool("echo", "", schema, "here", echo).run({"text": "", "numbers": [number]})
    assert result.ok is fits


async def test_a_long_result_is_cut_with_a_note_of_how_much(echo: Echo) -> None:
    result = await tool(echo, max_characters=10).run({"text": "a" * 10 + "b" * 1_234})
    assert (result.text, result.left_out) == ("a" * 10, 1_234)
    assert result.for_model() == "aaaaaaaaaa\n[cut: the last 1,234 of 1,244 characters are left out]"


async def test_a_result_of_just_the_limit_is_whole(echo: Echo) -> None:
    assert (await tool(echo, max_characters=10).run({"text": "a" * 10})).for_model() == "a" * 10


async def shouting(_: Mapping[str, Any]) -> str:
    raise ToolFailure("a" * 10 + "b" * 1_234)


async def test_a_long_error_is_cut_with_a_note_of_how_much() -> None:
    result = await tool(shouting, max_characters=10).run({"text": ""})
    assert (result.ok, result.error, result.left_out) == (False, "a" * 10, 1_234)
    assert result.for_model() == "Error: aaaaaaaaaa\n[cut: the last 1,234 of 1,244 characters are left out]"


CALLS = [ToolCall("echo", {"text": text, "seconds": 0.05}) for text in "abc"]


async def test_concurrent_calls_run_side_by_side_and_keep_their_order(echo: Echo) -> None:
    results = await run_tools([tool(echo)], CALLS, concurrent=True)
    assert ("".join(result.text for result in results), echo.most_at_once) == ("abc", 3)


async def test_sequential_calls_run_one_after_another(echo: Echo) -> None:
    results = await run_tools([tool(echo)], CALLS, concurrent=False)
    assert ("".join(result.text for result in results), echo.most_at_once) == ("abc", 1)


async def test_one_failure_does_not_end_the_others(echo: Echo) -> None:
    calls = [ToolCall("echo", {"text": 1}), ToolCall("nothing", {}), ToolCall("echo", {"text": "fine"})]
    results = await run_tools([tool(echo)], calls, concurrent=True)
    assert [result.ok for result in results] == [False, False, True]


async def test_an_unknown_tool_is_answered_with_what_there_is(echo: Echo) -> None:
    calls = [ToolCall("ecko", {}), ToolCall("launch", {})]
    [misspelt, strange] = await run_tools([tool(echo)], calls, concurrent=False)
    assert misspelt.error == "there is no tool named 'ecko'; did you mean echo?"
    assert strange.error == "there is no tool named 'launch'; the tools are echo"


async def test_cancelling_a_step_cancels_its_calls(echo: Echo) -> None:
    calls = [ToolCall("echo", {"text": "", "seconds": 10})] * 3
    running = asyncio.create_task(run_tools([tool(echo)], calls, concurrent=True))
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(echo.received) == 3
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_observer_is_entered_around_each_call_and_told_its_result(echo: Echo) -> None:
    seen: list[tuple[str, str | None, bool]] = []

    @contextmanager
    def observe(call: ToolCall, found: Tool | None) -> Iterator[Report]:
        results: list[ToolResult] = []
        yield results.append
        seen.append((call.name, found.server if found else None, results[0].ok))

    calls = [ToolCall("echo", {"text": ""}), ToolCall("nothing", {})]
    await run_tools([tool(echo)], calls, concurrent=False, observe=observe)
    assert seen == [("echo", "here", True), ("nothing", None, False)]
