"""The spans that leave: one trace a request, open to the last byte, ERROR only and always on failure."""

import json
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.api import RunningAPI, running_api
from tests.support.collector import Collector, ReceivedSpan
from tests.support.provider import ScriptedProvider

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


def _ask(api: RunningAPI, mark: str, *, stream: bool = False, headers: dict[str, str] | None = None) -> httpx.Response:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": mark}], "stream": stream}
    return httpx.post(
        f"{api.base_url}/chat/completions",
        json=body,
        headers=api.headers | (headers or {}),
        trust_env=False,
        timeout=30,
    )


def _spans_of(spans: Collector, response: httpx.Response) -> tuple[ReceivedSpan, ReceivedSpan]:
    """The request's span and the call's."""
    trace = response.headers["x-trace-id"]
    mine = spans.wait_for(lambda received: sum(span.trace_id == trace for span in received) >= 2)
    call, request = sorted(
        (span for span in mine if span.trace_id == trace), key=lambda span: span.name.startswith("POST")
    )
    return request, call


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_request_is_one_tree_of_two_spans(api: RunningAPI, spans: Collector, mark: str, stream: bool) -> None:
    request, call = _spans_of(spans, _ask(api, mark, stream=stream))
    assert (request.name, call.name) == ("POST /v1/chat/completions", "passthrough.chat")
    assert (request.parent_id, call.parent_id) == ("", request.span_id)
    assert (request.kind, call.kind) == ("CHAIN", "CHAIN")


def test_both_spans_say_what_the_call_was_for(api: RunningAPI, spans: Collector, mark: str) -> None:
    request, call = _spans_of(spans, _ask(api, mark))
    assert (
        call.metadata.items()
        >= {"component": "passthrough", "operation": "chat", "routing_path": "passthrough"}.items()
    )
    assert request.metadata["routing_path"] == "passthrough"


def test_the_session_is_on_every_span(api: RunningAPI, spans: Collector, mark: str) -> None:
    request, call = _spans_of(spans, _ask(api, mark, headers={"X-Session-ID": "s-1"}))
    assert (request.attributes["session.id"], call.attributes["session.id"]) == ("s-1", "s-1")


def test_litellm_gets_the_calls_own_traceparent(
    api: RunningAPI, spans: Collector, provider: ScriptedProvider, mark: str
) -> None:
    _, call = _spans_of(spans, _ask(api, mark))
    [sent] = provider.requests(contains=mark)
    assert sent["headers"]["traceparent"] == f"00-{call.trace_id}-{call.span_id}-01"
    assert sent["body"]["metadata"]["spend_logs_metadata"]["trace_id"] == call.trace_id


def test_an_inbound_traceparent_is_continued(api: RunningAPI, spans: Collector, mark: str) -> None:
    response = _ask(api, mark, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    request, _ = _spans_of(spans, response)
    assert (response.headers["x-trace-id"], request.parent_id) == (TRACE, PARENT)


def test_the_spans_stay_open_until_the_last_byte(
    api: RunningAPI, spans: Collector, provider: ScriptedProvider, mark: str
) -> None:
    provider.script({"chunks": ["a", "b", "c"], "chunk_delay": 0.3}, contains=mark)
    request, call = _spans_of(spans, _ask(api, mark, stream=True))
    assert request.seconds >= call.seconds >= 0.6


FAILURES: dict[str, tuple[bool, dict[str, Any]]] = {
    "refused, plain": (False, {"status": 429, "error": {"message": "slow down"}}),
    "refused, streamed": (True, {"status": 500, "error": {"message": "broken"}}),
    "an error event in mid-stream": (True, {"chunks": ["a", "b"], "fail_after_chunks": 1, "fail": "error_event"}),
    "a connection lost in mid-stream": (True, {"chunks": ["a", "b"], "fail_after_chunks": 1, "fail": "drop"}),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_is_an_error_on_both_spans(
    api: RunningAPI, spans: Collector, provider: ScriptedProvider, mark: str, failure: str
) -> None:
    stream, reply = FAILURES[failure]
    provider.script(reply, contains=mark)
    request, call = _spans_of(spans, _ask(api, mark, stream=stream))
    assert (request.status, call.status) == (2, 2)


def test_success_leaves_the_status_unset(api: RunningAPI, spans: Collector, mark: str) -> None:
    request, call = _spans_of(spans, _ask(api, mark))
    assert (request.status, call.status) == (0, 0)


def test_no_span_of_ours_carries_tokens_cost_or_keys(api: RunningAPI, spans: Collector, mark: str) -> None:
    for span in _spans_of(spans, _ask(api, mark)):
        assert not [
            name for name in span.attributes if name.startswith(("llm.token_count", "llm.cost", "gen_ai.usage"))
        ]
        assert "sk-virtual" not in json.dumps(span.attributes)


def test_without_tracing_an_inbound_traceparent_still_reaches_litellm(
    directory: Path, provider: ScriptedProvider, mark: str
) -> None:
    traceparent = f"00-{TRACE}-{PARENT}-01"
    with running_api(directory, llm_base_url=provider.url, ENABLE_TRACING="false") as api:
        assert _ask(api, mark, headers={"traceparent": traceparent}).status_code == 200
    [sent] = provider.requests(contains=mark)
    assert sent["headers"]["traceparent"] == traceparent


def test_a_collector_that_is_down_fails_no_request_and_delays_no_shutdown(
    directory: Path, provider: ScriptedProvider, mark: str
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with running_api(
            directory, llm_base_url=provider.url, ENABLE_TRACING="true", PHOENIX_COLLECTOR_ENDPOINT=endpoint
        ) as api:
            assert [_ask(api, mark, stream=stream).status_code for stream in (False, True)] == [200, 200]
            api.process.terminate()
            assert api.process.wait(9) is not None
