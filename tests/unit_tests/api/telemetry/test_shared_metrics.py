"""What several workers counted is told as one sum, whoever is asked, and never less than was told before."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.colleagues import Colleagues
from api.components import Component, Operation
from api.config import Settings
from api.telemetry import Metrics, open_metrics
from api.telemetry.metrics.aggregates import Aggregates, Distribution

DECISIONS, ACTIVE = "routing_decisions_total", "http_server_active_requests"
REQUESTS = "http_server_request_duration_seconds"


class Worker:
    """One of them, which ends as it is told to: `close` in order, `die` at once."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        self.colleagues = Colleagues(directory)
        self.metrics: Metrics = open_metrics(settings, self.colleagues)

    async def close(self) -> None:
        await self.die()
        self.metrics.close()

    async def die(self) -> None:
        await self.colleagues.close()

    def answers(self, status: int, seconds: float) -> None:
        self.metrics.request_began("GET", "http")
        self.metrics.request_ended("GET", "http", seconds, "/health", status)

    async def page(self) -> dict[str, float]:
        """Each sample's value; its labels that have one, sorted, behind its name."""
        told = await self.metrics.page()
        assert told is not None
        samples = [sample for family in text_string_to_metric_families(told[0].decode()) for sample in family.samples]
        return {
            " ".join(
                [sample.name, *sorted(f"{name}={value}" for name, value in sample.labels.items() if value)]
            ): sample.value
            for sample in samples
        }


Start = Callable[[], Awaitable[Worker]]


def _total(page: dict[str, float], name: str) -> float:
    return sum(value for sample, value in page.items() if sample.split(" ")[0] == name)


@pytest.fixture
def directory() -> Iterator[Path]:
    with TemporaryDirectory(prefix="workers-") as directory:
        yield Path(directory)


@pytest.fixture
async def start(settings: Settings, directory: Path) -> AsyncIterator[Start]:
    async with AsyncExitStack() as resources:

        async def start() -> Worker:
            worker = Worker(settings, directory)
            await worker.colleagues.open()
            resources.push_async_callback(worker.die)
            return worker

        yield start


async def test_counters_and_histograms_add_up_whoever_is_asked(start: Start) -> None:
    one, other = await start(), await start()
    one.answers(200, 0.002)
    other.answers(200, 0.3)
    other.answers(500, 20)
    for worker in (one, other, other):
        worker.metrics.routed("passthrough", "default", kept=False)
    pages = [await one.page(), await other.page()]
    assert pages[0] == pages[1]
    labels = "http_request_method=GET http_response_status_code=200 http_route=/health"
    buckets = {
        le: pages[0][f"{REQUESTS}_bucket {labels} le={le} url_scheme=http"] for le in ("0.005", "0.25", "0.5", "+Inf")
    }
    assert buckets == {"0.005": 1, "0.25": 1, "0.5": 2, "+Inf": 2}
    assert _total(pages[0], f"{REQUESTS}_sum") == pytest.approx(20.302)
    assert _total(pages[0], f"{REQUESTS}_count") == 3
    assert _total(pages[0], DECISIONS) == 3


async def test_what_is_in_flight_adds_up_over_those_that_live(start: Start) -> None:
    one, other = await start(), await start()
    for worker in (one, other, other):
        worker.metrics.request_began("GET", "http")
    assert _total(await one.page(), ACTIVE) == 3
    await other.die()
    assert _total(await one.page(), ACTIVE) == 1


async def test_what_was_told_of_a_worker_outlives_it(start: Start) -> None:
    one, killed = await start(), await start()
    killed.answers(200, 0.1)
    before = await one.page()
    killed.answers(200, 0.1)  # nobody was told of this one
    await killed.die()
    new = await start()
    new.answers(200, 0.1)
    assert (_total(before, f"{REQUESTS}_count"), _total(await new.page(), f"{REQUESTS}_count")) == (1, 2)


async def test_what_a_worker_told_itself_outlives_it_too(start: Start) -> None:
    one, killed = await start(), await start()
    killed.answers(200, 0.1)
    told = await killed.page()
    await killed.die()
    assert _total(await one.page(), f"{REQUESTS}_count") == _total(told, f"{REQUESTS}_count") == 1


async def test_a_worker_that_ends_in_order_has_told_all(start: Start) -> None:
    one, other = await start(), await start()
    other.answers(200, 0.1)
    await other.close()
    assert _total(await one.page(), f"{REQUESTS}_count") == 1


async def test_asking_changes_no_worker_s_own_counts(start: Start) -> None:
    one, other = await start(), await start()
    for worker in (one, other):
        worker.answers(200, 0.1)
        with worker.metrics.llm_call(Component.PASSTHROUGH, Operation.CHAT, "gpt-4o"):
            pass
    pages = [await worker.page() for worker in (one, other, one)]
    assert pages[0] == pages[1] == pages[2]


async def test_where_nothing_can_be_written_a_worker_still_tells_its_own(
    settings: Settings, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(settings, directory / "gone")
    worker.answers(200, 0.1)
    assert _total(await worker.page(), f"{REQUESTS}_count") == 1
    assert "cannot be told" in caplog.text


def test_what_is_added_to_a_copy_is_not_added_to_the_original() -> None:
    own = Aggregates()
    own.histogram("h", "s", (1.0,)).record(0.5, ())
    own.count("c", "1").add(1)
    copy = own.copy()
    copy.histograms[0].add((), Distribution([1, 1], 9.0, 0.1, 8.9))
    copy.counts[0].add(1)
    assert own.histograms[0].told() == [((), Distribution([1, 0], 0.5, 0.5, 0.5))]
    assert copy.histograms[0].told() == [((), Distribution([2, 1], 9.5, 0.1, 8.9))]
    assert (own.counts[0].told(), copy.counts[0].told()) == ([((), 1)], [((), 2)])
