"""Who is charged for a call, how often a provider is asked for it, and that one caller's failure is nobody else's."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
import yaml

from local_stack import bootstrap
from local_stack.instance import Instance
from tests.support.stack_client import Answered, StackClient, eventually

ATTEMPTS = (
    yaml.safe_load((bootstrap.ROOT / "config" / "litellm_config.yaml").read_text())["router_settings"]["num_retries"]
    + 1
)
KEY, OTHER_KEYS = "LITELLM_TEST_KEY", ("LITELLM_API_KEY", "LITELLM_EVAL_KEY")
# So dear a call that whatever else is being charged meanwhile is nothing beside it.
DEAR = {"prompt_tokens": 10_000_000, "completion_tokens": 1, "total_tokens": 10_000_001}
# What a provider fails with, and how often it is asked until the caller is told so.
FAILURES = {404: 1, 429: ATTEMPTS, 500: ATTEMPTS}
WAYS = ("plain", "streamed")


class Failed(NamedTuple):
    """A call that its provider failed, and what another caller got right after it."""

    answered: Answered
    asked: int
    next_caller: Answered


@pytest.fixture(scope="module")
def client(stack: Instance) -> StackClient:
    return StackClient.of(stack)


@pytest.fixture(scope="module")
def charged(client: StackClient) -> tuple[dict[str, float], Answered]:
    """What stood on each key before a dear call, and the call."""
    before = {name: client.spent(name) for name in (KEY, *OTHER_KEYS)}
    mark = f"mark-{uuid4().hex}"
    client.provider.script({"content": "dear", "usage": DEAR}, contains=mark)
    return before, client.ask(mark)


def test_the_apis_key_is_charged(client: StackClient, charged: tuple[dict[str, float], Answered]) -> None:
    before, answered = charged

    def added() -> float | None:
        more = client.spent(KEY) - before[KEY]
        # Of two sums the difference may be a rounding less than the cost.
        return more if more > answered.cost / 2 else None

    assert answered.cost > 1
    assert eventually(added, "the key is charged") == pytest.approx(answered.cost, rel=0.05)


def test_no_other_key_is_charged(client: StackClient, charged: tuple[dict[str, float], Answered]) -> None:
    before, answered = charged
    client.spend_rows(answered.trace_id, calls=1)
    # What other tests spent a moment ago may still be on its way to their key, and is nothing beside this call.
    added = {name: client.spent(name) - before[name] for name in OTHER_KEYS}
    assert max(added.values()) < answered.cost / 100


def test_the_spend_log_names_the_apis_key(client: StackClient, charged: tuple[dict[str, float], Answered]) -> None:
    [row] = client.spend_rows(charged[1].trace_id, calls=1)
    assert row["api_key"] == sha256(client.settings[KEY].encode()).hexdigest()
    assert row["metadata"]["user_api_key_alias"] == "litellm-test"


@pytest.fixture(scope="module")
def failed(client: StackClient) -> dict[tuple[int, str], Failed]:
    """Each failure, plain and streamed, side by side: LiteLLM waits seconds between its attempts."""

    def fail(case: tuple[int, str]) -> Failed:
        status, way = case
        mark = f"mark-{uuid4().hex}"
        reply: dict[str, Any] = {"status": status, "error": {"message": f"scripted {status}", "type": "x", "code": "x"}}
        client.provider.script(reply, contains=mark, repeat_last=True)
        answered = client.ask(mark, stream=way == "streamed")
        return Failed(answered, len(client.provider.requests(contains=mark)), client.ask("still there?"))

    cases = [(status, way) for status in FAILURES for way in WAYS]
    with ThreadPoolExecutor(len(cases)) as pool:
        return dict(zip(cases, pool.map(fail, cases), strict=True))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", FAILURES)
def test_a_failing_call_reaches_the_provider_as_often_as_one_layer_of_retries_says(
    failed: dict[tuple[int, str], Failed], status: int, way: str
) -> None:
    assert failed[status, way].asked == FAILURES[status]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", FAILURES)
def test_its_caller_is_told_the_provider_s_status_and_message(
    failed: dict[tuple[int, str], Failed], status: int, way: str
) -> None:
    response = failed[status, way].answered.response
    assert response.status_code == status
    assert f"scripted {status}" in response.json()["error"]["message"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", FAILURES)
def test_it_takes_the_model_from_nobody_else(failed: dict[tuple[int, str], Failed], status: int, way: str) -> None:
    assert failed[status, way].next_caller.response.status_code == 200
