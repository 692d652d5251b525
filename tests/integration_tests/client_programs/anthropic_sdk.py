"""Anthropic's SDK: messages plain, streamed, parsed, with tools and with thoughts; tokens, models, errors by their class."""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

import anthropic  # type: ignore[import-not-found, unused-ignore]
from pydantic import BaseModel

ASKING: dict[str, Any] = {"model": "claude-haiku-4-5", "max_tokens": 2000}
RESULT = "21 degrees"
TOOL = {
    "name": "temperature",
    "description": "The temperature in a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
Ask = Callable[..., Any]


class City(BaseModel):
    """What a parsed answer holds."""

    name: str
    degrees: int


def main(questions: dict[str, Any]) -> dict[str, Any]:
    client = anthropic.Anthropic(max_retries=0)

    def streamed(**asked: Any) -> Any:
        with client.messages.stream(**asked) as stream:
            pieces = list(stream.text_stream)
            message = stream.get_final_message()
        assert "".join(pieces) == text(message)
        return message

    ways: dict[str, Ask] = {"plain": client.messages.create, "streamed": streamed}
    return {
        "version": anthropic.__version__,
        "said": {way: told(ask(**ASKING, messages=user(questions["said"]))) for way, ask in ways.items()}
        | {"asynchronous": told(asyncio.run(asynchronous(questions["said"])))},
        "tools": {way: with_a_tool(ask, questions["tools"]) for way, ask in ways.items()},
        "run": with_a_runner(client, questions["run"]),
        "thoughts": {way: with_thoughts(ask, questions["thoughts"]) for way, ask in ways.items()},
        "parsed": client.messages.parse(
            **ASKING, messages=user(questions["parsed"]), output_format=City
        ).parsed_output.model_dump(),
        "counted": client.messages.count_tokens(model=ASKING["model"], messages=user(questions["said"])).input_tokens,
        "models": [[model.id, model.display_name] for model in client.models.list(limit=5)],
        "model": client.models.retrieve("claude-haiku-4-5").id,
        "errors": {name: error(client, question) for name, question in questions["errors"].items()}
        | {
            "wrong token": error(anthropic.Anthropic(auth_token="wrong", max_retries=0), "Hi"),
            "unknown model": error(client, "Hi", model="nope"),
            "no length": error(client, "Hi", max_tokens=-1),
            "in a stream": error_of(lambda: streamed(**ASKING, messages=user(questions["broken"]))),
        },
    }


async def asynchronous(question: str) -> Any:
    async with (
        anthropic.AsyncAnthropic(max_retries=0) as client,
        client.messages.stream(**ASKING, messages=user(question)) as stream,
    ):
        return await stream.get_final_message()


def user(content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


def told(message: Any) -> dict[str, Any]:
    usage = message.usage
    return {
        "text": text(message),
        "stop_reason": message.stop_reason,
        "model": message.model,
        "usage": [usage.input_tokens, usage.output_tokens],
        "id": message.id[:4],
    }


def text(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def with_a_tool(ask: Ask, question: str) -> dict[str, Any]:
    asked = user(question)
    first = ask(**ASKING, messages=asked, tools=[TOOL])
    call = next(block for block in first.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": RESULT}
    asked += [{"role": "assistant", "content": first.content}, *user([result])]
    second = ask(**ASKING, messages=asked, tools=[TOOL])
    return {"input": call.input, "ends": [first.stop_reason, second.stop_reason], "text": text(second)}


def with_a_runner(client: Any, question: str) -> dict[str, Any]:
    cities = []

    @anthropic.beta_tool  # type: ignore[untyped-decorator, unused-ignore]
    def temperature(city: str) -> str:
        """The temperature in a city."""
        cities.append(city)
        return RESULT

    last = client.beta.messages.tool_runner(**ASKING, messages=user(question), tools=[temperature]).until_done()
    return {"cities": cities, "text": text(last)}


def with_thoughts(ask: Ask, question: str) -> dict[str, Any]:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    first = ask(**ASKING, messages=user(question), thinking=thinking)
    turns = [*user(question), {"role": "assistant", "content": first.content}, *user("And then?")]
    second = ask(**ASKING, messages=turns, thinking=thinking)
    thought = first.content[0]
    return {"thought": thought.thinking, "signed": bool(thought.signature), "texts": [text(first), text(second)]}


def error(client: Any, question: str, **asked: Any) -> list[Any]:
    return error_of(lambda: client.messages.create(**{**ASKING, "messages": user(question), **asked}))


def error_of(call: Callable[[], Any]) -> list[Any]:
    try:
        call()
    except anthropic.APIStatusError as error:
        said = error.body["error"]
        return [type(error).__name__, error.status_code, said["type"], said["message"], bool(error.request_id)]
    return []


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
