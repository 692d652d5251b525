"""A chat completion's request: what OpenAI would refuse is refused, the rest becomes a prompt."""

from typing import Any

from demo.provider import checks
from demo.provider.endpoint import Call
from demo.provider.errors import ProviderError
from demo.provider.prompt import Prompt, ToolSpec, Turn
from demo.provider.usage import image_tokens

ROLES = ("system", "assistant", "user", "function", "tool", "developer")
PARTS = ("text", "image_url", "input_audio", "refusal", "audio", "file")
RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "n": (1, 128),
    "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
    "top_logprobs": (0, 20),
    "max_tokens": (1, 1_000_000),
    "max_completion_tokens": (1, 1_000_000),
}


def read(call: Call) -> Prompt:
    body = call.required_body()
    model = checks.model_of(body)
    turns = _turns(body)
    for name, (low, high) in RANGES.items():
        checks.in_range(body, name, low, high)
    _check_options(body)
    prompt = Prompt(model, turns, body, stream=bool(body.get("stream")), n=body.get("n") or 1)
    prompt.tools = _tools(body)
    prompt.tool_choice = _tool_choice(body, prompt.tools)
    prompt.parallel_tool_calls = body.get("parallel_tool_calls") is not False
    prompt.max_tokens = body.get("max_completion_tokens") or body.get("max_tokens")
    prompt.stop = stops(body.get("stop"))
    _read_format(body, prompt)
    return prompt


def stops(stop: Any) -> list[str]:
    return [stop] if isinstance(stop, str) else list(stop or [])


def _turns(body: dict[str, Any]) -> list[Turn]:
    messages = checks.of_type(checks.required(body, "messages"), list, "messages")
    if not messages:
        message = (
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."
        )
        raise ProviderError(message, param="messages", code="empty_array")
    return [_turn(message, f"messages[{place}]") for place, message in enumerate(messages)]


def _turn(message: Any, name: str) -> Turn:
    checks.of_type(message, dict, name)
    if "role" not in message:
        raise ProviderError(
            f"Missing required parameter: '{name}.role'.", param=f"{name}.role", code="missing_required_parameter"
        )
    role = checks.one_of(message["role"], ROLES, f"{name}.role")
    calls = message.get("tool_calls") or []
    content = message.get("content")
    if content is None and role not in {"assistant", "function"}:
        text = "Invalid value for 'content': expected a string, got null."
        raise ProviderError(text, param=f"{name}.content")
    if role == "tool" and not message.get("tool_call_id"):
        missing = f"{name}.tool_call_id"
        raise ProviderError(
            f"Missing required parameter: '{missing}'.", param=missing, code="missing_required_parameter"
        )
    text, images = _content(content, f"{name}.content")
    spoken = "".join(str(call.get("function", {}).get("arguments", "")) for call in calls)
    names = tuple(str(call.get("function", {}).get("name", "")) for call in calls)
    return Turn("tool" if role == "function" else role, text or spoken, images, names)


def _content(content: Any, name: str) -> tuple[str, int]:
    if content is None or isinstance(content, str):
        return content or "", 0
    texts, images = [], 0
    for place, part in enumerate(checks.of_type(content, list, name)):
        checks.of_type(part, dict, f"{name}[{place}]")
        kind = checks.one_of(part.get("type"), PARTS, f"{name}[{place}].type")
        texts.append(str(part.get("text") or part.get("refusal") or ""))
        if kind == "image_url":
            images += image_tokens((part.get("image_url") or {}).get("detail"))
    return "\n".join(text for text in texts if text), images


def _check_options(body: dict[str, Any]) -> None:
    if body.get("stream_options") is not None and not body.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise ProviderError(message, param="stream_options")
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        message = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."
        raise ProviderError(message, param="top_logprobs")


def _tools(body: dict[str, Any]) -> list[ToolSpec]:
    tools = []
    for place, tool in enumerate(checks.of_type(body.get("tools") or [], list, "tools")):
        function = checks.of_type(tool, dict, f"tools[{place}]").get("function")
        if not isinstance(function, dict) or not function.get("name"):
            missing = f"tools[{place}].function.name" if function else f"tools[{place}].function"
            message = f"Missing required parameter: '{missing}'."
            raise ProviderError(message, param=missing, code="missing_required_parameter")
        tools.append(ToolSpec(function["name"], function.get("description") or "", function.get("parameters") or {}))
    return tools


def _tool_choice(body: dict[str, Any], tools: list[ToolSpec]) -> str:
    choice = body.get("tool_choice")
    if choice is None:
        return "auto"
    if not tools:
        message = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
        raise ProviderError(message, param="tool_choice")
    if isinstance(choice, str):
        return checks.one_of(choice, ("none", "auto", "required"), "tool_choice")
    name = str((checks.of_type(choice, dict, "tool_choice").get("function") or {}).get("name"))
    if name not in {tool.name for tool in tools}:
        message = f"Invalid value for 'tool_choice': no function named '{name}' was specified in the 'tools' parameter."
        raise ProviderError(message, param="tool_choice")
    return name


def _read_format(body: dict[str, Any], prompt: Prompt) -> None:
    wanted = body.get("response_format")
    if wanted is None:
        return
    kind = checks.of_type(wanted, dict, "response_format").get("type")
    checks.one_of(kind, ("json_object", "json_schema", "text"), "response_format.type")
    if kind == "json_schema":
        described = checks.of_type(wanted.get("json_schema"), dict, "response_format.json_schema")
        checks.required(described, "name")
        prompt.schema = described.get("schema") or {}
    if kind == "json_object":
        check_json_is_mentioned(prompt, "messages", "response_format")
        prompt.json_mode = True


def check_json_is_mentioned(prompt: Prompt, where: str, parameter: str) -> None:
    if not any("json" in turn.text.lower() for turn in prompt.turns):
        message = f"'{where}' must contain the word 'json' in some form, to use '{parameter}' of type 'json_object'."
        raise ProviderError(message, param=where)
