"""The tools that a client brought: which may be called, what has to be, and what becomes of names that ours have too."""

from collections.abc import Mapping
from typing import Any

import pytest

from api.reasoning.client_tools import ClientTools, beside, read_client_tools
from api.reasoning.steps import StepInvalid, step_of
from api.tools import Tool, ToolCall

NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def _function(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **more}}


BOTH = {"tools": [_function("read", description="Reads.", parameters=NUMBER), _function("write")]}


async def _answers(_arguments: Mapping[str, Any]) -> str:
    return ""


def _ours(name: str, server: str = "demo") -> Tool:
    return Tool(name, "", {}, server, _answers)


def _step(action: str, *calls: dict[str, Any]) -> dict[str, Any]:
    return {"thought": "t", "next_action": action, "tools_to_use": [*calls], "concurrent_execution": False}


def test_a_tool_is_read_with_all_that_a_model_has_to_know_of_it() -> None:
    read, write = read_client_tools(BOTH).tools
    assert (read.name, read.description, read.input_schema) == ("read", "Reads.", NUMBER)
    assert (write.name, write.description, write.input_schema) == ("write", "", {})


@pytest.mark.parametrize(
    ("choice", "names", "required"),
    [
        (None, {"read", "write"}, False),
        ("auto", {"read", "write"}, False),
        ("none", set(), False),
        ("required", {"read", "write"}, True),
        (_function("read"), {"read"}, True),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [_function("write")]}}, {"write"}, False),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [_function("write")]}},
            {"write"},
            True,
        ),
        (_function("nobody"), set(), False),
    ],
)
def test_the_choice_says_which_may_be_called_and_whether_one_must(choice: Any, names: set[str], required: bool) -> None:
    client = read_client_tools(BOTH | {"tool_choice": choice})
    assert set(client.names) == names
    assert client.required is required


@pytest.mark.parametrize(("parallel", "single"), [(None, False), (True, False), (False, True)])
def test_parallel_calls_can_be_forbidden(parallel: bool | None, single: bool) -> None:
    assert read_client_tools(BOTH | {"parallel_tool_calls": parallel}).single is single


def test_no_tools_are_none() -> None:
    assert read_client_tools({}).names == ClientTools().names == frozenset()


def test_the_clients_names_win_and_ours_get_their_servers() -> None:
    client = read_client_tools({"tools": [_function("read"), _function("demo__read")]})
    kept = beside([_ours("read"), _ours("add"), _ours("read", "files")], client)
    assert [tool.name for tool in kept] == ["demo__demo__read", "add", "files__read"]


def test_a_renamed_tool_is_called_as_before() -> None:
    [kept] = beside([_ours("read")], read_client_tools({"tools": [_function("read")]}))
    assert (kept.server, kept.call) == ("demo", _answers)


def test_finishing_without_the_required_call_is_no_step() -> None:
    client = read_client_tools(BOTH | {"tool_choice": "required"})
    with pytest.raises(StepInvalid, match="requires a call of read, write first"):
        client.check(step_of(_step("finished")))


@pytest.mark.parametrize("action", ["continue_thinking", "use_tools"])
def test_a_required_call_may_come_later(action: str) -> None:
    calls = [{"name": "any", "arguments": {}, "reason": ""}] if action == "use_tools" else []
    read_client_tools(BOTH | {"tool_choice": "required"}).check(step_of(_step(action, *calls)))


async def test_calls_that_fit_are_left_to_the_client() -> None:
    assert (
        await read_client_tools(BOTH).refused([ToolCall("read", {"n": 1}), ToolCall("write", {"any": "thing"})]) == {}
    )


async def test_one_call_that_does_not_fit_keeps_all_of_the_step_here() -> None:
    refused = await read_client_tools(BOTH).refused([ToolCall("write", {}), ToolCall("read", {"n": "one"})])
    assert "was not made, because another one" in (refused[0].error or "")
    assert "arguments do not fit" in (refused[1].error or "")


async def test_a_schema_that_is_none_refuses_nothing() -> None:
    client = read_client_tools({"tools": [_function("odd", parameters={"type": 7})]})
    assert await client.refused([ToolCall("odd", {"x": 1})]) == {}
