"""The part `socket`: bytes over bare sockets."""

import random
import re
from collections.abc import Iterator

from tests.fuzz.drive import Bounds, Drive, Tally
from tests.fuzz.exchange import exchange
from tests.fuzz.findings import Findings
from tests.fuzz.http_bytes import socket_input
from tests.fuzz.judge import EXPLAINED, leaks
from tests.fuzz.surroundings import port_of
from tests.support.api import TOKEN, RunningAPI

PART = "socket"
# Beyond the API's own limits for heads and bodies; whoever is left without a word until then is left for good.
RESOLVED_WITHIN = 45.0
GIVEN_UP = 60.0
QUIET = 0.15  # seconds without a byte after which a client that is not patient leaves
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n(.*?)\r\n\r\n", re.DOTALL)
_CODE = re.compile(rb'"code":\s*"(\w+)"')


def run(api: RunningAPI, findings: Findings, bounds: Bounds, *, seed: int, numbers: range) -> Tally:
    """Sends them all. The bystander asks for a chat completion in turn with a sign of life."""

    async def one(number: int, tally: Tally) -> bytes:
        given = socket_input(random.Random(f"{seed}/{PART}/{number}"), TOKEN)
        came = await exchange(
            port_of(api),
            given.pieces,
            within=GIVEN_UP,
            pause=given.pause,
            half_close=given.half_close,
            first=RESOLVED_WITHIN if given.patient else QUIET,
            quiet=QUIET,
        )
        tally.answers.update(_classes(came.data))
        for fault in _faults(came.data, given.data, tally):
            findings.add(PART, fault, given.data, came.data, number=number)
        if given.patient and not came.closed and not came.data:
            findings.add(PART, "neither answered nor closed", given.data, came.data, number=number)
        return given.data

    return Drive(api, findings, bounds, ("/health", "/v1/chat/completions")).run(PART, numbers, one)


def _classes(data: bytes) -> Iterator[str]:
    answers = [found[1] for found in _STATUS_LINE.finditer(data)]
    yield from (f"{status.decode()[0]}xx" for status in answers)
    if not answers:
        yield "no answer"


def _faults(data: bytes, sent: bytes, tally: Tally) -> Iterator[str]:
    if data and not data.startswith(b"HTTP/1."):
        yield "an answer that is no HTTP"
    answers = list(_STATUS_LINE.finditer(data))
    ends = [found.start() for found in answers[1:]] + [len(data)]
    for found, end in zip(answers, ends, strict=False):
        status, body = int(found[1]), data[found.end() : end]
        code = _CODE.search(body)
        name = code[1].decode() if code else _unsaid(status, body, sent)
        if status >= 500 and name in EXPLAINED:
            tally.explained[name] += 1
        elif status >= 500:
            yield f"{status} {name}"
        if status >= 400:
            yield from (f"{status} {name}: shows {leak}" for leak in leaks(body.decode(errors="replace"), sent))


def _unsaid(status: int, body: bytes, sent: bytes) -> str | None:
    """The code that an answer to HEAD has no body for, where the path can have one alone."""
    asked_for_head = b"HEAD " in sent and b"/health/ready" in sent
    return "not_ready" if status == 503 and not body and asked_for_head else None
