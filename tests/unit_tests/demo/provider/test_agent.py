"""The demo as an agent: it plans, calls the demo tool that the question calls for, sees the result, and finishes."""

import json
from typing import Any, Literal

import httpx
import jsonschema
import openai
import pytest
from pydantic import BaseModel

from api.llm.model_catalog import ModelInfo
from api.reasoning.asking import step_forms
from api.reasoning.prompts import load_prompts
from api.reasoning.replies import Reply
from api.tools import Tool
from demo.provider.planner import plan
from tests.unit_tests.demo.provider.wire import ask_ok

TOOLS = """You have these tools:
- calculate: exact arithmetic
- demo_date_info: the weekday of a date
"""


class ToolRequest(BaseModel):
    tool_name: str
    arguments: dict[str, Any]
    reasoning: str


class ReasoningStep(BaseModel):
    thought: str
    next_action: Literal["continue_thinking", "use_tools", "finished"]
    tools_to_use: list[ToolRequest]
    concurrent_execution: bool


class TextToolRequest(BaseModel):
    name: str
    arguments_json: str
    why: str


class TextReasoningStep(BaseModel):
    thought: str
    next_action: Literal["continue_thinking", "use_tools", "finished"]
    tools_to_use: list[TextToolRequest]
    concurrent_execution: bool


class Routing(BaseModel):
    routing_mode: Literal["passthrough", "reasoning"]
    reason: str


def structured(model: type[BaseModel]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": model.__name__, "schema": model.model_json_schema()}}


def asked(question: str, *later: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "system", "content": TOOLS}, {"role": "user", "content": question}, *later]


async def reply(http: httpx.AsyncClient, messages: list[dict[str, Any]], **changes: Any) -> str:
    body = await ask_ok(http, messages=messages, **changes)
    return str(body["choices"][0]["message"]["content"])


async def step(http: httpx.AsyncClient, messages: list[dict[str, Any]]) -> ReasoningStep:
    text = await reply(http, messages, response_format=structured(ReasoningStep))
    return ReasoningStep.model_validate_json(text, strict=True)


async def test_a_question_for_a_product_is_a_step_that_calculates(http: httpx.AsyncClient) -> None:
    planned = await step(http, asked("What is 17 * 23?"))
    (use,) = planned.tools_to_use
    assert (planned.next_action, use.tool_name, use.arguments) == (
        *("use_tools", "calculate"),
        {"expression": "17 * 23"},
    )
    assert planned.thought
    assert use.reasoning


async def test_a_tool_is_called_by_the_name_that_the_prompt_gives_it(http: httpx.AsyncClient) -> None:
    (use,) = (await step(http, asked("What weekday is 2026-03-01?"))).tools_to_use
    assert (use.tool_name, use.arguments) == ("demo_date_info", {"date": "2026-03-01"})


async def test_two_questions_in_one_use_two_tools_at_once(http: httpx.AsyncClient) -> None:
    planned = await step(http, asked("What is 6 * 7, and what weekday is 2026-03-01?"))
    assert [use.tool_name for use in planned.tools_to_use] == ["calculate", "demo_date_info"]
    assert planned.concurrent_execution is True


@pytest.mark.parametrize("question", ["Who wrote Faust?", "What time is it in Tokyo?"])
async def test_a_question_without_a_tool_that_is_offered_finishes_at_once(
    http: httpx.AsyncClient, question: str
) -> None:
    planned = await step(http, asked(question))
    assert (planned.next_action, planned.tools_to_use) == ("finished", [])


async def test_with_a_result_in_the_conversation_the_next_step_finishes(http: httpx.AsyncClient) -> None:
    first = await step(http, asked("What is 17 * 23?"))
    told = {"role": "user", "content": "Result of calculate: 391"}
    later = await step(http, asked("What is 17 * 23?", {"role": "assistant", "content": first.model_dump_json()}, told))
    assert (later.next_action, later.tools_to_use) == ("finished", [])
    assert "391" in later.thought


async def test_an_earlier_conversation_is_not_taken_for_the_work_on_this_question(http: httpx.AsyncClient) -> None:
    answered = {"role": "assistant", "content": "It is 42."}
    planned = await step(http, asked("What is 6 * 7?", answered, {"role": "user", "content": "And what is 8 * 9?"}))
    assert planned.tools_to_use[0].arguments == {"expression": "8 * 9"}


@pytest.mark.parametrize("role", ["user", "system"])
async def test_the_synthesis_answers_with_the_result(http: httpx.AsyncClient, role: str) -> None:
    taken = await step(http, asked("What is 17 * 23?"))
    told = {"role": role, "content": "Result of calculate: 391"}
    text = await reply(http, asked("What is 17 * 23?", {"role": "assistant", "content": taken.model_dump_json()}, told))
    assert "demo provider" in text
    assert "Result of calculate: 391" in text


