"""`make usage` on the real stack: LiteLLM's database and its API say the same of the same calls, and the database is quick."""

import contextlib
import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from local_stack.instance import Instance
from operations import usage
from operations.spend_database import opened
from operations.spend_rows import UnreadableError
from operations.usage_report import DIMENSIONS
from tests.integration_tests.reasoning_script import script_two_tools
from tests.support.stack_client import StackClient, eventually

# Where no real call is: what these tests put there is theirs alone.
ODD, MANY = "2001-01-01", "2002-01-01"
BEFORE = {ODD: "2001-01-02", MANY: "2003-01-01"}
COUNT = 100_000
TREE = "session,agent"
QUICK = 60  # seconds on a machine that does other things as well; over the API it takes four minutes on an idle one
# Each as it may differ from a row of LiteLLM's own: columns, and then metadata.
ODDITIES: list[tuple[dict[str, Any], dict[str, Any] | None]] = [
    ({}, None),
    ({}, {}),
    ({"model_group": None, "model": ""}, {"spend_logs_metadata": None}),
    ({"model_group": "", "end_user": ""}, {"spend_logs_metadata": {"component": "", "caller": None}}),
    ({"request_tags": ["component:a", "component:b", "x"]}, {"spend_logs_metadata": {"session_id": "s"}}),
    ({"request_tags": ["component:", "environment:told", "operation:x:y"]}, {"user_api_key_alias": "alias"}),
    ({"request_tags": ["component:tag"]}, {"spend_logs_metadata": {"component": "said", "environment": "said"}}),
    ({"status": "failure", "prompt_tokens": 27}, {"usage_object": {}}),
    ({"status": "failure", "prompt_tokens": 27}, {"usage_object": {"total_tokens": 27}}),
    ({"status": "failure", "prompt_tokens": 27}, {"error_information": {"error_code": 499}}),
    ({"status": "success"}, {"error_information": {"error_code": "499"}}),
    ({"status": None, "request_duration_ms": None}, {"error_information": {"error_code": "500"}}),
    *(
        ({"spend": 0.01}, {"spend_logs_metadata": {"session_id": "t", "agent_id": agent, "parent_agent_id": parent}})
        for agent, parent in [
            ("a", None),
            ("b", "a"),
            ("b", "Z"),
            ("c", "c"),
            ("d", "e"),
            ("e", "d"),
            ("", "a"),
            ("f", "ä"),
        ]
    ),
    *(
        ({}, {"usage_object": usage, "spend_logs_metadata": {"memory_user": "m", "session_id": "t"}})
        for usage in (
            {"prompt_tokens_details": {"cached_tokens": 3}, "cache_read_input_tokens": 2},
            {"input_tokens_details": {"cached_tokens": 4.0}, "prompt_tokens_details": []},
            {"cache_read_input_tokens": "5"},
            "words",
        )
    ),
    *(({"spend": 0.1 + number / 3e9, "request_duration_ms": number * 7}, {}) for number in range(20)),
]


@pytest.fixture(scope="module")
def client(stack: Instance) -> StackClient:
    return StackClient.of(stack)


@pytest.fixture(scope="module")
def database(client: StackClient) -> Iterator[psycopg.Connection]:
    """LiteLLM's, as itself; what was put before its time is taken out again."""
    password = client.settings["LITELLM_POSTGRES_PASSWORD"]
    port = client.stack.ports.postgres
    with psycopg.connect(
        host="127.0.0.1", port=port, user="litellm", dbname="litellm", password=password, autocommit=True
    ) as connection:
        yield connection
        connection.execute("""DELETE FROM "LiteLLM_SpendLogs" WHERE "startTime" < '2010-01-01'""")


@pytest.fixture(scope="module")
def real(client: StackClient) -> str:
    """The moment before calls of several kinds: that succeeded, that failed, with tools, of a caller that names itself."""
    began = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    mark = f"mark-{uuid4().hex}"
    script_two_tools(client.provider, mark)
    asked = [client.ask(mark, mode="reasoning"), client.ask("Hello", stream=True, user="somebody")]
    headers = {"authorization": f"Bearer {client.token}", "x-session-id": "of-its-own"}
    refused = {"model": "nobodys", "input": "Hello"}
    httpx.post(client.stack.url("api", "/v1/responses"), json=refused, headers=headers, timeout=60, trust_env=False)
    httpx.post(
        client.stack.url("api", "/v1/embeddings"),
        json={"model": "text-embedding-3-small", "input": "Hello"},
        headers=headers,
        timeout=60,
        trust_env=False,
    )
    for answered, calls in zip(asked, (4, 1), strict=True):
        client.spend_rows(answered.trace_id, calls=calls)
    return began


