"""A Messages request as a chat completion request."""

import json
from typing import Any

import pytest
from hypothesis import given

from api.dialects.anthropic import SIGNATURES_LONGEST, AskedModel, as_chat, signed
from tests.integration_tests.contract.messages import REQUEST

ASKED: dict[str, Any] = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}
CACHED = {"cache_control": {"type": "ephemeral"}}
CLAUDE = AskedModel(is_anthropics=True, thinks=True, max_output_tokens=64_000)
THINKER = AskedModel(thinks=True, max_output_tokens=10_000)
PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"path": "é.txt"}}
CALLED = {"id": "toolu_1", "type": "function", "function": {"name": "read", "arguments": '{"path": "é.txt"}'}}
TOOL = {"name": "read", "description": "Reads.", "input_schema": {"type": "object"}}


def chat(model: AskedModel = CLAUDE, **fields: Any) -> dict[str, Any]:
    told = as_chat({**ASKED, **fields}, model)
    assert isinstance(told, dict), told
    return told


def turns(*told: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    return list(chat(messages=list(told), **fields)["messages"])


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def text(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **more}


def result(said: Any, **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "toolu_1", "content": said, **more}


def thought(signature: str, shown: str = "shown") -> dict[str, Any]:
    return {"type": "thinking", "thinking": shown, "signature": signature}


def kept(found: str) -> str:
    return signed([found], SIGNATURES_LONGEST)


def test_a_text_stays_a_text() -> None:
    assert chat() == {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 100}


@pytest.mark.parametrize("system", ["Be brief.", [text("Be brief.")]])
def test_instructions_come_first(system: Any) -> None:
    assert turns(user(text("Hi")), system=system) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]


def test_what_may_be_cached_is_said_where_it_was_said() -> None:
    told = turns(user(text("a", **CACHED), text("b")), system=[text("s", **CACHED)])
    assert told == [
        {"role": "system", "content": [text("s", **CACHED)]},
        {"role": "user", "content": [text("a", **CACHED), text("b")]},
    ]


def test_an_account_of_the_clients_is_no_instruction() -> None:
    account = text("x-anthropic-billing-header: cc_version=2.1; cch=00000;")
    assert turns(user(text("Hi")), system=[account, text("Be brief.")])[0]["content"] == "Be brief."
    assert turns(user(text("Hi")), system=[account])[0]["role"] == "user"


def test_a_system_turn_stays_where_it_stands() -> None:
    told = turns(user(text("Hi")), {"role": "system", "content": [text("Now briefly.")]})
    assert told[-1] == {"role": "system", "content": "Now briefly."}


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (PNG, PICTURE),
        ({**PNG, **CACHED}, {**PICTURE, **CACHED}),
        (
            {"type": "image", "source": {"type": "url", "url": "https://a.example/a.png"}},
            {"type": "image_url", "image_url": {"url": "https://a.example/a.png"}},
        ),
        (
            {"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "a"}},
            text("T\n\na"),
        ),
        (
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}},
            {
                "type": "file",
                "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,AAAA"},
            },
        ),
    ],
)
def test_what_is_shown_stays_shown(block: dict[str, Any], part: dict[str, Any]) -> None:
    assert turns(user(block, text("What is it?"))) == [{"role": "user", "content": [part, text("What is it?")]}]


def test_calls_and_results_become_turns_of_their_own() -> None:
    told = turns(
        user(text("Hi")), assistant(text("I look."), CALL), user(result([text("a"), text("b")]), text("Go on"))
    )
    assert told[1:] == [
        {"role": "assistant", "content": "I look.", "tool_calls": [CALLED]},
        {"role": "tool", "tool_call_id": "toolu_1", "content": "a\n\nb"},
        {"role": "user", "content": "Go on"},
    ]


def test_a_call_without_a_word_has_no_content() -> None:
    assert turns(user(text("Hi")), assistant(CALL), user(result("a")))[1]["content"] is None


def test_a_result_that_is_an_error_says_so() -> None:
    assert turns(user(text("Hi")), assistant(CALL), user(result("no", is_error=True)))[-1]["content"] == "Error: no"


