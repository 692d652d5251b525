"""A question that takes two tools, the second on the first's result, as the scripted provider plays it."""

import json
from typing import Any

from tests.support.provider import ScriptedProvider

ANSWER = "12.5 % of 7300 km are 912.5 km, which is about 567 miles."


def script_two_tools(provider: ScriptedProvider, mark: str) -> None:
    """Three steps and the answer, for the requests that contain the mark; each call says what it used."""
    provider.script(*steps_of_two_tools(), contains=mark)


def steps_of_two_tools() -> list[dict[str, Any]]:
    """The same, as the provider is told."""
    return [
        _step("First the share.", "calculate", expression="7300 * 12.5 / 100"),
        _step("Now in miles.", "convert_units", value=912.5, from_unit="km", to_unit="mi"),
        _step("That is all."),
        {"content": ANSWER, "usage": _usage(400, 20)},
    ]


def _step(thought: str, tool: str | None = None, **arguments: Any) -> dict[str, Any]:
    calls = [{"name": tool, "arguments": json.dumps(arguments), "reason": "it is asked for"}] if tool else []
    step = {"thought": thought, "next_action": "use_tools" if tool else "finished", "tools_to_use": calls}
    return {"json": {**step, "concurrent_execution": False}, "usage": _usage(100 + len(thought), 10 + len(calls))}


def _usage(prompt: int, completion: int) -> dict[str, Any]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
