"""A request to Anthropic's messages API: what Anthropic would refuse is refused, the rest becomes a prompt."""

import json
from typing import Any

from demo.provider.endpoint import Call
from demo.provider.errors import ProviderError
from demo.provider.prompt import Prompt, ToolSpec, Turn
from demo.provider.usage import FULL_IMAGE

ROLES = ("user", "assistant")


def read(call: Call) -> Prompt:
    prompt = read_countable(call)
    body = prompt.body
    limit = _field(body, "max_tokens", int)
    if limit < 1:
        raise ProviderError("max_tokens: Input should be greater than or equal to 1")
    temperature = body.get("temperature")
    if isinstance(temperature, int | float) and not 0 <= temperature <= 1:
        raise ProviderError("temperature: range: 0..1")
    prompt.max_tokens, prompt.stream = limit, bool(body.get("stream"))
    prompt.stop = list(body.get("stop_sequences") or [])
    return prompt


def read_countable(call: Call) -> Prompt:
    """What counting tokens takes: the request without the fields that only generating needs."""
    if not call.headers.get("anthropic-version"):
        raise ProviderError("anthropic-version: header is required")
    body = call.required_body()
    prompt = Prompt(_field(body, "model", str), _turns(body), body)
    prompt.tools = _tools(body)
    _read_tool_choice(body, prompt)
    prompt.schema = _schema(body)
    return prompt


def _field(body: dict[str, Any], name: str, expected: type) -> Any:
    if body.get(name) is None:
        raise ProviderError(f"{name}: Field required")
    if not isinstance(body[name], expected) or isinstance(body[name], bool):
        kind = {str: "string", int: "integer", list: "list"}[expected]
        raise ProviderError(f"{name}: Input should be a valid {kind}")
    return body[name]


def _turns(body: dict[str, Any]) -> list[Turn]:
    messages = _field(body, "messages", list)
    if not messages:
        raise ProviderError("messages: at least one message is required")
    system = body.get("system")
    opening = [Turn("system", _blocks(system, "system")[0])] if system else []
    return opening + [turn for place, message in enumerate(messages) for turn in _message(message, place)]


def _message(message: Any, place: int) -> list[Turn]:
    """A user message may carry tools' results and words of the user: they become turns of their own."""
    name = f"messages.{place}"
    if not isinstance(message, dict) or "role" not in message:
        raise ProviderError(f"{name}.role: Field required")
    role = message["role"]
    if role == "system":
        hint = 'The Messages API accepts a top-level `system` parameter, not "system" as an input message role.'
        raise ProviderError(f'messages: Unexpected role "system". {hint}')
    if role not in ROLES:
        raise ProviderError(f"messages: Unexpected role \"{role}\". Allowed roles are 'user' or 'assistant'")
    if message.get("content") is None:
        raise ProviderError(f"{name}.content: Field required")
    blocks = message["content"] if isinstance(message["content"], list) else []
    results = [block for block in blocks if isinstance(block, dict) and block.get("type") == "tool_result"]
    turns = [Turn("tool", *_blocks(block.get("content") or "", f"{name}.content")) for block in results]
    rest = [block for block in blocks if block not in results] if blocks else message["content"]
    text, images = _blocks(rest, f"{name}.content")
    calls = tuple(str(block.get("name")) for block in blocks if block.get("type") == "tool_use")
    return turns if turns and not rest else [*turns, Turn(role, text, images, calls)]


def _blocks(content: Any, name: str) -> tuple[str, int]:
    if isinstance(content, str):
        return content, 0
    if not isinstance(content, list):
        raise ProviderError(f"{name}: Input should be a valid string or list")
    texts, images = [], 0
    for place, block in enumerate(content):
        if not isinstance(block, dict) or "type" not in block:
            raise ProviderError(f"{name}.{place}.type: Field required")
        images += FULL_IMAGE if block["type"] == "image" else 0
        spoken = json.dumps(block.get("input", {})) if block["type"] == "tool_use" else block.get("text", "")
        texts.append(str(spoken))
    return "\n".join(text for text in texts if text), images


def _tools(body: dict[str, Any]) -> list[ToolSpec]:
    """The client's tools; Anthropic's own (with a type and no schema) are accepted, and never used."""
    tools = []
    for place, tool in enumerate(body.get("tools") or []):
        if not isinstance(tool, dict) or not tool.get("name"):
            raise ProviderError(f"tools.{place}.name: Field required")
        if tool.get("type", "custom") != "custom":
            continue
        if not isinstance(tool.get("input_schema"), dict):
            raise ProviderError(f"tools.{place}.input_schema: Field required")
        tools.append(ToolSpec(tool["name"], tool.get("description") or "", tool["input_schema"]))
    return tools


def _read_tool_choice(body: dict[str, Any], prompt: Prompt) -> None:
    choice = body.get("tool_choice") or {"type": "auto"}
    prompt.parallel_tool_calls = not choice.get("disable_parallel_tool_use")
    kinds = {"auto": "auto", "any": "required", "none": "none", "tool": str(choice.get("name"))}
    if choice.get("type") not in kinds:
        raise ProviderError("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'")
    prompt.tool_choice = kinds[choice["type"]]
    if choice["type"] == "tool" and prompt.tool_choice not in {tool.name for tool in prompt.tools}:
        raise ProviderError(f"Tool '{prompt.tool_choice}' not found in provided tools")


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    """The schema of the answer, where Anthropic first took it and where it takes it now."""
    wanted = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    return wanted.get("schema") or None
