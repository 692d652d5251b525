"""What no answer may be, whatever was asked. No status of today stands here: only what holds of all of them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# A server error that reports what the upstream did is no fault of this server's, and each says so by its code.
EXPLAINED = {
    "invalid_reasoning_step": "the model was asked twice and did not plan a step",
    "answer_unusable": "the model's answer was no object of the schema",
    "upstream_timeout": "the provider did not answer in time",
    "llm_gateway_timeout": "the gateway did not answer in time",
    "llm_gateway_unreachable": "the gateway is not there",
    "llm_gateway_stream_broken": "the answer broke off",
    "model_list_unavailable": "the gateway did not list its models",
    "server_overloaded": "the bodies under way were as many as this server holds at once",
    "not_ready": "what the server stands on is not there",
}
# Anthropic's form has no code: its type says as much of the upstream, and of ourselves only the words.
EXPLAINED |= dict.fromkeys(
    ("api_error", "timeout_error", "overloaded_error"), "the upstream failed, told in Anthropic's form"
)
OURS = "internal_error"
_SAID_BY_US = re.compile("The server failed (?:to answer|while it was answering)")
PROVIDER_FAILED = "provider_failed"
EXPLAINED[PROVIDER_FAILED] = "the demo provider met a shape that it does not know, and failed as a provider may"
_SAID_BY_THE_PROVIDER = "The server had an error while processing your request."
# uvicorn's own answer to what is no HTTP: nothing of ours has seen it.
NO_HTTP = b"Invalid HTTP request received."
LOOKED_AT = 2_000  # characters at a message's beginning and end
_FIELDS = {"message", "type", "param", "code"}
_ANTHROPICS = ({"type", "message"}, {"type", "message", "details"})
# These codes say that a field is wrong, so the field is named.
_ABOUT_A_FIELD = re.compile(
    r"^(invalid_type|invalid_value|missing_required_parameter|unknown_parameter|invalid_header)$"
)
_LEAKS = {
    "a traceback": re.compile(r"Traceback \(most|File \"|line \d+, in "),
    "a path": re.compile(
        r"(?<![\w/:.])/(?:usr|home|work|root|tmp|var|opt|app|proc|etc)/[\w.\-/]+|\w+/\w+\.py\b|site-packages"
    ),
    "a class": re.compile(r"<class '|<\w+(?:\.\w+)+ object at|\bobject at 0x|\b[A-Z][a-z]+\w*(?:Error|Exception)\b"),
    "a library": re.compile(
        r"\b(?:pydantic|starlette|fastapi|uvicorn|httptools|aiohttp|httpx|asyncio|jsonschema|prisma)\b", re.IGNORECASE
    ),
    # Before the provider alone nobody takes our own field off: it is that which the provider refuses.
    "the gateway": re.compile(r"litellm(?!_(?:base|log|metadata: Extra))", re.IGNORECASE),
}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer as a client has it; `body` is without its framing."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True)
class Verdict:
    """What is wrong with an answer, one line a kind, and the code of a server error that is explained."""

    faults: list[str]
    explained: str | None = None


def judged(answer: Answer, sent: bytes) -> Verdict:
    """The verdict on a whole answer to what was sent."""
    if answer.content_type.startswith("text/event-stream"):
        return _joined(
            [_of_error(answer.status, error, sent) for error in _stream_errors(answer.body)], _stream(answer)
        )
    if answer.status < 400 or (answer.status == 400 and answer.body == NO_HTTP):
        return Verdict([])
    try:
        told = json.loads(answer.body)
        error = _in_openais_form(told) if told.get("type") == "error" else told["error"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return Verdict([f"{answer.status} without an error in OpenAI's or Anthropic's shape"])
    return _of_error(answer.status, error, sent)


def _in_openais_form(told: Any) -> Any:
    """An error of Anthropic's: what is wrong with it stays so."""
    error = told["error"]
    if not isinstance(error, dict) or set(error) not in _ANTHROPICS or not isinstance(told.get("request_id", ""), str):
        return None
    code = OURS if _SAID_BY_US.match(str(error["message"])) else error["type"]
    return {"message": error["message"], "type": error["type"], "param": None, "code": code}


def _of_error(status: int, error: Any, sent: bytes) -> Verdict:
    if not isinstance(error, dict) or set(error) != _FIELDS or not isinstance(error["message"], str):
        return Verdict([f"{status} with an error of another shape"])
    code = PROVIDER_FAILED if _SAID_BY_THE_PROVIDER in error["message"] else error["code"]
    explained = code if code in EXPLAINED and code != OURS else None
    faults = [f"shows {leak}" for leak in leaks(error["message"], sent) if not (explained and "gateway" in leak)]
    if _ABOUT_A_FIELD.match(str(code)) and error["param"] is None and "The body" not in error["message"]:
        faults.append("names no field")
    if not error["message"].strip():
        faults.append("says nothing")
    if not explained and (status >= 500 or code == OURS):
        faults.append(_shortened(error["message"]))
    return Verdict([f"{status} {code}: {fault}" for fault in faults], explained)


def leaks(message: str, sent: bytes) -> list[str]:
    """What a message tells of the inside. Words that the client itself sent are its own."""
    asked = sent.decode(errors="replace").lower()
    # Some of these patterns would take long for what a message may quote.
    message = message[:LOOKED_AT] + " " + message[-LOOKED_AT:]
    return [
        f"{name} ({found[0].strip()[:40]})"
        for name, pattern in _LEAKS.items()
        if (found := pattern.search(message)) and found[0].lower() not in asked
    ]


def _stream(answer: Answer) -> list[str]:
    events = _events(answer.body)
    bad = [event for event in events if not isinstance(event, dict)]
    return [f"a stream with an event that is no JSON object: {str(bad[0])[:60]}"] if bad else []


def _events(body: bytes) -> list[Any]:
    lines = (line[5:].strip() for line in body.split(b"\n") if line.startswith(b"data:"))
    return [_parsed(line) for line in lines if line != b"[DONE]"]


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return line


def _stream_errors(body: bytes) -> Iterator[Any]:
    """The errors inside a stream: `{"error": …}`, or the Responses API's named event with the same fields."""
    for event in _events(body):
        if isinstance(event, dict) and event.get("type") == "error" and "error" in event:
            yield _in_openais_form(event)
        elif isinstance(event, dict) and isinstance(event.get("error"), dict) and "object" not in event:
            yield event["error"]
        elif isinstance(event, dict) and event.get("type") == "error":
            yield {**{name: event.get(name) for name in _FIELDS}, "type": "error"}


def _joined(verdicts: list[Verdict], faults: list[str]) -> Verdict:
    all_faults = [fault for verdict in verdicts for fault in verdict.faults]
    return Verdict(all_faults + faults, next((verdict.explained for verdict in verdicts if verdict.explained), None))


def _shortened(message: str) -> str:
    """Alike for all inputs of a kind: no ids, numbers or quotations."""
    return re.sub(r"req_\w+|[0-9a-f]{16,}|\d+|'[^']*'|`[^`]*`|\"[^\"]*\"", "…", message)[:100]
