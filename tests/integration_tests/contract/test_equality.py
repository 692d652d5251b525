"""What the provider says is what the client gets, whatever it says: generated answers, plain and streamed."""

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from tests.integration_tests.contract.answers import ANSWER, Streamed, streams
from tests.integration_tests.contract.differences import ALLOWED_PLAIN, allowed_of_chunk, handed_on, unexpected
from tests.integration_tests.contract.wire import Wire, chunks

BOUNDED = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=False,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)


@BOUNDED
@given(answer=ANSWER)
def test_a_plain_answer_is_the_providers(wire: Wire, answer: dict[str, Any]) -> None:
    got = wire.ask({"raw_body": answer}).raise_for_status().json()
    assert unexpected(answer, got, ALLOWED_PLAIN) == []


@BOUNDED
@given(stream=streams())
def test_a_streamed_answer_is_the_providers_chunk_by_chunk(wire: Wire, stream: Streamed) -> None:
    expected, _ = handed_on(stream.chunks)
    got = chunks(wire.ask_for(stream))
    assert len(got) == len(expected)
    found = [unexpected(sent, came, allowed_of_chunk(sent)) for sent, came in zip(expected, got, strict=True)]
    assert found == [[]] * len(got)
