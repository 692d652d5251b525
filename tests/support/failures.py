"""Each thing that can be down or wrong, brought about on a real stack, and what a client is told meanwhile and afterwards."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import httpx

from local_stack.supervision import Supervisor
from tests.support.api import TOKEN, RunningAPI, running_api
from tests.support.stack import command
from tests.support.stack_client import StackClient, eventually

MODEL = "gpt-4o-mini"
RESTORED_WITHIN = 60.0


@dataclass(frozen=True)
class Told:
    """What a client was told; `seconds` until it was."""

    status: int
    code: str
    message: str
    seconds: float

    @property
    def outcome(self) -> tuple[int, str]:
        return self.status, self.code


@dataclass(frozen=True)
class Failure:
    """One situation: a call, plain and streamed, what /health/ready said, and how long a call failed once it was over."""

    situation: str
    plain: Told
    streamed: Told
    ready: Told
    restored: float | None = None


@dataclass(frozen=True)
class Caller:
    """Somebody who calls an API with a token."""

    url: str
    token: str = TOKEN
    model: str = MODEL

    def failure(self, situation: str) -> Failure:
        ready = _told(lambda: httpx.get(f"{self.url}/health/ready", timeout=60, trust_env=False))
        return Failure(situation, self.ask(), self.ask(stream=True), ready)

    def ask(self, *, stream: bool = False, content: str = "hello") -> Told:
        body = {"model": self.model, "messages": [{"role": "user", "content": content}], "stream": stream}
        headers = {"authorization": f"Bearer {self.token}"}
        url = f"{self.url}/v1/chat/completions"
        return _told(lambda: httpx.post(url, json=body, headers=headers, timeout=60, trust_env=False))


def failures(client: StackClient) -> Iterator[Failure]:
    """One after the other, on a stack that is well again afterwards."""
    stack = Caller(client.stack.url("api"), client.token)
    yield replace(stack, token="sk-nobody").failure("the caller's token is wrong")
    yield replace(stack, model="gpt-unknown").failure("the model does not exist")
    with _api(client, "sk-of-nobody") as api:
        yield Caller(api.url).failure("the API's virtual key is wrong")
    with _key(client, models=["gpt-4o"]) as key, _api(client, key) as api:
        yield Caller(api.url).failure("the API's virtual key is not for the model")
    yield from _without_postgres(client)
    # Both take long to start, so that they do so side by side.
    _kill(client, "phoenix")
    phoenix = stack.failure("Phoenix is down")
    _kill(client, "litellm")
    litellm = stack.failure("LiteLLM is down")
    yield replace(litellm, restored=_restored(client, stack, "litellm"))
    _must(client, "start", "phoenix")
    yield phoenix


def _without_postgres(client: StackClient) -> Iterator[Failure]:
    """With a key that LiteLLM has not seen: for a minute it still lets in those that it has."""
    with _key(client) as unseen, _api(client, unseen) as api:
        caller = Caller(api.url)
        _must(client, "stop", "postgres")
        try:
            failure = caller.failure("PostgreSQL is down")
        finally:
            restored = _restored(client, caller, "postgres")
        yield replace(failure, restored=restored)


def _kill(client: StackClient, service: str) -> None:
    """Without warning, its helpers included; supervisord starts it again, which takes it much longer than a few calls."""
    os.killpg(Supervisor(client.stack).states()[service]["pid"], signal.SIGKILL)


def _restored(client: StackClient, caller: Caller, service: str) -> float:
    """Waits for the health of a service that is under way, then says how long calls still failed."""
    _must(client, "start", service)
    back = time.monotonic()
    works = f"a call works after {service} was down"
    eventually(lambda: caller.ask().status == httpx.codes.OK or None, works, within=RESTORED_WITHIN)
    return time.monotonic() - back


def _must(client: StackClient, *arguments: str) -> None:
    done = command(client.stack, *arguments)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"


@contextmanager
def _api(client: StackClient, key: str) -> Iterator[RunningAPI]:
    """An API of its own before the stack's LiteLLM, with this virtual key."""
    with (
        TemporaryDirectory() as directory,
        running_api(Path(directory), llm_base_url=client.stack.url("litellm"), llm_api_key=key) as api,
    ):
        yield api


@contextmanager
def _key(client: StackClient, **fields: Any) -> Iterator[str]:
    alias = f"failures-{uuid4().hex[:8]}"
    headers = {"authorization": f"Bearer {client.settings['LITELLM_MASTER_KEY']}"}

    def post(path: str, body: dict[str, Any]) -> Any:
        url = client.stack.url("litellm", path)
        return httpx.post(url, json=body, headers=headers, timeout=30, trust_env=False).raise_for_status().json()

    key = post("/key/generate", {"key_alias": alias, **fields})["key"]
    try:
        yield key
    finally:
        post("/key/delete", {"key_aliases": [alias]})


def _told(send: Callable[[], httpx.Response]) -> Told:
    started = time.monotonic()
    response = send()
    seconds = time.monotonic() - started
    if response.status_code == httpx.codes.OK:
        return Told(200, "", "", seconds)
    error = response.json()["error"]
    return Told(response.status_code, str(error["code"] or ""), str(error["message"]), seconds)
