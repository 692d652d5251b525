"""Two workers over one, in turn: plain requests a second, and chunks a second of streams that come as fast as they can."""

from collections.abc import Awaitable, Callable
from statistics import median
from time import perf_counter

from tests.bench.client import Client
from tests.bench.load import asking, for_seconds, memory, so_many, turns
from tests.bench.plain import over_of
from tests.bench.report import Row
from tests.bench.run import Run
from tests.bench.servers import Server

PART = "workers"
WIDTH = 32
CHUNKS = 100
ONE, TWO = "one worker", "two workers"

Rate = Callable[[Run, Client], Awaitable[float]]


async def measure(run: Run) -> list[Row]:
    upstream = run.servers.upstream.target.url
    servers = {
        name: run.servers.api(name, upstream, None, "--workers", number) for name, number in ((ONE, "1"), (TWO, "2"))
    }
    rows: list[Row] = []
    for what, unit, rate in (("plain requests", "req/s", _requests), ("chunks of streams", "chunks/s", _chunks)):
        rates = await _rates(run, servers, what, rate)
        rows += [
            Row(PART, f"{what}, {WIDTH} at a time, {name}", median(values), unit, over_of(values, rates[ONE]), ONE)
            for name, values in rates.items()
        ]
    return [*rows, *(Row(PART, f"memory, {name}", memory(server.pid), "MB") for name, server in servers.items())]


async def _rates(run: Run, servers: dict[str, Server], what: str, rate: Rate) -> dict[str, list[float]]:
    """Of each repeat. New connections each time, for a worker keeps those that it took."""
    rates: dict[str, list[float]] = {name: [] for name in servers}
    for repeat in run.repeats(f"{PART}: {what}"):
        for name in turns(tuple(servers), repeat):
            client = servers[name].client()
            await so_many(client, asking(), WIDTH, WIDTH)
            rates[name].append(await rate(run, client))
            client.close()
    return rates


async def _requests(run: Run, client: Client) -> float:
    began = perf_counter()
    answers = await for_seconds(client, asking(), WIDTH, run.seconds(2.0))
    return len(answers) / (perf_counter() - began)


async def _chunks(run: Run, client: Client) -> float:
    body = asking(f"chunks={CHUNKS} pace=0", stream=True)
    began, before = perf_counter(), client.events
    await for_seconds(client, body, WIDTH, run.seconds(2.0))
    return (client.events - before) / (perf_counter() - began)
