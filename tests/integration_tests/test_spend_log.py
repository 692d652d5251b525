"""What a call used is recorded whatever stands in another's record, and after LiteLLM's query engine has ended.

LiteLLM is asked directly: the API lets none of these bodies through.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from local_stack import processes
from local_stack.instance import Instance
from tests.support.stack_client import StackClient, eventually

KEY = "LITELLM_TEST_KEY"
GOOD: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
HUGE = "9" * 400
# What makes a record that cannot be stored as it is, as the JSON text of one more field; LiteLLM answers all of them.
UNSTORABLE = {
    "a number of 400 digits": f'"metadata": {{"x": {HUGE}}}',
    "NaN": '"metadata": {"x": NaN}',
    "a NUL as the end user": r'"user": "a\u0000b"',
    "a NUL in the session": r'"metadata": {"session_id": "a\u0000b"}',
    "a NUL in a tag": r'"metadata": {"tags": ["a\u0000b"]}',
    "a NUL in a name": r'"metadata": {"a\u0000b": 1}',
}


@pytest.fixture(scope="module")
def client(stack: Instance) -> StackClient:
    return StackClient.of(stack)


def ask(client: StackClient, body: str) -> float:
    """The cost of one call to LiteLLM."""
    headers = {"authorization": f"Bearer {client.settings[KEY]}", "content-type": "application/json"}
    url = client.stack.url("litellm", "/v1/chat/completions")
    answer = httpx.post(url, content=body, headers=headers, timeout=60, trust_env=False).raise_for_status()
    return float(answer.headers["x-litellm-response-cost"])


def with_one_more(field: str) -> str:
    return f"{json.dumps(GOOD).removesuffix('}')}, {field}}}"


@pytest.mark.parametrize("field", UNSTORABLE.values(), ids=UNSTORABLE)
def test_a_record_that_cannot_be_stored_takes_no_other_with_it(client: StackClient, field: str) -> None:
    rows, spent = client.logged(KEY), client.spent(KEY)
    good, bad = json.dumps(GOOD), with_one_more(field)
    with ThreadPoolExecutor(4) as pool:
        costs = list(pool.map(lambda body: ask(client, body), [good, bad, good, good]))
    eventually(lambda: client.logged(KEY) >= rows + 3 or None, "the other calls are in the spend log")
    eventually(lambda: client.spent(KEY) > spent + sum(costs) * 0.99 or None, "the key is charged for every call")


def test_a_model_that_does_not_exist_takes_no_other_calls_record_with_it(client: StackClient) -> None:
    before = daily_requests(client)
    with ThreadPoolExecutor(4) as pool:
        good = [pool.submit(ask, client, json.dumps(GOOD)) for _ in range(3)]
        unknown = pool.submit(ask, client, json.dumps({**GOOD, "model": "a\0b"}))
    assert all(call.result() > 0 for call in good)
    assert isinstance(unknown.exception(), httpx.HTTPStatusError)
    eventually(lambda: daily_requests(client) >= before + 3 or None, "the others are in the day's activity")


def test_records_are_written_again_after_the_query_engine_was_killed(client: StackClient, stack: Instance) -> None:
    rows = client.logged(KEY)
    [engine] = [process for process in processes.own(stack.state) if process.name() == "query-engine"]
    engine.kill()
    ask(client, json.dumps(GOOD))
    eventually(lambda: logged_if_it_answers(client) > rows or None, "a call after it is in the spend log", within=120)


def logged_if_it_answers(client: StackClient) -> int:
    """-1 while LiteLLM's database client is being connected anew."""
    try:
        return client.logged(KEY)
    except httpx.HTTPStatusError:
        return -1


def daily_requests(client: StackClient) -> int:
    """LiteLLM adds up the rows of the page that it shows, and each key, model and day has a row."""
    days = {"start_date": "2000-01-01", "end_date": "2100-01-01", "page_size": "1000"}
    said = client.litellm("/user/daily/activity", **days)["metadata"]
    assert not said["has_more"]
    return int(said["total_api_requests"])
