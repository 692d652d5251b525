"""What a client is told while something is wrong or down, and that everything works again by itself."""

import re
from pathlib import Path

import pytest

from local_stack import bootstrap
from local_stack.instance import Instance
from tests.support.failures import (
    CLASSIFIER_REPLIES,
    UNKNOWN_CLASSIFIER,
    ClassifierFailure,
    Failure,
    classifier_failures,
    failures,
)
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

IN_TIME = 1.0 + 2.0  # seconds: ROUTING_CLASSIFIER_TIMEOUT's default, then the answer itself on a busy machine
LATE, MISFIT = "no choice within 1 s", "answer_unusable: the answer does not fit its schema"
# Of what LiteLLM tries again, either its last attempt is told or that all of them took too long: in the tests it hardly pauses.
CAUSES: dict[str, str | tuple[str, ...]] = {
    "is down: its provider drops every connection": (LATE, "502: The provider cannot be reached."),
    "is slow: it takes 20 s": LATE,
    "fails with a 400, which is not retried": "not today",
    "fails with a 500, which LiteLLM retries": (LATE, "500: not today"),
    "refuses": "answer_unusable: the model refused",
    "says nothing": "answer_unusable: the answer was empty",
    "says something else": MISFIT,
    "chooses what there is not": MISFIT,
    "is cut off": "answer_unusable: the answer was cut off at its length limit",
    UNKNOWN_CLASSIFIER: "model_not_found: The model `gpt-unknown` does not exist",
}


@pytest.fixture(scope="module")
def client(stack: Instance) -> StackClient:
    return StackClient.of(stack)


@pytest.fixture(scope="module")
def met(client: StackClient) -> dict[str, Failure]:
    return {failure.situation: failure for failure in failures(client)}


@pytest.fixture(scope="module")
def misled(client: StackClient) -> dict[str, ClassifierFailure]:
    return {failure.situation: failure for failure in classifier_failures(client)}


@pytest.mark.parametrize("situation", CAUSES)
def test_a_classifier_that_fails_costs_a_client_its_budget_at_most_and_no_answer(
    misled: dict[str, ClassifierFailure], situation: str
) -> None:
    for told in (misled[situation].plain, misled[situation].streamed):
        assert (told.status, told.decision, told.source) == (200, "passthrough", "classifier_fallback")
        assert _is_expected(situation, told.cause)
        assert told.seconds < IN_TIME


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


def test_the_document_lists_what_the_classifier_does() -> None:
    rows = re.findall(
        r"^\| ([^|]+?) \| ([^|]+?) \| 200 \| `passthrough` \| `classifier_fallback` \| [\d.]+ s \|$",
        DOCUMENT.read_text(),
        re.MULTILINE,
    )
    listed = dict(rows)
    assert listed.keys() == CAUSES.keys() == CLASSIFIER_REPLIES.keys() | {UNKNOWN_CLASSIFIER}
    assert [situation for situation, cause in listed.items() if not _is_expected(situation, cause)] == []


def _is_expected(situation: str, cause: str) -> bool:
    causes = CAUSES[situation]
    return any(part in cause for part in ((causes,) if isinstance(causes, str) else causes))