@pytest.fixture(scope="module")
def odd(database: psycopg.Connection) -> str:
    key = "SELECT token FROM \"LiteLLM_VerificationToken\" WHERE key_alias = 'litellm-test'"
    for number, (changed, metadata) in enumerate(ODDITIES):
        row = {"request_id": f"odd-{number}", "call_type": "acompletion", "model": "m", "spend": 0.25, **changed}
        row |= {"metadata": json.dumps(metadata) if metadata is not None else None}
        row |= {"request_tags": json.dumps(row.get("request_tags", []))}
        names = ", ".join(f'"{name}"' for name in row)
        values = ", ".join(["%s"] * len(row))
        database.execute(
            f"""INSERT INTO "LiteLLM_SpendLogs" ({names}, "startTime", "endTime", api_key)
                VALUES ({values}, %s::timestamp, %s::timestamp + interval '1.2345 s', {"(" + key + ")" if number % 2 else "''"})""",  # noqa: S608
            [*row.values(), ODD, ODD],
        )
    return ODD


def printed(client: StackClient, since: str, *options: str, password: str = "") -> str:
    """What `make usage` says of this time."""
    window = ["--since", since, *(["--until", BEFORE[since]] if since in BEFORE else [])]
    where = ["--state-dir", str(client.stack.state)]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert usage.main([*window, *where, *options], {"LITELLM_POSTGRES_PASSWORD": password}) == 0
    return said.getvalue()


@pytest.mark.parametrize("form", ["json", "csv", "table"])
@pytest.mark.parametrize("by", [*DIMENSIONS, ",".join(DIMENSIONS), TREE])
def test_the_database_and_the_api_say_the_same_of_odd_rows(client: StackClient, odd: str, by: str, form: str) -> None:
    options = ("--by", by, "--format", form)
    assert printed(client, odd, *options) == printed(client, odd, *options, password="wrong")


@pytest.mark.parametrize("by", [*DIMENSIONS, ",".join(DIMENSIONS), TREE])
def test_the_database_and_the_api_say_the_same_of_real_calls(client: StackClient, real: str, by: str) -> None:
    def same() -> bool | None:
        """LiteLLM goes on writing what other tests did a moment ago: between the two, too."""
        options = ("--by", by, "--format", "json")
        return printed(client, real, *options) == printed(client, real, *options, password="wrong") or None

    assert eventually(same, f"both doors agree by {by}")


def test_the_sums_of_odd_rows_are_right(client: StackClient, odd: str) -> None:
    total = json.loads(printed(client, odd, "--format", "json"))["total"]
    counts = [total[name] for name in ("calls", "errors", "cut", "prompt_tokens")]
    assert counts == [len(ODDITIES), 3, 2, 27]


def test_the_agents_of_a_session_add_up_to_it(client: StackClient, odd: str) -> None:
    tree = json.loads(printed(client, odd, "--by", TREE, "--format", "json"))
    for session in tree["sessions"]:
        for name in ("calls", "prompt_tokens", "cache_read_tokens", "completion_tokens", "tokens", "cost"):
            assert session[name] == pytest.approx(sum(agent[name] for agent in session["agents"]), rel=0, abs=1e-9)


def test_another_litellms_database_is_not_read(client: StackClient) -> None:
    """As when a second stack's database listens where this one's is looked for: the newest call is not in it."""
    password = client.settings["LITELLM_POSTGRES_PASSWORD"]
    now = datetime.now(UTC)
    with (
        opened(client.stack.ports.postgres, password, now, now) as found,
        pytest.raises(UnreadableError, match="another LiteLLM's"),
    ):
        found.check_holds("unheard-of")


def test_a_hundred_thousand_calls_are_summed_while_one_waits(
    client: StackClient, real: str, database: psycopg.Connection
) -> None:
    """Copies of real rows, whose metadata is as long as theirs."""
    database.execute(
        """INSERT INTO "LiteLLM_SpendLogs" (request_id, call_type, api_key, spend, prompt_tokens, completion_tokens,
             "startTime", "endTime", request_duration_ms, model, model_group, metadata, request_tags, status)
           SELECT 'copy-' || number, call_type, api_key, spend, prompt_tokens, completion_tokens,
             %s::timestamp + make_interval(secs => number), %s::timestamp + make_interval(secs => number + 1),
             number %% 1000, model, model_group, metadata, request_tags, status
           FROM generate_series(1, %s) AS numbers (number)
           JOIN LATERAL (SELECT * FROM "LiteLLM_SpendLogs" WHERE "startTime" >= %s::timestamp AND number > 0
             ORDER BY request_id OFFSET number %% 5 LIMIT 1) AS found ON TRUE""",
        [MANY, MANY, COUNT, real],
    )
    for by in ("component,operation,model", TREE):
        began = time.monotonic()
        report = json.loads(printed(client, MANY, "--by", by, "--format", "json"))
        assert time.monotonic() - began < QUICK
        assert report["total"]["calls"] == COUNT