def test_a_results_picture_is_shown_behind_it() -> None:
    told = turns(user(text("Hi")), assistant(CALL), user(result([text("a"), PNG])))
    assert told[-2:] == [
        {"role": "tool", "tool_call_id": "toolu_1", "content": "a"},
        {"role": "user", "content": [text("Seen in the result of toolu_1:"), PICTURE]},
    ]


def test_thoughts_are_not_told() -> None:
    thinks = [thought("EqQB"), {"type": "redacted_thinking", "data": "x"}, thought(kept("ours"))]
    told = turns(user(text("Hi")), assistant(*thinks, text("Hello")), user(text("And?")))
    assert told[1] == {"role": "assistant", "content": "Hello"}


def test_a_turn_of_thoughts_alone_is_none() -> None:
    told = turns(user(text("Hi")), assistant(thought(kept("ours"))), user(text("And?")))
    assert [turn["role"] for turn in told] == ["user", "user"]


def test_what_was_found_in_a_turn_that_goes_on_is_told_as_what_was_said() -> None:
    asked = user(text("Hi"))
    steps = [assistant(thought(kept("First.")), thought(kept("Found 42.")), CALL), user(result("a"))]
    more = [assistant(thought("raa1.", "Shown."), CALL), user(result("b"))]
    told = turns(asked, *steps, *more)
    assert [turn["content"] for turn in told if turn["role"] == "assistant"] == ["First.\n\nFound 42.", "Shown."]


def test_what_was_found_in_earlier_turns_is_not_told_again() -> None:
    steps = [assistant(thought(kept("Found 42.")), CALL), user(result("a"))]
    told = turns(user(text("Hi")), *steps, assistant(text("It is.")), user(text("Why?")))
    assert "Found 42." not in json.dumps(told)


@pytest.mark.parametrize(
    "signature", ["raa1.x", "raa1.AAAA", kept("Found 42.")[:-4], "raa1." + "A" * 40_000, "raa1.é", "EqQB"]
)
def test_a_signature_that_is_damaged_or_anothers_says_nothing(signature: str) -> None:
    told = turns(user(text("Hi")), assistant(thought(signature), CALL), user(result("a")))
    assert told[1]["content"] is None


def test_our_own_tools_calls_are_taken_out() -> None:
    ours = [
        {"type": "mcp_tool_use", "id": "mcptoolu_raa1_1", "name": "n", "server_name": "s", "input": {}},
        {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_raa1_1", "content": "a", "is_error": False},
    ]
    told = turns(user(text("Hi")), assistant(*ours, text("Hello")), user(text("And?")))
    assert told[1] == {"role": "assistant", "content": "Hello"}


def test_fields_of_both_apis_have_their_names() -> None:
    told = chat(
        THINKER,
        stream=True,
        temperature=0.5,
        top_p=0.9,
        top_k=5,
        stop_sequences=["."],
        metadata={"user_id": "u" * 100},
        context_management={"edits": []},
    )
    assert told == {
        "model": "m",
        "messages": ASKED["messages"],
        "max_completion_tokens": 100,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["."],
        "user": "u" * 64,
        "stream": True,
    }


@pytest.mark.parametrize(
    ("model", "length"),
    [
        (CLAUDE, {"max_tokens": 128_000}),
        (THINKER, {"max_completion_tokens": 10_000}),
        (AskedModel(), {"max_tokens": 128_000}),
    ],
)
def test_another_providers_model_is_asked_for_no_more_than_it_can_write(
    model: AskedModel, length: dict[str, int]
) -> None:
    told = chat(model, max_tokens=128_000)
    assert {name: value for name, value in told.items() if name.startswith("max_")} == length


def test_anthropics_own_fields_go_to_its_models() -> None:
    own = {"top_k": 5, "thinking": {"type": "adaptive"}, "speed": "fast", "service_tier": "auto"}
    assert own.items() <= chat(CLAUDE, **own).items()
    assert chat(AskedModel(), **own) == chat(AskedModel())


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({"output_config": {"effort": "medium"}}, "medium"),
        ({"output_config": {"effort": "max"}, "thinking": {"type": "adaptive"}}, "high"),
        ({"thinking": {"type": "enabled", "budget_tokens": 31_999}}, "high"),
        ({"thinking": {"type": "enabled", "budget_tokens": 5_000}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1_024}}, "low"),
        ({"thinking": {"type": "adaptive"}}, None),
    ],
)
def test_thinking_is_told_to_other_models_as_their_effort(fields: dict[str, Any], effort: str | None) -> None:
    assert chat(THINKER, **fields).get("reasoning_effort") == effort
    assert "reasoning_effort" not in chat(AskedModel(), **fields)


