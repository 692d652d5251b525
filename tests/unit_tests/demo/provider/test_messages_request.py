"""What Anthropic refuses is refused, in Anthropic's words: fields by beta, roles, blocks, calls without results."""

from typing import Any

import httpx
import pytest

from tests.unit_tests.demo.provider.anthropic_wire import (
    ASKED,
    EPHEMERAL,
    HEADERS,
    READ,
    SYSTEM_BETA,
    THINKING,
    answered,
    assistant,
    post,
    refused,
    result,
    text,
    use,
    user,
)

TURN = {"role": "system", "content": "Be brief."}
MARKED = text("x", cache_control=EPHEMERAL)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"foo": 1}, "foo: Extra inputs are not permitted"),
        ({"context_management": {"edits": []}}, "context_management: Extra inputs are not permitted"),
        ({"mcp_servers": []}, "mcp_servers: Extra inputs are not permitted"),
        ({"output_config": {"effort": "huge"}}, "output_config.effort: Input should be 'low', 'medium'"),
        ({"output_config": {"foo": 1}}, "output_config.foo: Extra inputs are not permitted"),
        ({"metadata": {"user_id": 5}}, "metadata.user_id: Input should be a valid string"),
        ({"metadata": {"foo": "x"}}, "metadata.foo: Extra inputs are not permitted"),
        ({"stop_sequences": [" "]}, "stop_sequences: each stop sequence must contain non-whitespace"),
        ({"max_tokens": 200_000}, "max_tokens: 200000 > 128000, which is the maximum allowed number of output tokens"),
        (
            {"tools": [{"name": True, "input_schema": {"type": "object"}}]},
            "tools.0.custom.name: Input should be a valid",
        ),
        ({"tools": [READ], "tool_choice": {"type": []}}, "tool_choice: Input tag '[]' found"),
        ({"temperature": 1.5}, "temperature: range: 0..1"),
        ({"stream": "yes"}, "stream: Input should be a valid boolean"),
        (
            {"thinking": THINKING | {"budget_tokens": 1000}},
            "budget_tokens: Input should be greater than or equal to 1024",
        ),
        ({"thinking": THINKING, "max_tokens": 1024}, "`max_tokens` must be greater than `thinking.budget_tokens`"),
        ({"thinking": THINKING, "temperature": 0.5}, "`temperature` may only be set to 1 when thinking is enabled"),
        ({"thinking": {"type": "some"}}, "thinking: Input tag 'some' found using 'type' does not match"),
        ({"tool_choice": {"type": "some"}}, "tool_choice: Input tag 'some' found using 'type'"),
        ({"tool_choice": {"type": "any"}}, "tool_choice may only be specified while providing tools"),
        ({"tools": [READ, READ]}, "tools: Tool names must be unique"),
        ({"tools": [READ | {"name": "a b"}]}, "tools.0.custom.name: String should match pattern"),
        ({"tools": [READ], "tool_choice": {"type": "any"}, "thinking": THINKING}, "tool_choice forces tool use"),
        ({"system": [MARKED] * 5}, "A maximum of 4 blocks with cache_control may be provided. Found 5."),
        ({"system": [{"type": "image", "source": {}}]}, "system.0.type: Input should be 'text'"),
    ],
)
async def test_a_wrong_field_is_refused(http: httpx.AsyncClient, changes: dict[str, Any], words: str) -> None:
    assert words in await refused(http, **changes)


@pytest.mark.parametrize(
    ("beta", "changes"),
    [
        ("context-management-2025-06-27", {"context_management": {"edits": []}}),
        ("mcp-client-2025-11-20", {"mcp_servers": []}),
        ("task-budgets-2026-03-13", {"output_config": {"task_budget": {"type": "tokens", "total": 9}}}),
        ("an-unknown-beta", {"output_config": {"effort": "low"}, "metadata": {"user_id": "u"}}),
        ("interleaved-thinking-2025-05-14", {"thinking": THINKING, "max_tokens": 500, "tools": [READ]}),
    ],
)
async def test_a_beta_opens_its_fields(http: httpx.AsyncClient, beta: str, changes: dict[str, Any]) -> None:
    assert (await answered(http, beta, **changes))["type"] == "message"


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([assistant("Hi")], 'messages: first message must use the "user" role'),
        ([{"role": "tool", "content": "x"}], 'messages: Unexpected role "tool"'),
        ([user({"type": "tale"})], "messages.0.content.0: Input tag 'tale' found using 'type' does not match"),
        ([user({"type": []})], "messages.0.content.0: Input tag '[]' found"),
        ([user({"type": "text"})], "messages.0.content.0.text.text: Field required"),
        ([user(text("x", mood="good"))], "messages.0.content.0.text.mood: Extra inputs are not permitted"),
        ([user("")], "messages.0: all messages must have non-empty content"),
        ([user(use())], "messages.0.content.0: `tool_use` blocks can only be in `assistant` messages"),
        (
            [user("Hi"), assistant(use()), user("And?")],
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1.",
        ),
        ([user("Hi"), assistant(use()), user("And?", result())], "messages.1: `tool_use` ids were found without"),
        ([user("Hi"), assistant(use())], "messages.1: `tool_use` ids were found without"),
        ([user(result())], "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1."),
        ([user("Hi"), assistant(use()), user(result(), result())], "each tool_use must have a single result"),
        ([user("Hi"), assistant(use(), use()), user(result())], "messages.1.content: `tool_use` ids must be unique"),
        ([user("Hi"), assistant("Ho ")], "final assistant content cannot end with trailing whitespace"),
    ],
)
async def test_messages_that_cannot_be_are_refused(http: httpx.AsyncClient, messages: list[Any], words: str) -> None:
    assert words in await refused(http, messages=messages)


