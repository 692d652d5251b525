"""What the provider says is what the client gets, whatever it says: generated answers, plain and streamed."""

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from tests.integration_tests.contract.answers import ANSWER, streams
from tests.integration_tests.contract.differences import ALLOWED_PLAIN, ALLOWED_STREAMED, Difference, differences
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


def _unexpected(sent: Any, got: Any, allowed: frozenset[tuple[str, str]]) -> list[Difference]:
    return [found for found in differences(sent, got) if (found.path, found.kind) not in allowed]


@BOUNDED
@given(answer=ANSWER)
def test_a_plain_answer_is_the_providers(wire: Wire, answer: dict[str, Any]) -> None:
    got = wire.ask({"raw_body": answer}).raise_for_status().json()
    assert _unexpected(answer, got, ALLOWED_PLAIN) == []


@BOUNDED
@given(stream=streams())
def test_a_streamed_answer_is_the_providers_chunk_by_chunk(wire: Wire, stream: list[dict[str, Any]]) -> None:
    response = wire.ask({"raw_chunks": [*stream, "[DONE]"]}, stream=True, stream_options={"include_usage": True})
    got = chunks(response)
    assert len(got) == len(stream)
    assert [_unexpected(one, other, ALLOWED_STREAMED) for one, other in zip(stream, got, strict=True)] == [[]] * len(
        got
    )
