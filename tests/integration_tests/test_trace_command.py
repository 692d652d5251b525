"""`make trace` right after an answer, on the real stack: the whole tree, whatever became of the request."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local_stack import bootstrap
from local_stack.instance import Instance
from tests.integration_tests.reasoning_script import script_two_tools
from tests.support.stack_client import StackClient


@pytest.fixture(scope="module")
def client(stack: Instance) -> StackClient:
    return StackClient.of(stack)


def drawn(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "operations.trace", *arguments]
    return subprocess.run(command, cwd=bootstrap.ROOT, env={}, capture_output=True, text=True, timeout=100, check=False)


def tree(client: StackClient, trace_id: str) -> str:
    """What is drawn at once after the answer."""
    done = drawn(trace_id, "--state-dir", str(client.stack.state))
    assert done.returncode == 0, done.stderr
    return done.stdout


def post(client: StackClient, path: str, **body: Any) -> str:
    """The trace's id."""
    headers = {"authorization": f"Bearer {client.token}"}
    answer = httpx.post(client.stack.url("api", path), json=body, headers=headers, timeout=60, trust_env=False)
    return str(answer.headers["x-trace-id"])


def reasoning(client: StackClient) -> str:
    mark = f"mark-{uuid4().hex}"
    script_two_tools(client.provider, mark)
    return client.ask(mark, mode="reasoning").trace_id


# What is asked, and how many of its calls have their tokens. A busy machine cuts the classifier's call when its second is over.
REQUESTS: dict[str, tuple[Callable[[StackClient], str], set[int]]] = {
    "plain": (lambda client: client.ask("Hello").trace_id, {1}),
    "streamed": (lambda client: client.ask("Hello", stream=True).trace_id, {1}),
    "reasoning with tools": (reasoning, {4}),
    "auto": (lambda client: client.ask("Hello", mode="auto").trace_id, {1, 2}),
    "responses": (lambda client: post(client, "/v1/responses", model="gpt-4o-mini", input="Hello"), {1}),
    "embeddings": (lambda client: post(client, "/v1/embeddings", model="text-embedding-3-small", input="Hello"), {1}),
    "a model that nobody has": (lambda client: client.ask("Hello", model="nobodys").trace_id, {0}),
    "a request that is no request": (lambda client: client.ask("Hello", messages=5).trace_id, {0}),
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_the_whole_tree_is_drawn_at_once(client: StackClient, kind: str) -> None:
    ask, calls = REQUESTS[kind]
    printed = tree(client, ask(client))
    assert printed.startswith("POST /v1/")
    assert printed.count(" tokens") in calls


def test_a_provider_that_fails_is_drawn_down_to_the_attempt(client: StackClient) -> None:
    mark = f"mark-{uuid4().hex}"
    client.provider.script({"status": 400, "error": "no"}, repeat_last=True, contains=mark)
    request, *_, attempt, _ = tree(client, client.ask(mark).trace_id).splitlines()
    assert ("FAILED" in request, "chat gpt-4o-mini" in attempt, "FAILED" in attempt) == (True, True, True)


def test_a_stream_whose_client_leaves_is_drawn_once_litellm_has_counted_it(client: StackClient) -> None:
    mark = f"mark-{uuid4().hex}"
    client.provider.script({"content": "one two three four five six", "chunk_delay": 5}, contains=mark)
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": mark}], "stream": True}
    url, headers = client.stack.url("api", "/v1/chat/completions"), {"authorization": f"Bearer {client.token}"}
    with httpx.stream("POST", url, json=body, headers=headers, timeout=60, trust_env=False) as answer:
        next(answer.iter_bytes())
        trace_id = answer.headers["x-trace-id"]
    assert "passthrough.chat" in tree(client, trace_id)


def test_docker_s_phoenix_is_found_by_the_env_file(client: StackClient, tmp_path: Path) -> None:
    trace_id = client.ask("Hello").trace_id
    file = tmp_path / ".env.prod"
    file.write_text(f"PHOENIX_PORT={client.stack.ports.phoenix}\n")
    done = drawn(f"0x{trace_id.upper()}", "--env-file", str(file))
    assert (done.returncode, "chat gpt-4o-mini" in done.stdout) == (0, True)


def test_a_trace_that_never_was_is_waited_for_and_said_so(client: StackClient) -> None:
    done = drawn("f" * 32, "--wait", "2", "--state-dir", str(client.stack.state))
    assert (done.returncode, done.stdout) == (1, "")
    waiting, error = done.stderr.splitlines()
    assert waiting.startswith(f"Waiting for the trace {'f' * 32}: the span of the request itself")
    assert error.startswith("error: Phoenix at ")