async def test_names_come_from_the_schema_and_arguments_are_text_where_it_says_so(http: httpx.AsyncClient) -> None:
    text = await reply(http, asked("What is 17 * 23?"), response_format=structured(TextReasoningStep))
    (use,) = TextReasoningStep.model_validate_json(text, strict=True).tools_to_use
    assert (use.name, json.loads(use.arguments_json)) == ("calculate", {"expression": "17 * 23"})
    assert use.why


@pytest.mark.parametrize("asks_for_json", [True, False])
async def test_in_json_mode_the_schema_of_the_prompt_is_used(http: httpx.AsyncClient, *, asks_for_json: bool) -> None:
    told = f"{TOOLS}\nAnswer with JSON of this schema:\n```json\n{json.dumps(ReasoningStep.model_json_schema())}\n```"
    messages = [{"role": "system", "content": told}, {"role": "user", "content": "What is 17 * 23?"}]
    changes = {"response_format": {"type": "json_object"}} if asks_for_json else {}
    planned = ReasoningStep.model_validate_json(await reply(http, messages, **changes), strict=True)
    assert planned.tools_to_use[0].arguments == {"expression": "17 * 23"}


async def test_references_without_a_hash_are_followed_as_litellm_writes_them(http: httpx.AsyncClient) -> None:
    schema = json.loads(json.dumps(ReasoningStep.model_json_schema()).replace("#/$defs", "/$defs"))
    forced = {"type": "function", "function": {"name": "json_tool_call"}}
    tool = {"type": "function", "function": {"name": "json_tool_call", "parameters": schema}}
    body = await ask_ok(http, messages=asked("What is 17 * 23?"), tools=[tool], tool_choice=forced)
    arguments = body["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    planned = ReasoningStep.model_validate_json(arguments, strict=True)
    assert planned.tools_to_use[0].arguments == {"expression": "17 * 23"}


async def _called(_arguments: Any) -> str:
    return "391"


EXPRESSION = {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]}
PLACES = {"type": "object", "properties": {"expression": {"type": "string"}, "places": {"type": "integer"}}}
ANYTHING = {"type": "object"}
MODEL = ModelInfo("gpt-4o", supports_response_schema=True, supports_response_format=True)


def step_prompt(form: str = "form") -> str:
    prompts = load_prompts()
    tools = json.dumps({"name": "calculate", "description": "Exact arithmetic", "arguments": {"type": "object"}})
    return prompts.step.substitute(date="2026-01-01", form=getattr(prompts, form).template, tools=tools)


async def test_the_apis_own_step_prompt_is_understood_in_json_mode(http: httpx.AsyncClient) -> None:
    messages = [{"role": "system", "content": step_prompt()}, {"role": "user", "content": "What is 17 * 23?"}]
    planned = Reply(await reply(http, messages, response_format={"type": "json_object"})).step()
    assert [(use.name, use.arguments) for use in planned.tools_to_use] == [("calculate", {"expression": "17 * 23"})]


@pytest.mark.parametrize("reduced", [False, True])
@pytest.mark.parametrize("schema", [EXPRESSION, ANYTHING])
async def test_the_apis_own_strict_schema_is_obeyed(
    http: httpx.AsyncClient, schema: dict[str, Any], reduced: bool
) -> None:
    tools = [Tool(name, "d", schema, "s", _called) for name in ("slow", "calculate")]
    system = {"role": "system", "content": step_prompt("nested_form")}
    form = step_forms(MODEL, tools)[reduced]
    told = await reply(http, [system, {"role": "user", "content": "What is 17 * 23?"}], **form.fields)
    jsonschema.validate(json.loads(told), form.fields["response_format"]["json_schema"]["schema"])
    assert [(use.name, use.arguments) for use in Reply(told).step().tools_to_use] == [
        ("calculate", {"expression": "17 * 23"})
    ]


async def test_of_the_apis_own_schema_an_optional_argument_is_null(http: httpx.AsyncClient) -> None:
    system = {"role": "system", "content": step_prompt("nested_form")}
    form = step_forms(MODEL, [Tool("calculate", "d", PLACES, "s", _called)])[0]
    told = await reply(http, [system, {"role": "user", "content": "What is 17 * 23?"}], **form.fields)
    assert Reply(told).step().tools_to_use[0].arguments == {"expression": "17 * 23", "places": None}


@pytest.mark.parametrize("tools", [[], [Tool("calculate", "d", EXPRESSION, "s", _called)]])
async def test_of_the_apis_own_schema_no_calls_are_made_where_none_are_called_for(
    http: httpx.AsyncClient, tools: list[Tool]
) -> None:
    system = {"role": "system", "content": step_prompt("nested_form")}
    form = step_forms(MODEL, tools)[0]
    told = await reply(http, [system, {"role": "user", "content": "Who wrote Faust?"}], **form.fields)
    assert json.loads(told)["next"] == {"next_action": "finished"}


