"""What is drawn: latency, CPU and throughput over the requests at a time, and over the length of streams."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.client import Client
from tests.bench.load import asking, for_seconds, percentile, so_many, turns, usage
from tests.bench.run import Run
from tests.bench.servers import RELAY, SDK, TRACED, UNTRACED

CONTESTANTS = (RELAY, UNTRACED, TRACED, SDK)
WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
LENGTHS = (1, 3, 10, 30, 100, 300, 1000)
STREAMS = 16
ENOUGH = 0.9  # of the highest throughput


@dataclass(frozen=True)
class Point:
    """`latency` in ms (p50); `cpu` in µs and `rate` a second, of requests or of chunks."""

    x: int
    latency: float
    cpu: float
    rate: float


Curves = Mapping[str, Sequence[Point]]
Measure = Callable[[Run, Client, int, int], Awaitable[Point]]


async def over_concurrency(run: Run) -> Curves:
    return await _curves(run, WIDTHS, _plain)


async def over_length(run: Run) -> Curves:
    """Of streams whose chunks come as fast as the upstream sends them."""
    return await _curves(run, LENGTHS, _streamed)


def knee(points: Sequence[Point]) -> Point:
    """The first that has almost the highest throughput: beyond it, more at a time only wait longer."""
    highest = max(point.rate for point in points)
    return next(point for point in points if point.rate >= ENOUGH * highest)


async def _curves(run: Run, places: Sequence[int], measure: Measure) -> Curves:
    servers = {name: run.servers.named(name) for name in CONTESTANTS}
    clients = {name: server.client() for name, server in servers.items()}
    curves: dict[str, list[Point]] = {name: [] for name in CONTESTANTS}
    for place in places:
        found: dict[str, list[Point]] = {name: [] for name in CONTESTANTS}
        for repeat in run.repeats(f"plot: at {place}"):
            for name in turns(CONTESTANTS, repeat):
                found[name].append(await measure(run, clients[name], servers[name].pid, place))
        for name, points in found.items():
            curves[name].append(_middle(points))
    return curves


async def _plain(run: Run, client: Client, pid: int, width: int) -> Point:
    await so_many(client, asking(), width, width)
    with usage(pid) as used:
        answers = await for_seconds(client, asking(), width, run.seconds(2))
    latency = percentile((answer.total for answer in answers), 0.5) * 1e3
    return Point(width, latency, used.cpu / len(answers) * 1e6, len(answers) / used.wall)


async def _streamed(run: Run, client: Client, pid: int, length: int) -> Point:
    body = asking(f"chunks={length} pace=0", stream=True)
    with usage(pid) as used:
        answers = await for_seconds(client, body, STREAMS, run.seconds(2))
    latency = percentile((answer.total for answer in answers), 0.5) * 1e3
    chunks = len(answers) * length
    return Point(length, latency, used.cpu / chunks * 1e6, chunks / used.wall)


def _middle(points: Sequence[Point]) -> Point:
    columns = [[getattr(point, name) for point in points] for name in ("latency", "cpu", "rate")]
    return Point(points[0].x, *(median(column) for column in columns))
