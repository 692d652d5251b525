"""Anthropic's SDK asking for reasoning: plain and streamed, with a tool of its own, over several turns, and where it fails."""

import json
import sys
from collections.abc import Callable
from typing import Any

import anthropic  # type: ignore[import-not-found, unused-ignore]
from anthropic.types import Message, RawMessageStreamEvent  # type: ignore[import-not-found, unused-ignore]
from pydantic import TypeAdapter

REASONING = {"X-Routing-Mode": "reasoning"}
MODEL = "claude-haiku-4-5"
ASKING: dict[str, Any] = {"model": MODEL, "max_tokens": 2000}
TOOL = {
    "name": "read_file",
    "description": "Reads a file.",
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
}
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def main(questions: dict[str, Any]) -> dict[str, Any]:
    client = anthropic.Anthropic(max_retries=0, default_headers=REASONING)
    return {
        "said": {"plain": plain(client, questions["said"]), "streamed": streamed(client, questions["said"])},
        "raw": raw(client, questions["said"]),
        "beta": beta(client, questions["said"]),
        "turns": turns(client, questions["turns"]),
        "tool": {way: with_a_tool(ask, questions["tool"]) for way, ask in ways(client).items()},
        "overruled": overruled(client, questions["overruled"]),
        "errors": {
            "at once": error(lambda: plain(client, questions["refused"])),
            "in the stream": error(lambda: streamed(client, questions["failing"])),
            "unknown model": error(lambda: plain(client, "Hi", model="claude-nope")),
        },
    }


def plain(client: Any, question: str, **asked: Any) -> dict[str, Any]:
    response = client.messages.with_raw_response.create(**{**ASKING, "messages": user(question), **asked})
    return told(response.parse(), response.headers)


def streamed(client: Any, question: str) -> dict[str, Any]:
    with client.messages.stream(**ASKING, messages=user(question)) as stream:
        pieces = list(stream.text_stream)
        message = stream.get_final_message()
        headers = stream.response.headers
    assert "".join(pieces) == "".join(block.text for block in message.content if block.type == "text")
    return told(message, headers)


def raw(client: Any, question: str) -> list[str]:
    """The types of all events, each of which is what the SDK says that it is, to the letter."""
    events = list(client.messages.create(**ASKING, messages=user(question), stream=True))
    for event in events:
        EVENT.validate_python(event.to_dict(), strict=True)
    return [event.type for event in events]


def beta(client: Any, question: str) -> list[str]:
    with client.beta.messages.stream(**ASKING, messages=user(question)) as stream:
        return [type(event).__name__ for event in stream if event.type in ("thinking", "signature", "text")]


def turns(client: Any, question: str) -> list[str]:
    """Two turns of a conversation, the first one's thoughts sent back."""
    first = client.messages.create(**ASKING, messages=user(question))
    asked = [*user(question), {"role": "assistant", "content": first.content}, *user(f"{question} And then?")]
    return [text(first), text(client.messages.create(**ASKING, messages=asked))]


def ways(client: Any) -> dict[str, Callable[..., Any]]:
    def by_stream(**asked: Any) -> Any:
        with client.messages.stream(**asked) as stream:
            return stream.get_final_message()

    return {"plain": client.messages.create, "streamed": by_stream}


def with_a_tool(ask: Callable[..., Any], question: str) -> dict[str, Any]:
    asking = {**ASKING, "model": "gpt-4o-mini", "tools": [TOOL]}
    first = ask(**asking, messages=user(question))
    calls = [block for block in first.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "the word is plum"} for call in calls]
    asked = [*user(question), {"role": "assistant", "content": first.content}, *user(results)]
    second = ask(**asking, messages=asked)
    return {
        "blocks": [block.type for block in first.content],
        "calls": [[call.name, call.input, call.id[:6]] for call in calls],
        "ends": [first.stop_reason, second.stop_reason],
        "text": text(second),
    }


def overruled(client: Any, question: str) -> str:
    server_tool = {"type": "web_search_20250305", "name": "web_search"}
    return str(plain(client, question, tools=[server_tool])["headers"]["x-routing-overruled"])


def user(content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


def told(message: Any, headers: Any) -> dict[str, Any]:
    said = message.to_dict()
    Message.model_validate(said, strict=True)
    return {"message": said, "headers": dict(headers)}


def text(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def error(call: Callable[[], Any]) -> list[Any]:
    try:
        call()
    except anthropic.APIStatusError as failed:
        said = failed.body["error"]
        return [type(failed).__name__, said["type"], said["message"]]
    return []


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