async def test_messages_of_one_role_in_a_row_are_merged(http: httpx.AsyncClient) -> None:
    uses = [use("toolu_1"), use("toolu_2")]
    messages = [user("Hi"), *(assistant(block) for block in uses), user(result("toolu_1")), user(result("toolu_2"))]
    assert (await answered(http, messages=messages))["stop_reason"] == "end_turn"


async def test_a_system_turn_needs_its_beta(http: httpx.AsyncClient) -> None:
    messages = [user("Hello"), TURN]
    assert 'Unexpected role "system"' in await refused(http, messages=messages)
    spoken = (await answered(http, SYSTEM_BETA, messages=messages))["content"][0]["text"]
    assert "Hello" in spoken


async def test_a_system_turn_follows_a_user_turn(http: httpx.AsyncClient) -> None:
    message = await refused(http, SYSTEM_BETA, messages=[TURN, user("Hello")])
    assert "must follow a message with role 'user'" in message


async def test_newer_models_take_system_turns_without_a_beta_and_no_prefill(http: httpx.AsyncClient) -> None:
    await answered(http, model="claude-opus-4-8", messages=[user("Hello"), TURN])
    message = await refused(http, model="claude-opus-4-8", messages=[user("Hello"), assistant("Ho")])
    assert message.startswith("This model does not support assistant message prefill.")


async def test_a_prompt_that_is_too_long_is_refused_with_both_numbers(http: httpx.AsyncClient) -> None:
    messages = [user("word " * 200_000)]
    assert await refused(http, messages=messages) == "prompt is too long: 250006 tokens > 200000 maximum"
    await answered(http, "context-1m-2025-08-07", messages=messages)


@pytest.mark.parametrize("header", [{"x-api-key": "k"}, {"authorization": "Bearer k"}])
async def test_a_key_comes_in_either_header(http: httpx.AsyncClient, header: dict[str, str]) -> None:
    headers = {"anthropic-version": "2023-06-01"}
    without = await http.post("/v1/messages", json=ASKED, headers=headers)
    assert (without.status_code, without.json()["error"]["type"]) == (401, "authentication_error")
    assert (await http.post("/v1/messages", json=ASKED, headers=headers | header)).status_code == 200


async def test_an_unknown_model_is_not_found_by_its_name(http: httpx.AsyncClient) -> None:
    answer = await post(http, model="gpt-4o")
    assert (answer.status_code, answer.json()["error"]) == (
        404,
        {"type": "not_found_error", "message": "model: gpt-4o"},
    )


async def test_a_body_above_anthropics_size_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/messages", content=b" " * 32_000_001, headers=HEADERS)
    assert (answer.status_code, answer.json()["error"]["type"]) == (413, "request_too_large")


async def test_an_error_bears_the_id_of_its_request(http: httpx.AsyncClient) -> None:
    answer = await post(http, max_tokens=None)
    assert answer.json()["request_id"] == answer.headers["request-id"]
    assert answer.headers["request-id"].startswith("req_")


async def test_counting_takes_what_an_input_has_and_no_more(http: httpx.AsyncClient) -> None:
    asked = {"system": "Be brief.", "tools": [READ], "messages": [user(text("Hello", cache_control=EPHEMERAL))]}
    usage = (await answered(http, **asked))["usage"]
    counted = (await post(http, path="/count_tokens", max_tokens=None, **asked)).json()
    cached = usage["cache_creation_input_tokens"] + usage["cache_read_input_tokens"]
    assert counted == {"input_tokens": usage["input_tokens"] + cached}
    assert "max_tokens: Extra inputs are not permitted" in await refused(http, path="/count_tokens")
