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
CLASSIFIER = "gpt-4o-mini"  # ROUTING_CLASSIFIER_MODEL's default
CHOICE = {"reason": "because", "mode": "reasoning"}
# What its provider answers instead of a choice that can be used.
CLASSIFIER_REPLIES: dict[str, dict[str, Any]] = {
    "is down: its provider drops every connection": {"fail_after_chunks": 0, "fail": "drop"},
    "is slow: it takes 20 s": {"delay": 20, "json": CHOICE},
    "fails with a 400, which is not retried": {"status": 400, "error": {"message": "not today"}},
    "fails with a 500, which LiteLLM retries": {"status": 500, "error": {"message": "not today"}},
    "refuses": {"refusal": "I will not choose."},
    "says nothing": {"content": ""},
    "says something else": {"content": "reasoning, I think"},
    "chooses what there is not": {"json": CHOICE | {"mode": "both"}},
    "is cut off": {"content": '{"reason": "bec', "finish_reason": "length"},
}
UNKNOWN_CLASSIFIER = "is a model that LiteLLM does not have"
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
class Routed:
    """What a client got in auto mode; `cause` is why the classifier was not followed, as the API's log has it."""

    status: int
    decision: str
    source: str
    cause: str
    seconds: float


@dataclass(frozen=True)
class ClassifierFailure:
    """One thing that the classifier does instead of choosing, and what the client got, plain and streamed."""

    situation: str
    plain: Routed
    streamed: Routed


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


def classifier_failures(client: StackClient) -> Iterator[ClassifierFailure]:
    """With the API's default budget for a choice. Nothing is stopped for it."""
    key = client.settings["LITELLM_TEST_KEY"]
    with _api(client, key) as api:
        for situation, reply in CLASSIFIER_REPLIES.items():
            yield _misled(client, api, situation, reply)
    with _api(client, key, ROUTING_CLASSIFIER_MODEL="gpt-unknown") as api:
        yield _misled(client, api, UNKNOWN_CLASSIFIER, {})


def _misled(client: StackClient, api: RunningAPI, situation: str, reply: dict[str, Any]) -> ClassifierFailure:
    mark = f"mark-{uuid4().hex}"
    client.provider.script(reply, repeat_last=True, contains=mark, model=CLASSIFIER)
    plain, streamed = (_routed(api, mark, stream=stream) for stream in (False, True))
    return ClassifierFailure(situation, plain, streamed)


def _routed(api: RunningAPI, content: str, *, stream: bool) -> Routed:
    # Not the classifier's model, so that only the classifier's calls meet the script.
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": content}], "stream": stream}
    headers = {**api.headers, "X-Routing-Mode": "auto"}
    started = time.monotonic()
    answer = httpx.post(f"{api.base_url}/chat/completions", json=body, headers=headers, timeout=60, trust_env=False)
    seconds = time.monotonic() - started
    decided = [line for line in api.log.read_text().splitlines() if " routed to " in line]
    cause = decided[-1].partition("the classifier failed: ")[2][:-1].replace(r"\n\n", " ")
    decision, source = (answer.headers.get(f"x-routing-{name}", "") for name in ("decision", "source"))
    return Routed(answer.status_code, decision, source, cause, seconds)


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
def _api(client: StackClient, key: str, **settings: str) -> Iterator[RunningAPI]:
    """An API of its own before the stack's LiteLLM, with this virtual key."""
    with (
        TemporaryDirectory() as directory,
        running_api(Path(directory), llm_base_url=client.stack.url("litellm"), llm_api_key=key, **settings) as api,
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