async def test_results_that_are_told_as_json_are_read_out(http: httpx.AsyncClient) -> None:
    taken = {"role": "assistant", "content": '{"thought":"t","next_action":"use_tools"}'}
    told = {"role": "user", "content": 'Tool results: [{"tool": "calculate", "ok": true, "result": "391"}]'}
    last = {"role": "user", "content": "Answer my request now, from what has been found."}
    assert (await reply(http, asked("What is 17 * 23?", taken, told, last))).endswith("The tools said: calculate: 391")


async def test_the_sdks_strict_schema_is_satisfied(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.chat.completions.parse(
        model="gpt-4o",
        messages=[{"role": "system", "content": TOOLS}, {"role": "user", "content": "What is 17 * 23?"}],
        response_format=TextReasoningStep,
    )
    parsed = answer.choices[0].message.parsed
    assert parsed is not None
    assert parsed.tools_to_use[0].name == "calculate"


@pytest.mark.parametrize(
    ("question", "mode"),
    [
        ("Hello!", "passthrough"),
        ("Who wrote Faust?", "passthrough"),
        ("What is 17 * 23?", "reasoning"),
        ("Compare Python with Go", "reasoning"),
        ("Think step by step: where is my key?", "reasoning"),
    ],
)
async def test_the_classifier_sends_what_needs_work_to_reasoning(
    http: httpx.AsyncClient, question: str, mode: str
) -> None:
    messages = [{"role": "system", "content": "Choose."}, {"role": "user", "content": question}]
    text = await reply(http, messages, response_format=structured(Routing))
    assert Routing.model_validate_json(text, strict=True).routing_mode == mode


PLANS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "what is the exact product of 123,456 and 789?": [("calculate", {"expression": "123456 * 789"})],
    "17 times 23 plus 4": [("calculate", {"expression": "17 * 23 + 4"})],
    "What is 15% of 80?": [("calculate", {"expression": "15 / 100 * 80"})],
    "Convert 5 miles to km": [("convert_units", {"value": 5.0, "from_unit": "miles", "to_unit": "km"})],
    "How many km are 26.2 miles?": [("convert_units", {"value": 26.2, "from_unit": "miles", "to_unit": "km"})],
    "Which weekday was July 20, 1969?": [("date_info", {"date": "1969-07-20"})],
    "days until 25 December 2030": [("date_difference", {"start": "today", "end": "2030-12-25"})],
    "What time is it in New York right now?": [("current_time", {"timezone": "America/New_York"})],
    "How do virtual keys work?": [("search_docs", {"query": "how do virtual keys work?"})],
    "call 555-1234": [],
    "the meeting of 2026-11-21": [],
    "a poem in 5 lines in French": [],
}


@pytest.mark.parametrize("question", PLANS)
def test_a_question_is_planned_with_the_demo_tools(question: str) -> None:
    assert [(use.tool, use.arguments) for use in plan(question)] == PLANS[question]


WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOLD = [
    {"name": "calculate", "description": "exact arithmetic", "arguments": {"type": "object", "properties": {}}},
    {"name": "get_weather", "description": "", "arguments": WEATHER},
]


async def _planned(http: httpx.AsyncClient, question: str, *, may_finish: bool = True) -> dict[str, Any]:
    """The step of a prompt that tells its tools as the reasoning agent does."""
    tools = [Tool(tool["name"], "", tool["arguments"], "demo", _call) for tool in TOLD]  # type: ignore[arg-type]
    [form, *_] = step_forms(MODEL, tools, may_finish=may_finish)
    told = "\n".join(json.dumps(tool) for tool in TOLD)
    messages = [{"role": "system", "content": f"{STEP}\n{told}"}, {"role": "user", "content": question}]
    text = await reply(http, messages, **form.fields)
    step: dict[str, Any] = json.loads(text)["next"]
    return step


STEP = load_prompts().step.substitute(date="2026-01-01", form="", tools="")


async def _call(_arguments: Any) -> str:
    return ""


async def test_a_tool_of_the_application_is_called_when_the_question_is_about_it(http: httpx.AsyncClient) -> None:
    planned = await _planned(http, 'What is the weather in "Oslo"?')
    assert [(use["name"], use["arguments"]) for use in planned["tools_to_use"]] == [("get_weather", {"city": "Oslo"})]


async def test_a_step_that_may_not_finish_calls_a_tool_of_the_application(http: httpx.AsyncClient) -> None:
    planned = await _planned(http, "Hello.", may_finish=False)
    assert [use["name"] for use in planned["tools_to_use"]] == ["get_weather"]
    assert (await _planned(http, "Hello."))["next_action"] == "finished"
