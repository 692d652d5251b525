"""Many users' requests at once through the real LiteLLM: each reaches the memory of its own user, and nobody another's.

MEMORY_REQUESTS sets how many; `make memory_isolation_test` sends ten thousand.
"""

import asyncio
import os
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from local_stack import env_file
from local_stack.instance import Instance
from tests.support.api import running_api
from tests.support.memory_traffic import (
    CLAUDE,
    EMBEDDING,
    GPT,
    INTRUDER,
    KINDS,
    Sent,
    callers_file,
    drawn,
    send_all,
)
from tests.support.provider import ScriptedProvider

REQUESTS = int(os.environ.get("MEMORY_REQUESTS", "120"))
# A request takes LiteLLM about 20 ms; a machine that does other things as well gets ten times as long.
WITHIN = 120 + REQUESTS * 0.2  # seconds
pytestmark = pytest.mark.timeout(WITHIN + 120)
MEMORY = f"""
enabled: true
upstream: {{models: [{GPT}, {CLAUDE}, {EMBEDDING}]}}
"""


@dataclass(frozen=True)
class Run:
    """What was sent, what became of it, and what the provider got of each, by its mark."""

    sent: list[Sent]
    statuses: dict[str, int]
    received: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def run(stack: Instance, tmp_path_factory: pytest.TempPathFactory) -> Run:
    directory = tmp_path_factory.mktemp("memory")
    callers, memory = directory / "callers.yaml", directory / "memory_routing.yaml"
    callers.write_text(callers_file())
    memory.write_text(MEMORY)
    settings = {"CALLERS_CONFIG_PATH": str(callers), "MEMORY_ROUTING_CONFIG_PATH": str(memory), "API_TOKENS": ""}
    seed, mark = random.randrange(2**32), f"memory-{uuid4().hex[:12]}"
    print(f"Seed {seed}")
    sent = list(drawn(mark, REQUESTS, seed))
    key = env_file.read(stack.env_file)["LITELLM_TEST_KEY"]
    with running_api(
        directory, llm_base_url=stack.url("litellm"), llm_api_key=key, LOG_LEVEL="WARNING", **settings
    ) as api:
        statuses = asyncio.run(send_all(api, sent, WITHIN))
    return Run(
        sent, statuses, _by_mark(ScriptedProvider(stack.url("demo-provider")).requests(contains=mark, raw="true"))
    )


def _by_mark(requests: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for request in requests:
        start = request["raw"].index("memory-")
        found.setdefault(request["raw"][start : request["raw"].index(".", start) + 1], []).append(request)
    return found


def test_every_request_is_answered(run: Run) -> None:
    assert Counter(run.statuses.values()) == {200: REQUESTS}


def test_every_kind_was_sent_by_users_and_by_intruders(run: Run) -> None:
    assert {sent.kind for sent in run.sent} == set(KINDS)
    assert sum(sent.caller == INTRUDER for sent in run.sent) == REQUESTS // 10


def test_each_request_reaches_the_memory_of_its_own_user_and_no_others(run: Run) -> None:
    wrong = [
        (sent, [_told(request) for request in run.received.get(sent.mark, [])])
        for sent in run.sent
        if [_told(request) for request in run.received.get(sent.mark, [])] != [sent.told] * sent.kind.calls
    ]
    assert (len(wrong), wrong[:3]) == (0, [])


def test_no_body_names_a_user_to_a_model_that_has_a_memory(run: Run) -> None:
    bodies = [request["raw"] for requests in run.received.values() for request in requests]
    named = [body for body in bodies if "user-" in body and '"gpt-4o"' not in body]
    assert named[:3] == []


def _told(request: dict[str, Any]) -> tuple[str | None, str | None]:
    headers = request["headers"]
    return headers.get("x-sm-user-id"), headers.get("x-sm-conversation-id")
