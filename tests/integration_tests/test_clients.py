"""The clients that users have, unchanged, against the API of the real stack. Their warnings count as failures."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from local_stack import bootstrap
from local_stack.instance import Instance
from tests.integration_tests.reasoning_script import ANSWER, script_two_tools
from tests.support.stack_client import StackClient

PROGRAMS = Path(__file__).parent / "client_programs"
CLIENTS_PYTHON = str(bootstrap.venv("clients") / "bin" / "python")
EVENTS = (
    ["iteration_start", "planning", "tool_execution_start", "tool_result", "iteration_complete"] * 2
    + ["iteration_start", "planning", "iteration_complete", "reasoning_complete"]
)  # fmt: skip


@dataclass(frozen=True)
class Program:
    """A client program, the interpreter it is run by, and what its version begins with."""

    python: str
    file: str
    version: str


CLIENTS = {
    "openai 2": Program(sys.executable, "openai_sdk.py", "2."),
    "openai 3": Program(CLIENTS_PYTHON, "openai_sdk.py", "3."),
    "LangChain": Program(CLIENTS_PYTHON, "langchain_chat.py", ""),
}
MODES = ("passthrough", "reasoning")


@pytest.fixture(scope="module")
def client(stack: Instance) -> StackClient:
    return StackClient.of(stack)


def run(client: StackClient, *command: str, given: str = "") -> str:
    environment = {"OPENAI_BASE_URL": client.stack.url("api", "/v1"), "OPENAI_API_KEY": client.token}
    done = subprocess.run(
        command, env=environment, input=given, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def script(client: StackClient, mode: str, *, times: int) -> str:
    """A question that the provider answers with ANSWER so often."""
    question = f"mark-{uuid4().hex}"
    for _ in range(times):
        if mode == "reasoning":
            script_two_tools(client.provider, question)
        else:
            client.provider.script({"content": ANSWER}, contains=question)
    return question


@pytest.fixture(scope="module")
def output_of(client: StackClient) -> Callable[[str, str], dict[str, Any]]:
    """What a client program prints in a mode; each is run once, since its imports take seconds."""

    @cache
    def output_of(name: str, mode: str) -> dict[str, Any]:
        program, question = CLIENTS[name], script(client, mode, times=2)
        printed = run(client, program.python, "-W", "error", str(PROGRAMS / program.file), mode, question)
        return json.loads(printed)  # type: ignore[no-any-return]

    return output_of


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_gets_the_same_answer_plain_and_streamed(
    output_of: Callable[[str, str], dict[str, Any]], name: str, mode: str
) -> None:
    output = output_of(name, mode)
    assert output["version"].startswith(CLIENTS[name].version)
    assert (output["plain"], output["streamed"]) == (ANSWER, ANSWER)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_reads_one_end_and_one_usage(
    output_of: Callable[[str, str], dict[str, Any]], name: str, mode: str
) -> None:
    output = output_of(name, mode)
    assert output["finish_reasons"] == ["stop"]
    assert output["streamed_tokens"] == output["plain_tokens"] > 0


@pytest.mark.parametrize("name", ["openai 2", "openai 3"])
def test_the_openai_sdk_sees_every_step_in_both_forms(
    output_of: Callable[[str, str], dict[str, Any]], name: str
) -> None:
    output = output_of(name, "reasoning")
    assert output["events"] == EVENTS
    assert "First the share." in output["thinking"]
    assert output["ids"] == 1


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("mode", MODES)
def test_curl_gets_an_answer(client: StackClient, mode: str, stream: bool) -> None:
    if shutil.which("curl") is None:
        pytest.fail("curl is not installed. On Debian and Ubuntu: apt-get install curl. It has to be on PATH.")
    question = script(client, mode, times=1)
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": question}], "stream": stream}
    headers = [f"authorization: Bearer {client.token}", "content-type: application/json", f"x-routing-mode: {mode}"]
    url = client.stack.url("api", "/v1/chat/completions")
    output = run(
        client, "curl", "-sSN", "--fail-with-body", "-H", "@-", "-d", json.dumps(body), url, given="\n".join(headers)
    )
    if not stream:
        assert json.loads(output)["choices"][0]["message"]["content"] == ANSWER
        return
    *events, done = output.strip().split("\n\n")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    assert done == "data: [DONE]"
    assert "".join(delta.get("content") or "" for delta in deltas) == ANSWER
