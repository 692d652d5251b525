"""A request to Anthropic's messages API: what Anthropic would refuse is refused, the rest becomes a prompt."""

import json
import re
from typing import Any

from demo.provider.endpoint import Call
from demo.provider.errors import ProviderError
from demo.provider.messages_blocks import Block, blocks_of, check_breakpoints, check_calls, check_roles
from demo.provider.messages_cache import PromptCache, input_tokens, parts_of
from demo.provider.messages_fields import check_fields, check_format, has_beta
from demo.provider.messages_thinking import check_thinking, is_thinking
from demo.provider.messages_tools import read_tool_choice, tools_of
from demo.provider.prompt import Prompt, Turn, asked_in, without_reminders
from demo.provider.usage import FULL_IMAGE

LARGEST_BODY = 32_000_000
CONTEXT_WINDOW, LONG_CONTEXT_WINDOW = 200_000, 1_000_000
SYSTEM_BETA = "mid-conversation-system-"
# The family's name may stand before its version or behind it: claude-opus-4-8, claude-3-5-haiku.
VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:-(\d{1,2})(?!\d))?")
Message = tuple[int, str, list[Block]]


def read(call: Call, cache: PromptCache) -> Prompt:
    prompt, key = _read(call, counting=False)
    body = prompt.body
    prompt.cache = cache.use(parts_of(body, key))
    prompt.max_tokens, prompt.stream = body["max_tokens"], bool(body.get("stream"))
    prompt.stop, prompt.thinks = list(body.get("stop_sequences") or []), is_thinking(body)
    return prompt


def read_countable(call: Call) -> Prompt:
    """What counting tokens takes: the request without the fields that only generating needs."""
    return _read(call, counting=True)[0]


def _read(call: Call, *, counting: bool) -> tuple[Prompt, str]:
    """The prompt, and the key that its cache belongs to."""
    key, betas = _key(call), _betas(call)
    body = _body(call)
    check_fields(body, betas, counting=counting)
    _check_model(body)
    check_thinking(body, betas)
    tools = tools_of(body)
    messages, opening = _messages(body, betas), _system(body)
    check_breakpoints(body)
    _check_thinking_goes_on(body, messages)
    turns = opening + [turn for _, role, blocks in messages for turn in _turns(role, blocks)]
    prompt = Prompt(body["model"], turns, body, tools=tools, schema=_schema(body))
    read_tool_choice(body, prompt)
    prompt.input_tokens = input_tokens(parts_of(body, key))
    _check_length(prompt, betas)
    return prompt, key


def _key(call: Call) -> str:
    """The caller's key. Without one Anthropic looks at nothing else, the version included."""
    bearer = call.headers.get("authorization", "")
    key = call.headers.get("x-api-key") or bearer.partition(" ")[2].strip()
    if not key:
        raise ProviderError("x-api-key header is required", status=401)
    if not call.headers.get("anthropic-version"):
        raise ProviderError("anthropic-version: header is required")
    return key


def _betas(call: Call) -> frozenset[str]:
    told = ",".join(call.headers.getlist("anthropic-beta"))
    return frozenset(name.strip() for name in told.split(",") if name.strip())


def _body(call: Call) -> dict[str, Any]:
    if len(call.raw) > LARGEST_BODY:
        raise ProviderError("Request exceeds the maximum size", status=413)
    if call.body is None:
        raise ProviderError("The request body is not valid JSON: expected a JSON object")
    return call.body


def _check_model(body: dict[str, Any]) -> None:
    if "claude" not in body["model"]:
        raise ProviderError(f"model: {body['model']}", status=404)


def _system(body: dict[str, Any]) -> list[Turn]:
    system = body.get("system")
    if not system:
        return []
    if not isinstance(system, str | list):
        raise ProviderError("system: Input should be a valid list")
    blocks = blocks_of(system, "system")
    for place, block in enumerate(blocks):
        if block["type"] != "text":
            raise ProviderError(f"system.{place}.type: Input should be 'text'")
    return [Turn("system", _text(blocks))]


def _messages(body: dict[str, Any], betas: frozenset[str]) -> list[Message]:
    """The messages, those of one role in a row merged as Anthropic does, each with its first one's place."""
    if not body["messages"]:
        raise ProviderError("messages: at least one message is required")
    merged: list[Message] = []
    for place, message in enumerate(body["messages"]):
        role, blocks = _message(message, place, last=place == len(body["messages"]) - 1)
        if role == "system":
            _check_system_turn(body, betas, place)
        if merged and merged[-1][1] == role != "system":
            merged[-1][2].extend(blocks)
        else:
            merged.append((place, role, list(blocks)))
    check_calls([message for message in merged if message[1] != "system"])
    _check_ends(body, merged)
    return merged


def _message(message: Any, place: int, *, last: bool) -> tuple[str, list[Block]]:
    name = f"messages.{place}"
    if not isinstance(message, dict) or message.get("role") is None:
        raise ProviderError(f"{name}.role: Field required")
    role = message["role"]
    if role not in ("user", "assistant", "system"):
        raise ProviderError(f'messages: Unexpected role "{role}". Allowed roles are "user" or "assistant"')
    if message.get("content") is None:
        raise ProviderError(f"{name}.content: Field required")
    allowed = {"role", "content"} | ({"clear_at", "output_config"} if role == "system" else set())
    for field in message:
        if field not in allowed:
            raise ProviderError(f"{name}.{field}: Extra inputs are not permitted")
    blocks = blocks_of(message["content"], f"{name}.content")
    check_roles(blocks, role, f"{name}.content")
    _check_is_said(blocks, role, name, last=last)
    return role, blocks


