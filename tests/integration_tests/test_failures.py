"""What a client is told while something is wrong or down, and that everything works again by itself."""

import re
from pathlib import Path

import pytest

from local_stack import bootstrap
from local_stack.instance import Instance
from tests.support.failures import Failure, failures
from tests.support.stack_client import StackClient

# Services are killed, and LiteLLM takes its time to start.
pytestmark = pytest.mark.timeout(400)
DOCUMENT = Path(bootstrap.ROOT, "docs", "failures.md")
OK = (200, "")
REFUSED = (401, "llm_gateway_key_rejected")
UNREACHABLE = (503, "llm_gateway_unreachable")
NOT_FOUND = (404, "model_not_found")
EXPECTED = {
    "the caller's token is wrong": (401, "invalid_api_key"),
    "the model does not exist": NOT_FOUND,
    "the API's virtual key is wrong": REFUSED,
    "the API's virtual key is not for the model": NOT_FOUND,
    "PostgreSQL is down": (503, ""),
    "LiteLLM is down": UNREACHABLE,
    "Phoenix is down": OK,
}


@pytest.fixture(scope="module")
def client(stack: Instance) -> StackClient:
    return StackClient.of(stack)


@pytest.fixture(scope="module")
def met(client: StackClient) -> dict[str, Failure]:
    return {failure.situation: failure for failure in failures(client)}


@pytest.mark.parametrize("situation", EXPECTED)
def test_a_client_is_told_what_is_wrong_whichever_way_it_asked(met: dict[str, Failure], situation: str) -> None:
    failure = met[situation]
    assert (failure.plain.outcome, failure.streamed.outcome) == (EXPECTED[situation], EXPECTED[situation])
    assert failure.plain.message == failure.streamed.message


@pytest.mark.parametrize("situation", ["PostgreSQL is down", "LiteLLM is down"])
def test_calls_work_again_without_a_restart_of_the_api(met: dict[str, Failure], situation: str) -> None:
    assert met[situation].restored is not None


@pytest.mark.parametrize("situation", ["the API's virtual key is wrong", "PostgreSQL is down", "LiteLLM is down"])
def test_the_server_is_not_ready_while_every_call_fails(met: dict[str, Failure], situation: str) -> None:
    assert met[situation].ready.outcome == (503, "not_ready")


def test_no_message_quotes_a_key(met: dict[str, Failure]) -> None:
    messages = [told.message for failure in met.values() for told in (failure.plain, failure.ready)]
    assert [message for message in messages if re.search(r"sk-\w|[0-9a-f]{32}", message)] == []


def test_traces_arrive_again_after_phoenix_was_down(client: StackClient, met: dict[str, Failure]) -> None:
    assert met["Phoenix is down"].plain.status == 200
    assert client.spans(client.ask("traced again?").trace_id, calls=1)


def test_the_document_lists_what_is_held_here() -> None:
    rows = re.findall(r"^\| ([^|]+?) \| (\d{3}) \| (?:`([^`]*)`)? *\|", DOCUMENT.read_text(), re.MULTILINE)
    assert {situation: (int(status), code) for situation, status, code in rows} == EXPECTED
