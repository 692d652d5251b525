"""However much was said, no batch of spans is larger than a collector takes at once, and none is lost."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from api.config import Settings
from api.telemetry.tracing import (
    MAX_CONTENT_BYTES,
    Tracing,
    open_tracing,
    record_content,
    record_failure,
)
from tests.support.collector import Collector, collector

SAID = {"plain": "word ", "in characters of four bytes": "\U0001f600"}


@pytest.fixture
def traced() -> Iterator[tuple[Tracing, Collector]]:
    with collector() as receiver:
        settings = Settings(
            llm_api_key=SecretStr("sk-x"),
            require_auth=False,
            enable_tracing=True,
            phoenix_collector_endpoint=receiver.endpoint,
        )
        tracing = open_tracing(settings)
        yield tracing, receiver
        tracing.close()


@pytest.mark.parametrize("kind", SAID)
def test_every_span_arrives_with_as_much_content_as_fits(traced: tuple[Tracing, Collector], kind: str) -> None:
    tracing, receiver = traced
    text = SAID[kind] * 100_000
    number = 100
    for _ in range(number):
        with tracing.span("large", "CHAIN", metadata={"end_user": "u" * 1_000}) as span:
            record_content(span, tracing, given=text, result=text)
            record_failure(span, tracing, text)
    spans = receiver.wait_for(lambda spans: len(spans) >= number, within=60)
    assert len(spans) == number
    for told in (spans[0].attributes["input.value"], spans[0].attributes["output.value"]):
        assert told.startswith(SAID[kind] * 5_000)
        assert told.endswith(f"[… cut: {len(text):,} characters in all]")
        assert MAX_CONTENT_BYTES - 8 <= len(told.encode()) <= MAX_CONTENT_BYTES


def test_what_fits_is_told_whole(traced: tuple[Tracing, Collector]) -> None:
    tracing, receiver = traced
    with tracing.span("whole", "CHAIN", metadata={}) as span:
        record_content(span, tracing, given="ä" * (MAX_CONTENT_BYTES // 2), result="b" * MAX_CONTENT_BYTES)
    [told] = receiver.wait_for(bool, within=60)
    assert told.attributes["input.value"] == "ä" * (MAX_CONTENT_BYTES // 2)
    assert told.attributes["output.value"] == "b" * MAX_CONTENT_BYTES