def _check_is_said(blocks: list[Block], role: str, name: str, *, last: bool) -> None:
    optional = last and role == "assistant"
    empty = [block["type"] == "text" and not block["text"] for block in blocks]
    if all(empty) and not optional:
        rule = "all messages must have non-empty content except for the optional final assistant message"
        raise ProviderError(f"{name}: {rule}")
    if any(empty) and not optional:
        raise ProviderError("messages: text content blocks must be non-empty")


def _check_system_turn(body: dict[str, Any], betas: frozenset[str], place: int) -> None:
    """Words of the system in mid-conversation: by beta, and on the models that know them without one."""
    if not has_beta(betas, SYSTEM_BETA) and not _is_at_least(body["model"], 4, 8):
        hint = 'The Messages API accepts a top-level `system` parameter, not "system" as an input message role.'
        raise ProviderError(f'messages: Unexpected role "system". {hint}')
    if place == 0 or body["messages"][place - 1].get("role") == "assistant":
        raise ProviderError(f"messages.{place}: a message with role 'system' must follow a message with role 'user'")


def _check_ends(body: dict[str, Any], messages: list[Message]) -> None:
    if messages[0][1] != "user":
        raise ProviderError('messages: first message must use the "user" role')
    _, role, blocks = messages[-1]
    if role != "assistant":
        return
    if _is_at_least(body["model"], 4, 6):
        rule = "The conversation must end with a user message."
        raise ProviderError(f"This model does not support assistant message prefill. {rule}")
    if blocks and blocks[-1]["type"] == "text" and blocks[-1]["text"] != blocks[-1]["text"].rstrip():
        raise ProviderError("messages: final assistant content cannot end with trailing whitespace")


def _check_thinking_goes_on(body: dict[str, Any], messages: list[Message]) -> None:
    """Between a call and the answer to its result the thoughts before the call may not be left out."""
    if (body.get("thinking") or {}).get("type") != "enabled" or messages[-1][1] != "user":
        return
    spoken = [message for message in messages if message[1] == "assistant"]
    if not spoken or not any(block["type"] == "tool_result" for block in messages[-1][2]):
        return
    place, _, blocks = spoken[-1]
    if blocks and blocks[0]["type"] not in {"thinking", "redacted_thinking"}:
        found = f"Expected `thinking` or `redacted_thinking`, but found `{blocks[0]['type']}`"
        rule = "When `thinking` is enabled, a final `assistant` message must start with a thinking block"
        raise ProviderError(f"messages.{place}.content.0.type: {found}. {rule}.")


def _check_length(prompt: Prompt, betas: frozenset[str]) -> None:
    long = has_beta(betas, "context-1m-") or _is_at_least(prompt.model, 4, 6)
    most = LONG_CONTEXT_WINDOW if long else CONTEXT_WINDOW
    if (prompt.input_tokens or 0) > most:
        raise ProviderError(f"prompt is too long: {prompt.input_tokens} tokens > {most} maximum")


def _is_at_least(model: str, major: int, minor: int) -> bool:
    found = VERSION.search(model)
    return found is not None and (int(found[1]), int(found[2] or 0)) >= (major, minor)


def _turns(role: str, blocks: list[Block]) -> list[Turn]:
    """A user message may carry tools' results and words of the user: they become turns of their own."""
    results = [block for block in blocks if block["type"] == "tool_result"]
    turns = [Turn("tool", *_result(block)) for block in results]
    rest = [block for block in blocks if block["type"] != "tool_result"]
    if turns and not rest:
        return turns
    images = sum(FULL_IMAGE for block in rest if block["type"] == "image")
    calls = tuple(str(block["name"]) for block in rest if block["type"] == "tool_use")
    text = _text(rest)
    if role != "user":
        return [*turns, Turn(role, text, images, calls)]
    asked = asked_in([block["text"] for block in rest if block["type"] == "text"])
    return [*turns, Turn(role, without_reminders(text), images, calls, asked)]


def _result(block: Block) -> tuple[str, int]:
    content = block.get("content") or ""
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    images = sum(FULL_IMAGE for part in blocks if part["type"] == "image")
    return without_reminders(_text(blocks)), images


def _text(blocks: list[Block]) -> str:
    """What the blocks say; a call says its input, thoughts say nothing."""
    said = [json.dumps(block["input"]) if block["type"] == "tool_use" else _words(block) for block in blocks]
    return "\n".join(text for text in said if text)


def _words(block: Block) -> str:
    if block["type"] == "document":
        return str(block["source"].get("data", "")) if block["source"].get("type") == "text" else ""
    if block["type"] == "search_result":
        return _text(block["content"])
    return str(block.get("text") or "")


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    """The schema of the answer, where Anthropic first took it and where it takes it now."""
    if body.get("output_format") is not None:
        check_format(body["output_format"], "output_format")
    wanted = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    return wanted.get("schema") or None
