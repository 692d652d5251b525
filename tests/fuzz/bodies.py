"""The parts `bodies` and `bodies, LiteLLM`: requests of all endpoints, one a connection."""

import random

import h11

from tests.fuzz.drive import Bounds, Drive, Tally
from tests.fuzz.exchange import Received, exchange
from tests.fuzz.findings import Findings
from tests.fuzz.json_bodies import BodyInput, body_input
from tests.fuzz.judge import Answer, judged
from tests.fuzz.surroundings import port_of
from tests.support.api import TOKEN, RunningAPI

PART = "bodies"
THROUGH_LITELLM = "bodies, LiteLLM"
# A whole run of reasoning on a busy machine.
ANSWERED_WITHIN = 90.0


def run(api: RunningAPI, findings: Findings, bounds: Bounds, *, seed: int, numbers: range, part: str = PART) -> Tally:
    """Sends them all. Before LiteLLM only a sign of life is asked of the API meanwhile: it is not LiteLLM that is timed."""

    async def one(number: int, tally: Tally) -> bytes:
        given = body_input(random.Random(f"{seed}/{PART}/{number}"), TOKEN)
        sent = given.raw()
        came = await exchange(port_of(api), [sent], within=ANSWERED_WITHIN)
        for fault in _judged(given, sent, came, tally):
            findings.add(part, f"{given.path} {fault}", sent, came.data, number=number)
        return sent

    paths = ("/health",) if part == THROUGH_LITELLM else ("/health", "/v1/chat/completions")
    return Drive(api, findings, bounds, paths).run(part, numbers, one)


def _judged(given: BodyInput, sent: bytes, came: Received, tally: Tally) -> list[str]:
    if not came.closed:
        tally.answers["no answer"] += 1
        return [f"not answered within {ANSWERED_WITHIN:g} s"]
    if came.reset:
        tally.answers["lost"] += 1
        return []
    try:
        answer = parsed(came.data)
    except h11.RemoteProtocolError as error:
        tally.answers["broken"] += 1
        return [f"an answer that is no HTTP: {error}"]
    tally.answers[f"{answer.status // 100}xx"] += 1
    verdict = judged(answer, sent)
    if verdict.explained:
        tally.explained[verdict.explained] += 1
    return verdict.faults


def parsed(data: bytes) -> Answer:
    """The one answer that came over a connection.

    Raises:
        h11.RemoteProtocolError: it is no whole answer.
    """
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("Host", "a"), ("Content-Length", "0")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    connection.receive_data(b"")
    head, body = None, b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
            raise h11.RemoteProtocolError("it broke off")
    if head is None:
        raise h11.RemoteProtocolError("there was none")
    kind = dict(head.headers)
    return Answer(head.status_code, kind.get(b"content-type", b"").decode("latin-1"), body)
