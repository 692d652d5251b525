"""A Messages request as a chat completion request, for whoever works on those; or why it cannot be one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from api.dialects.anthropic.chat_turns import NotChat, chat_messages, named

Chat = dict[str, Any]

# What only the provider itself can do.
_PROVIDERS: Final = ("mcp_servers", "container", "compaction", "safeguards")
# Fields of Anthropic's that LiteLLM hands on to its models on this path too; others would refuse them.
_ANTHROPICS: Final = ("top_k", "thinking", "service_tier", "inference_geo", "speed", "cache_control")
_TOOL: Final = frozenset({"type", "name", "description", "input_schema", "strict", "cache_control"})
# How its arguments are streamed by Anthropic, and whether the model sees it before it looks for it: neither says what it is.
_OF_NO_MATTER: Final = frozenset({"eager_input_streaming", "defer_loading"})
_LONGEST_USER: Final = 64  # characters, as far as OpenAI and LiteLLM's own translation go
# As LiteLLM translates it: from so many tokens on, this effort.
_EFFORTS: Final = ((10_000, "high"), (5_000, "medium"), (0, "low"))
_EFFORT_WORDS: Final = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}


@dataclass(frozen=True, slots=True)
class AskedModel:
    """What is known of the model: whose it is, whether it thinks before it answers, and how many tokens it writes at most."""

    is_anthropics: bool = False
    thinks: bool = False
    max_output_tokens: int | None = None


def as_chat(body: Mapping[str, Any], model: AskedModel) -> Chat | str:
    """The request in the other form; a sentence if it wants what that form has no words for."""
    try:
        return _chat(body, model)
    except NotChat as reason:
        return str(reason)


def _chat(body: Mapping[str, Any], model: AskedModel) -> Chat:
    for field in _PROVIDERS:
        if body.get(field):
            raise NotChat(f"`{field}`")
    return {
        "model": body["model"],
        "messages": chat_messages(body),
        **_length(body, model),
        **_sampling(body),
        **_user(body, model),
        **_tools(body),
        **_form(body),
        **_thinking(body, model),
    } | ({"stream": True} if body.get("stream") else {})


def _length(body: Mapping[str, Any], model: AskedModel) -> Chat:
    """Clients ask models that they do not know for more than these can write."""
    length = body["max_tokens"]
    if not length:
        raise NotChat("`max_tokens` of 0")
    if model.is_anthropics:
        return {"max_tokens": length}
    field = "max_completion_tokens" if model.thinks else "max_tokens"
    return {field: min(length, model.max_output_tokens or length)}


def _sampling(body: Mapping[str, Any]) -> Chat:
    named_alike = {name: body[name] for name in ("temperature", "top_p") if body.get(name) is not None}
    return named_alike | ({"stop": body["stop_sequences"]} if body.get("stop_sequences") else {})


def _user(body: Mapping[str, Any], model: AskedModel) -> Chat:
    metadata = body.get("metadata")
    user = metadata.get("user_id") if isinstance(metadata, dict) else None
    if not isinstance(user, str) or not user:
        return {}
    return {"user": user if model.is_anthropics else user[:_LONGEST_USER]}


def _tools(body: Mapping[str, Any]) -> Chat:
    if not body.get("tools"):
        return {}
    choice = body.get("tool_choice") or {}
    chosen = {"tool_choice": _choice(choice)} if choice else {}
    one_at_a_time = {"parallel_tool_calls": False} if choice.get("disable_parallel_tool_use") else {}
    return {"tools": [_tool(tool) for tool in body["tools"]], **chosen, **one_at_a_time}


def _tool(tool: Mapping[str, Any]) -> Chat:
    kind = tool.get("type")
    if kind not in (None, "custom"):
        raise NotChat(f"a tool of type {named(kind)}")
    if more := [name for name, value in tool.items() if value and name not in _TOOL | _OF_NO_MATTER]:
        raise NotChat(f"a tool that has {named(more[0])}")
    function = {"name": tool.get("name"), "parameters": tool.get("input_schema")}
    function |= {name: tool[name] for name in ("description", "strict") if tool.get(name) is not None}
    cached = {"cache_control": tool["cache_control"]} if tool.get("cache_control") else {}
    return {"type": "function", "function": function, **cached}


def _choice(choice: Mapping[str, Any]) -> str | Chat:
    match choice:
        case {"type": "auto" | "none" as kind}:
            return str(kind)
        case {"type": "any"}:
            return "required"
        case {"type": "tool", "name": str(name)}:
            return {"type": "function", "function": {"name": name}}
    raise NotChat(f"a `tool_choice` of type {named(choice.get('type'))}")


def _form(body: Mapping[str, Any]) -> Chat:
    config = body.get("output_config")
    wanted = config.get("format") if isinstance(config, dict) else None
    match wanted or body.get("output_format"):
        case None:
            return {}
        case {"type": "json_schema", "schema": dict(schema)}:
            asked = {"name": "answer", "schema": schema, "strict": True}
            return {"response_format": {"type": "json_schema", "json_schema": asked}}
    raise NotChat("an answer in another form than a JSON schema's")


def _thinking(body: Mapping[str, Any], model: AskedModel) -> Chat:
    if model.is_anthropics:
        return {name: body[name] for name in _ANTHROPICS if body.get(name) is not None}
    effort = _effort(body) if model.thinks else None
    return {"reasoning_effort": effort} if effort else {}


def _effort(body: Mapping[str, Any]) -> str | None:
    config = body.get("output_config")
    said = config.get("effort") if isinstance(config, dict) else None
    if isinstance(said, str) and said in _EFFORT_WORDS:
        return _EFFORT_WORDS[said]
    thinking = body.get("thinking")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    return next((word for least, word in _EFFORTS if budget >= least), None) if isinstance(budget, int) else None
