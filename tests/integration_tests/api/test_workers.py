"""Several workers on one port are one server to whoever calls it, watches it or stops it."""

import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.api import RunningAPI, running_api
from tests.support.collector import Collector, collector
from tests.support.provider import ScriptedProvider
from tests.support.workers import PATIENCE, client_of_each, is_gone, until, workers

NO_TOOLS = str(Path(__file__).parents[2] / "bench" / "no_servers.yaml")
CALLS, ACTIVE = "gen_ai_client_operation_duration_seconds_count", "http_server_active_requests"
ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Say something."}]}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Collector]:
    with collector() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def temporary() -> Iterator[Path]:
    """A short path: the workers' sockets lie beneath it."""
    with TemporaryDirectory(prefix="w-") as directory:
        yield Path(directory)


@pytest.fixture(scope="module")
def api(directory: Path, temporary: Path, provider: ScriptedProvider, receiver: Collector) -> Iterator[RunningAPI]:
    """Two workers, which push their metrics and spans ten times a second. The last test of this file ends them."""
    settings = {
        "WORKERS": "2",
        "TMPDIR": str(temporary),
        "MCP_CONFIG_PATH": NO_TOOLS,
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": receiver.endpoint,
        "OTEL_METRIC_EXPORT_INTERVAL": "100",
        "ENABLE_TRACING": "true",
        "PHOENIX_COLLECTOR_ENDPOINT": receiver.endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    with running_api(directory, llm_base_url=provider.url, **settings) as api:
        yield api


def _total(client: httpx.Client, name: str) -> float:
    families = text_string_to_metric_families(client.get("/metrics").raise_for_status().text)
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)


def _ask(client: httpx.Client, times: int) -> None:
    for _ in range(times):
        client.post("/v1/chat/completions", json=ASKED).raise_for_status()


def test_each_worker_tells_the_sum_of_both(api: RunningAPI, receiver: Collector) -> None:
    with client_of_each(api, 2) as clients:
        one, other = clients.values()
        before = _total(one, CALLS)
        _ask(one, 2)
        _ask(other, 3)
        # The count of a request follows its last byte.
        for client in (one, other):
            until(lambda client=client: _total(client, CALLS) == before + 5, "the sum of both")  # type: ignore[misc]
            until(lambda client=client: _total(client, ACTIVE) == 1, "only itself in flight")  # type: ignore[misc]
    until(lambda: api.log.read_text().count("POST /v1/chat/completions 200") >= 5, "a line for each request")
    until(
        lambda: sum(span.name == "POST /v1/chat/completions" for span in receiver.spans) >= 5, "a span for each of them"
    )
    until(lambda: len(receiver.metrics.instances) >= 2, "metrics pushed for each of them")
    assert "" not in receiver.metrics.instances


def test_a_worker_that_is_killed_is_replaced_and_what_it_counted_stays(api: RunningAPI) -> None:
    with client_of_each(api, 2) as clients:
        (killed, one), (kept, other) = clients.items()
        before = _total(other, CALLS)
        _ask(one, 2)
        until(lambda: _total(other, CALLS) == before + 2, "the calls of the one, told by the other")
        workers(api)[killed].kill()
        assert _total(other, CALLS) == before + 2
        until(lambda: len(workers(api)) == 2 and killed not in workers(api), "another worker in its place")
    with client_of_each(api, 2) as clients:
        assert kept in clients
        assert [_total(client, CALLS) for client in clients.values()] == [before + 2] * 2
        for client in clients.values():
            _ask(client, 1)
        until(lambda: all(_total(client, CALLS) == before + 4 for client in clients.values()), "the sum of all three")


def test_told_to_stop_all_end_and_a_stream_that_ends_soon_is_delivered_whole(
    api: RunningAPI, temporary: Path, provider: ScriptedProvider, mark: str
) -> None:
    provider.script({"chunks": ["a", "b", "c"], "chunk_delay": 0.5}, contains=mark)
    received: list[bytes] = []
    client = threading.Thread(target=_stream, args=(api, mark, received))
    client.start()
    provider.wait_for("in_progress", contains=mark)
    processes = psutil.Process(api.process.pid).children(recursive=True)
    api.process.terminate()
    client.join(PATIENCE)
    until(lambda: all(map(is_gone, processes)), "the end of all of them")
    api.process.wait(PATIENCE)
    assert b"".join(received).endswith(b"data: [DONE]\n\n")
    assert len(processes) >= 2
    assert list(temporary.iterdir()) == []


def _stream(api: RunningAPI, mark: str, received: list[bytes]) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": mark}], "stream": True}
    url = f"{api.base_url}/chat/completions"
    with httpx.stream("POST", url, json=body, headers=api.headers, trust_env=False, timeout=PATIENCE) as response:
        received.extend(response.iter_bytes())
