"""What is found wrong with an answer, and what is not."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.findings import Findings
from tests.fuzz.judge import Answer, judged


def _answer(status: int, **error: Any) -> Answer:
    told = {"message": "m", "type": "t", "param": None, "code": None, **error}
    return Answer(status, "application/json", json.dumps({"error": told}).encode())


def _anthropics(status: int, kind: str, message: str, **error: Any) -> Answer:
    told = {"type": "error", "error": {"type": kind, "message": message, **error}, "request_id": "req_1"}
    return Answer(status, "application/json", json.dumps(told).encode())


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(500, "text/plain", b"Internal Server Error"), "without an error in OpenAI's or Anthropic's shape"),
        (
            Answer(404, "application/json", b'{"detail": "Not Found"}'),
            "without an error in OpenAI's or Anthropic's shape",
        ),
        (_anthropics(500, "api_error", "The server failed to answer; its log says why."), "internal_error"),
        (_anthropics(400, "invalid_request_error", "litellm.x failed"), "shows the gateway"),
        (_anthropics(400, "invalid_request_error", "m", code="x"), "of another shape"),
        (_answer(500, code="internal_error"), "internal_error"),
        (_answer(502, code="of_nobody"), "of_nobody"),
        (_answer(400, code="invalid_type"), "names no field"),
        (_answer(400, message=" "), "says nothing"),
        (_answer(400, message="in /usr/lib/python3/x"), "shows a path"),
        (_answer(400, message="ValidationError for x"), "shows a class"),
        (_answer(400, message="litellm.x failed"), "shows the gateway"),
        (_answer(422, more=1), "of another shape"),
    ],
)
def test_what_no_answer_may_be_is_found(answer: Answer, fault: str) -> None:
    [found] = judged(answer, b"").faults
    assert fault in found


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, "application/json", b"{}"),
        Answer(400, "text/plain", b"Invalid HTTP request received."),
        _answer(400, code="invalid_type", param="model"),
        _answer(502, code="invalid_reasoning_step"),
        _anthropics(400, "invalid_request_error", "max_tokens: Field required"),
        _anthropics(529, "overloaded_error", "Overloaded"),
        Answer(200, "text/event-stream", b'data: {"object": "x"}\n\ndata: [DONE]\n\n'),
    ],
)
def test_what_an_answer_may_be_is_no_finding(answer: Answer) -> None:
    assert judged(answer, b"").faults == []


def test_a_server_error_that_reports_the_upstream_counts_apart() -> None:
    assert judged(_answer(502, code="invalid_reasoning_step"), b"").explained == "invalid_reasoning_step"


def test_what_the_client_sent_is_no_leak_when_it_comes_back() -> None:
    answer = _answer(404, message="The model `litellm` does not exist", param="model")
    assert judged(answer, b'{"model": "LiteLLM"}').faults == []


def test_an_error_of_ours_in_the_midst_of_a_stream_is_found() -> None:
    error = {"message": "m", "type": "server_error", "param": None, "code": "internal_error"}
    event = b"data: " + json.dumps({"error": error}).encode() + b"\n\n"
    [found] = judged(Answer(200, "text/event-stream", event), b"").faults
    assert "internal_error" in found


def test_the_smallest_input_of_a_kind_is_kept(tmp_path: Path) -> None:
    findings = Findings(tmp_path)
    for sent in (b"long", b"s", b"longer"):
        findings.add("part", "500 x", sent, b"received")
    assert (tmp_path / "part-500-x.sent").read_bytes() == b"s"
    assert findings.lines() == ["      3 × part: 500 x"]
