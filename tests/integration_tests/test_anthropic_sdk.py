"""Anthropic's SDK, unchanged, against the API of the real stack, run once for all tests. Its warnings count as failures."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from api.protocol import split_mode
from local_stack import bootstrap
from local_stack.instance import Instance
from tests.support.stack_client import StackClient

PROGRAM = Path(__file__).parent / "client_programs" / "anthropic_sdk.py"
PYTHON = str(bootstrap.venv("clients") / "bin" / "python")
ANSWER, THOUGHT, CITY = "It is 21 degrees there.", "I have to look it up.", {"name": "Berlin", "degrees": 21}
CALL: dict[str, Any] = {"tool_calls": [{"name": "temperature", "arguments": {"city": "Berlin"}}]}
# LiteLLM would wait for as long as it is told to.
AT_ONCE = {"headers": {"retry-after": "0"}}
# What the provider fails with → the class of the SDK's error.
CLASSES = {
    400: "BadRequestError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    413: "ContentTooLargeError",
    429: "RateLimitError",
    500: "InternalServerError",
    529: "OverloadedError",
}


def script(client: StackClient) -> dict[str, Any]:
    """The questions that the program asks, each of which the provider has its answers for."""

    def question(*replies: Mapping[str, Any], repeat_last: bool = False) -> str:
        asked = f"mark-{uuid4().hex}"
        client.provider.script(*map(dict, replies), contains=asked, repeat_last=repeat_last)
        return asked

    return {
        "said": question({"content": ANSWER}, repeat_last=True),
        "tools": question(*[CALL, {"content": ANSWER}] * 2),
        "run": question(CALL, {"content": ANSWER}),
        "thoughts": question({"content": ANSWER, "thinking": THOUGHT}, repeat_last=True),
        "parsed": question({"json": CITY}),
        "broken": question({"content": ANSWER, "fail_after_chunks": 2, "error": {"type": "overloaded_error"}}),
        "errors": {
            str(status): question({"status": status, "error": f"Said {status}", **AT_ONCE}, repeat_last=True)
            for status in CLASSES
        },
    }


@pytest.fixture(scope="module")
def output(stack: Instance) -> dict[str, Any]:
    client = StackClient.of(stack)
    done = subprocess.run(
        [PYTHON, "-W", "error", str(PROGRAM), json.dumps(script(client))],
        env={"ANTHROPIC_BASE_URL": stack.url("api"), "ANTHROPIC_AUTH_TOKEN": client.token},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize("way", ["plain", "streamed", "asynchronous"])
def test_the_answer_is_the_same_however_it_is_asked_for(output: dict[str, Any], way: str) -> None:
    said = output["said"][way]
    assert (said["text"], said["stop_reason"], said["model"], said["id"]) == (
        *(ANSWER, "end_turn", "claude-haiku-4-5"),
        "msg_",
    )
    assert said["usage"] == output["said"]["plain"]["usage"]


def test_what_a_message_is_counted_to_have_is_what_its_answer_says_was_read(output: dict[str, Any]) -> None:
    assert output["counted"] == output["said"]["plain"]["usage"][0] > 0


@pytest.mark.parametrize("way", ["plain", "streamed"])
def test_a_tool_is_called_and_its_result_answered(output: dict[str, Any], way: str) -> None:
    assert output["tools"][way] == {"input": {"city": "Berlin"}, "ends": ["tool_use", "end_turn"], "text": ANSWER}


def test_the_sdks_own_loop_runs_a_function(output: dict[str, Any]) -> None:
    assert output["run"] == {"cities": ["Berlin"], "text": ANSWER}


@pytest.mark.parametrize("way", ["plain", "streamed"])
def test_thoughts_are_shown_and_taken_back_with_their_signature(output: dict[str, Any], way: str) -> None:
    assert output["thoughts"][way] == {"thought": THOUGHT, "signed": True, "texts": [ANSWER, ANSWER]}


def test_an_answer_is_parsed_by_its_schema(output: dict[str, Any]) -> None:
    assert output["parsed"] == CITY


def test_all_models_are_listed_page_by_page(output: dict[str, Any], stack: Instance) -> None:
    """Each once, and by the names that have it reason."""
    listed = {model["id"] for model in StackClient.of(stack).litellm("/v1/models")["data"]}
    shown = [name for name, _ in output["models"]]
    assert len(set(shown)) == len(shown)
    assert listed < set(shown)
    assert {split_mode(name)[0] for name in shown} == listed
    assert ["claude-haiku-4-5", "Claude Haiku 4.5"] in output["models"]
    assert output["model"] == "claude-haiku-4-5"


@pytest.mark.parametrize(("status", "name"), CLASSES.items())
def test_an_error_of_the_provider_has_its_class_and_its_words(output: dict[str, Any], status: int, name: str) -> None:
    kind, told, _, message, has_id = output["errors"][str(status)]
    assert (kind, told, message, has_id) == (name, status, f"Said {status}", True)


@pytest.mark.parametrize(
    ("what", "told"),
    {
        "wrong token": ["AuthenticationError", 401, "authentication_error"],
        "unknown model": ["NotFoundError", 404, "not_found_error"],
        "no length": ["BadRequestError", 400, "invalid_request_error"],
    }.items(),
)
def test_what_this_server_refuses_has_its_class(output: dict[str, Any], what: str, told: list[Any]) -> None:
    assert output["errors"][what][:3] == told


def test_a_stream_that_fails_raises_what_the_provider_says(output: dict[str, Any]) -> None:
    assert output["errors"]["in a stream"][2] == "overloaded_error"
