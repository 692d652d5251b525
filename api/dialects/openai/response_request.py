"""A request of the Responses API as a chat completion request, which is what the agent works on."""

from collections.abc import Mapping
from typing import Any, Final

from api.dialects.openai.response_messages import OnlyForTheModel, messages_of, named, needed
from api.errors import APIError

Body = Mapping[str, Any]

# Of a conversation that the provider keeps, or of tools that are the provider's.
_OF_THE_PROVIDER: Final = (
    *("previous_response_id", "conversation", "prompt", "background", "max_tool_calls", "context_management"),
)
# Said in other words below, or nothing that a chat completion knows; all other fields go on as they are.
_OWN: Final = frozenset(
    {
        *_OF_THE_PROVIDER,
        *("input", "instructions", "include", "truncation", "stream_options", "max_output_tokens", "text", "reasoning"),
        *("tools", "tool_choice", "top_logprobs"),
    }
)
_FUNCTION: Final = ("name", "description", "parameters", "strict")
_LOGPROBS: Final = "message.output_text.logprobs"
# What a chat completion calls it, with all that stands in it, and a response.
_IN_RESPONSES: Final = {
    "messages": "input",
    "max_completion_tokens": "max_output_tokens",
    "max_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "response_format.json_schema": "text.format",
    "response_format": "text.format",
    "verbosity": "text.verbosity",
    "logprobs": "include",
}


def chat_request(body: Body) -> dict[str, Any] | str:
    """The chat completion request that asks the same; a sentence why there is none.

    Raises:
        InvalidRequest: no request of this API may be so, whoever answers it.
    """
    try:
        return _chat_request(body)
    except OnlyForTheModel as reason:
        return str(reason)


def in_responses_words(error: APIError) -> APIError:
    """The error itself, which names the field that was sent where it named the one of a chat completion."""
    param = error.param or ""
    named = next((name for name in _IN_RESPONSES if param == name or param.startswith((f"{name}.", f"{name}["))), None)
    if named is not None:
        # Where a message stands among the items is not known any more.
        rest = "" if named == "messages" else param.removeprefix(named)
        error.param = _IN_RESPONSES[named] + rest
        error.message = error.message.replace(f"'{param}'", f"'{error.param}'")
    return error


def _chat_request(body: Body) -> dict[str, Any]:
    for field in _OF_THE_PROVIDER:
        if body.get(field):
            raise OnlyForTheModel(f"a request with {field} is for the model itself")
    kept = {name: value for name, value in body.items() if name not in _OWN}
    return kept | _messages(body) | _length(body) | _text(body) | _effort(body) | _tools(body) | _logprobs(body)


def _messages(body: Body) -> dict[str, Any]:
    given, instructions = body.get("input"), body.get("instructions")
    if not given:
        raise OnlyForTheModel("a request without input is for the model itself")
    if instructions is not None and not isinstance(instructions, str):
        raise OnlyForTheModel("a request whose instructions are no text is for the model itself")
    led = [{"role": "system", "content": instructions}] if instructions else []
    said = [{"role": "user", "content": given}] if isinstance(given, str) else messages_of(given)
    return {"messages": led + said}


def _length(body: Body) -> dict[str, Any]:
    limit = body.get("max_output_tokens")
    return {} if limit is None else {"max_completion_tokens": limit}


def _text(body: Body) -> dict[str, Any]:
    text = body.get("text") or {}
    told = {"verbosity": text["verbosity"]} if text.get("verbosity") else {}
    wanted = text.get("format")
    if not isinstance(wanted, dict):
        return told
    match wanted.get("type"):
        case "text":
            return told
        case "json_object":
            return told | {"response_format": {"type": "json_object"}}
        case "json_schema":
            schema = {name: value for name, value in wanted.items() if name != "type" and value is not None}
            return told | {"response_format": {"type": "json_schema", "json_schema": schema}}
        case kind:
            raise OnlyForTheModel(f"text of the format {named(kind)} is for the model itself")


def _effort(body: Body) -> dict[str, Any]:
    effort = (body.get("reasoning") or {}).get("effort")
    return {} if effort is None else {"reasoning_effort": effort}


def _tools(body: Body) -> dict[str, Any]:
    tools = [_tool(tool, f"tools[{place}]") for place, tool in enumerate(body.get("tools") or ())]
    choice = body.get("tool_choice")
    told: dict[str, Any] = {"tools": tools} if tools else {}
    return told if choice is None else told | {"tool_choice": _choice(choice)}


def _tool(tool: Body, where: str) -> dict[str, Any]:
    if tool.get("type") != "function":
        raise OnlyForTheModel(f"a tool of the type {named(tool.get('type'))} is for the model itself")
    needed(tool, "name", where)
    return {"type": "function", "function": {name: tool[name] for name in _FUNCTION if tool.get(name) is not None}}


def _choice(choice: Any) -> Any:
    if not isinstance(choice, dict):
        return choice
    match choice.get("type"):
        case "function":
            return {"type": "function", "function": {"name": needed(choice, "name", "tool_choice")}}
        case "allowed_tools":
            tools = choice.get("tools")
            allowed = [_allowed(tool) for tool in tools] if isinstance(tools, list) else []
            return {"type": "allowed_tools", "allowed_tools": {"mode": choice.get("mode", "auto"), "tools": allowed}}
        case kind:
            raise OnlyForTheModel(f"a tool_choice of the type {named(kind)} is for the model itself")


def _allowed(tool: Any) -> dict[str, Any]:
    if not isinstance(tool, dict) or tool.get("type") != "function":
        raise OnlyForTheModel("a tool_choice among tools that are no functions is for the model itself")
    return {"type": "function", "function": {"name": needed(tool, "name", "tool_choice.tools")}}


def _logprobs(body: Body) -> dict[str, Any]:
    count = body.get("top_logprobs")
    wanted = body.get("include")
    if not count and not (isinstance(wanted, list) and _LOGPROBS in wanted):
        return {}
    return {"logprobs": True} | ({"top_logprobs": count} if count else {})
