"""Metrics of a real process: pushed over OTLP as docs/metrics.md says, and right about tools, streams and clients that leave."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.api import TOKEN, RunningAPI, running_api
from tests.support.collector import Collector, ReceivedPoint, collector
from tests.support.demo_tools import DemoTools
from tests.support.processes import ROOT
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import ask, body, finished, mcp_config, said, tool, use

CALL, TOOL = "gen_ai.client.operation.duration", "gen_ai.execute_tool.duration"
# What the conventions advise.
OPERATION_SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
FIRST_TOKEN_SECONDS = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]
REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]
TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Collector]:
    with collector() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def pushing(
    tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider, receiver: Collector
) -> Iterator[RunningAPI]:
    """An API that pushes ten times a second."""
    directory = tmp_path_factory.mktemp("pushing")
    demo = DemoTools(directory)
    demo.start()
    settings = {
        "MCP_CONFIG_PATH": str(mcp_config(directory, ("demo", demo.url))),
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": receiver.endpoint,
        "OTEL_METRIC_EXPORT_INTERVAL": "100",
    }
    with running_api(directory, llm_base_url=provider.url, **settings) as api:
        yield api
    demo.stop()


def _pushed(
    receiver: Collector, metric: str, wanted: Callable[[list[ReceivedPoint]], bool], within: float = 10.0
) -> list[ReceivedPoint]:
    """The metric's points, once they are as wanted."""
    deadline = time.monotonic() + within
    while not wanted(points := [point for point in receiver.metrics.points if point.metric == metric]):
        assert time.monotonic() < deadline, receiver.metrics.points
        time.sleep(0.02)
    return points


def _calls_cut(points: list[ReceivedPoint]) -> int:
    return sum(point.count for point in points if point.attributes.get("error.type") == "cut")


def test_tool_calls_are_pushed_by_tool_and_by_whether_they_failed(
    pushing: RunningAPI, provider: ScriptedProvider, receiver: Collector, mark: str
) -> None:
    calls = use(tool("calculate", expression="1+1"), tool("fail", message="out of paper"))
    provider.script(calls, finished(), said(), contains=mark)
    assert ask(pushing, mark).status_code == 200
    points = _pushed(receiver, TOOL, lambda points: sum(point.count for point in points) == 2)
    found = {(point.attributes["gen_ai.tool.name"], point.attributes.get("error.type")) for point in points}
    assert found == {("calculate", None), ("fail", "failed")}


def test_a_stream_is_in_flight_until_its_client_leaves_and_its_call_was_cut(
    pushing: RunningAPI, provider: ScriptedProvider, receiver: Collector, mark: str
) -> None:
    provider.script({"chunks": ["a", "b", "c"], "chunk_delay": 10}, contains=mark)
    url = f"{pushing.base_url}/chat/completions"
    with httpx.stream("POST", url, json=body(mark, stream=True), headers=pushing.headers, trust_env=False) as response:
        events = response.iter_bytes()
        next(events)
        _pushed(receiver, "streams.active", lambda points: [point.value for point in points] == [1])
        assert _calls_cut(receiver.metrics.points) == 0
    _pushed(receiver, "streams.active", lambda points: [point.value for point in points] == [0])
    _pushed(receiver, CALL, lambda points: _calls_cut(points) == 1)


def test_units_and_boundaries_are_those_of_the_conventions_and_of_the_document(
    pushing: RunningAPI, provider: ScriptedProvider, receiver: Collector, mark: str
) -> None:
    provider.script(use(tool("calculate", expression="1+1")), finished(), said(), contains=mark)
    ask(pushing, mark, stream=True)
    httpx.post(
        f"{pushing.base_url}/chat/completions",
        json=body(mark),
        headers=pushing.headers | {"x-routing-mode": "auto"},
        trust_env=False,
    )
    _pushed(receiver, "gen_ai.client.operation.time_to_first_chunk", bool)
    pushed = {point.metric: (point.unit, point.boundaries) for point in receiver.metrics.points}
    document = (ROOT / "docs" / "metrics.md").read_text()
    units = dict(re.findall(r"^\| `([\w.]+)` \| `\w+` \| \w+ \| `(\S+)` \|", document, re.MULTILINE))
    assert {name: unit for name, (unit, _) in pushed.items()}.items() <= units.items()
    assert {name: boundaries for name, (_, boundaries) in pushed.items() if boundaries} == {
        CALL: OPERATION_SECONDS,
        TOOL: OPERATION_SECONDS,
        "gen_ai.client.token.usage": TOKENS,
        "gen_ai.client.operation.time_to_first_chunk": FIRST_TOKEN_SECONDS,
        "http.server.request.duration": REQUEST_SECONDS,
    }


def test_a_collector_that_is_not_there_holds_up_neither_requests_nor_the_end(
    directory: Path, provider: ScriptedProvider
) -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:9", "OTEL_METRIC_EXPORT_INTERVAL": "100"}
    with running_api(directory, llm_base_url=provider.url, **endpoint) as api:
        page = httpx.get(f"{api.url}/metrics", headers={"authorization": f"Bearer {TOKEN}"}, trust_env=False)
        time.sleep(0.3)
        api.process.terminate()
        began = time.monotonic()
        api.process.wait(20)
    assert page.status_code == 200
    assert time.monotonic() - began < 8