def test_tools_become_functions() -> None:
    told = chat(tools=[{**TOOL, "type": "custom", "strict": True, **CACHED, "eager_input_streaming": True}])
    function = {"name": "read", "description": "Reads.", "parameters": {"type": "object"}, "strict": True}
    assert told["tools"] == [{"type": "function", "function": function, **CACHED}]


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ({"type": "auto"}, {"tool_choice": "auto"}),
        ({"type": "any"}, {"tool_choice": "required"}),
        ({"type": "none"}, {"tool_choice": "none"}),
        (
            {"type": "tool", "name": "read", "disable_parallel_tool_use": True},
            {"tool_choice": {"type": "function", "function": {"name": "read"}}, "parallel_tool_calls": False},
        ),
    ],
)
def test_the_choice_of_tools_is_kept(choice: dict[str, Any], told: dict[str, Any]) -> None:
    assert chat(tools=[TOOL], tool_choice=choice) == chat(tools=[TOOL]) | told
    assert chat(tool_choice=choice) == chat()


@pytest.mark.parametrize("where", ["output_config", "output_format"])
def test_a_schema_for_the_answer_is_kept(where: str) -> None:
    form = {"type": "json_schema", "schema": {"type": "object"}}
    fields: dict[str, Any] = {where: {"format": form} if where == "output_config" else form}
    told = chat(**fields)
    asked = {"name": "answer", "schema": {"type": "object"}, "strict": True}
    assert told["response_format"] == {"type": "json_schema", "json_schema": asked}


HELLO = user(text("Hi"))
UNTELLABLE: dict[str, tuple[dict[str, Any], str]] = {
    "a server tool": ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "type 'web_search_20250305'"),
    "a tool with examples": ({"tools": [{**TOOL, "input_examples": [{}]}]}, "'input_examples'"),
    "mcp_servers": ({"mcp_servers": [{"type": "url"}]}, "`mcp_servers`"),
    "a container": ({"container": {"skills": []}}, "`container`"),
    "no answer": ({"max_tokens": 0}, "`max_tokens` of 0"),
    "a form of another kind": ({"output_format": {"type": "grammar"}}, "another form"),
    "a choice of another kind": ({"tools": [TOOL], "tool_choice": {"type": "some"}}, "type 'some'"),
    "a block of tomorrow's": ({"messages": [user({"type": "tomorrows", "x": 1})]}, "type 'tomorrows'"),
    "a block that would break a header": ({"messages": [user({"type": "a\r\nb: é"})]}, "'a\\r\\nb: \\xe9'"),
    "a server's call": (
        {"messages": [HELLO, assistant({"type": "server_tool_use", "id": "s", "name": "n", "input": {}}), HELLO]},
        "'server_tool_use'",
    ),
    "another server's call": (
        {"messages": [HELLO, assistant({"type": "mcp_tool_use", "id": "mcptoolu_1", "input": {}}), HELLO]},
        "'mcp_tool_use'",
    ),
    "a document to cite": (
        {"messages": [user({"type": "document", "citations": {"enabled": True}, "source": {"type": "text"}})]},
        "cited",
    ),
    "a file that Anthropic keeps": (
        {"messages": [user({"type": "image", "source": {"type": "file", "file_id": "f"}})]},
        "source of type 'file'",
    ),
    "an answer begun": ({"messages": [HELLO, assistant(text("{"))]}, "the beginning of its answer"),
    "a role of tomorrow's": ({"messages": [{"role": "critic", "content": "No."}]}, "role 'critic'"),
}


@pytest.mark.parametrize("what", UNTELLABLE)
def test_what_cannot_be_told_is_named_for_a_header(what: str) -> None:
    fields, named = UNTELLABLE[what]
    told = as_chat({**ASKED, **fields}, CLAUDE)
    assert isinstance(told, str)
    assert named in told
    assert told.isascii()
    assert told.isprintable()


@given(request=REQUEST)
def test_any_request_is_told_or_named(request: dict[str, Any]) -> None:
    told = as_chat(request, CLAUDE)
    assert isinstance(told, str) or json.dumps(told["messages"])
