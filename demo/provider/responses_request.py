"""A request to OpenAI's responses API: what OpenAI would refuse is refused, the rest becomes a prompt."""

from typing import Any

from demo.provider import checks
from demo.provider.chat_request import check_json_is_mentioned
from demo.provider.endpoint import Call
from demo.provider.errors import ProviderError
from demo.provider.kept import Kept
from demo.provider.prompt import Prompt, ToolSpec, Turn
from demo.provider.usage import image_tokens

ROLES = ("assistant", "system", "developer", "user")
RESULTS = ("function_call_output", "custom_tool_call_output", "local_shell_call_output", "computer_call_output")
LEAST_OUTPUT_TOKENS = 16


def read(call: Call, kept: Kept) -> Prompt:
    body = call.required_body()
    model = checks.model_of(body)
    _check_options(body)
    items = _items(body, kept)
    prompt = Prompt(model, _turns(body, items), body, stream=bool(body.get("stream")), items=items)
    prompt.tools = _tools(body)
    prompt.tool_choice = _tool_choice(body, prompt.tools)
    prompt.parallel_tool_calls = body.get("parallel_tool_calls") is not False
    prompt.max_tokens = body.get("max_output_tokens")
    _read_format(body, prompt)
    return prompt


def _check_options(body: dict[str, Any]) -> None:
    checks.in_range(body, "temperature", 0.0, 2.0)
    checks.in_range(body, "top_p", 0.0, 1.0)
    checks.in_range(body, "top_logprobs", 0, 20)
    checks.in_range(body, "max_output_tokens", LEAST_OUTPUT_TOKENS, 1_000_000)


def _items(body: dict[str, Any], kept: Kept) -> list[dict[str, Any]]:
    """The conversation so far, with what this request adds to it."""
    previous = body.get("previous_response_id")
    earlier = [] if previous is None else kept.conversation(previous)
    given = checks.required(body, "input")
    if isinstance(given, str):
        own = [{"role": "user", "content": given}]
    else:
        items = checks.of_type(given, list, "input")
        own = [checks.of_type(item, dict, f"input[{place}]") for place, item in enumerate(items)]
        for place, item in enumerate(own):
            _turn(item, f"input[{place}]")
    if earlier:
        _check_calls_are_answered([*earlier, *own])
    return [*earlier, *own]


def _check_calls_are_answered(items: list[dict[str, Any]]) -> None:
    """A conversation goes on only when each of its calls has its output, and each output its call."""
    calls = [item.get("call_id") for item in items if item.get("type") == "function_call"]
    outputs = [item.get("call_id") for item in items if item.get("type") == "function_call_output"]
    if unanswered := [call for call in calls if call not in outputs]:
        raise ProviderError(f"No tool output found for function call {unanswered[0]}.", param="input")
    if uncalled := [output for output in outputs if output not in calls]:
        message = f"No tool call found for function call output with call_id {uncalled[0]}."
        raise ProviderError(message, param="input")


def _turns(body: dict[str, Any], items: list[dict[str, Any]]) -> list[Turn]:
    opening = [Turn("system", body["instructions"])] if isinstance(body.get("instructions"), str) else []
    return opening + [_turn(item, "input") for item in items]


def _turn(item: Any, name: str) -> Turn:
    checks.of_type(item, dict, name)
    kind = item.get("type", "message")
    if kind in RESULTS:
        return Turn("tool", *_content(item.get("output"), f"{name}.output"))
    if kind == "function_call":
        return Turn("assistant", str(item.get("arguments", "")), calls=(str(item.get("name")),))
    if kind != "message":
        return Turn("assistant", "")
    role = checks.one_of(item.get("role"), ROLES, f"{name}.role")
    return Turn(role, *_content(item.get("content"), f"{name}.content"))


def _content(content: Any, name: str) -> tuple[str, int]:
    if isinstance(content, str):
        return content, 0
    parts = [checks.of_type(part, dict, f"{name}[]") for part in checks.of_type(content, list, name)]
    texts = [str(part.get("text") or part.get("refusal") or "") for part in parts]
    images = sum(image_tokens(part.get("detail")) for part in parts if part.get("type") == "input_image")
    return "\n".join(text for text in texts if text), images


def _tools(body: dict[str, Any]) -> list[ToolSpec]:
    """The function tools; OpenAI's own (web search and the like) are accepted, and never used."""
    tools = []
    for place, tool in enumerate(checks.of_type(body.get("tools") or [], list, "tools")):
        if checks.of_type(tool, dict, f"tools[{place}]").get("type") != "function":
            continue
        if not tool.get("name"):
            missing = f"tools[{place}].name"
            raise ProviderError(
                f"Missing required parameter: '{missing}'.", param=missing, code="missing_required_parameter"
            )
        tools.append(ToolSpec(tool["name"], tool.get("description") or "", tool.get("parameters") or {}))
    return tools


def _tool_choice(body: dict[str, Any], tools: list[ToolSpec]) -> str:
    choice = body.get("tool_choice")
    if choice is None:
        return "auto"
    if isinstance(choice, str):
        return checks.one_of(choice, ("none", "auto", "required"), "tool_choice")
    name = str(checks.of_type(choice, dict, "tool_choice").get("name"))
    if choice.get("type") == "function" and name not in {tool.name for tool in tools}:
        raise ProviderError(f"Tool choice 'function' not found in 'tools' parameter: '{name}'.", param="tool_choice")
    return name if choice.get("type") == "function" else "auto"


def _read_format(body: dict[str, Any], prompt: Prompt) -> None:
    wanted = (body.get("text") or {}).get("format") or {}
    kind = wanted.get("type", "text")
    checks.one_of(kind, ("json_object", "json_schema", "text"), "text.format.type")
    if kind == "json_schema":
        checks.required(wanted, "name")
        prompt.schema = wanted.get("schema") or {}
    if kind == "json_object":
        check_json_is_mentioned(prompt, "input", "text.format")
        prompt.json_mode = True
