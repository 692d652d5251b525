"""Many streams at once: how many of them ever stall. A chunk comes every 20 ms; a gap above 100 ms is seen by a reader."""

from tests.bench.load import asking, memory, percentile, so_many, spread
from tests.bench.report import Row, Target
from tests.bench.run import Run
from tests.bench.servers import RELAY, TRACED, UNTRACED, Server

PART = "stalls"
STALL = 0.1  # seconds
ONE_PROCESS, TWO_PROCESSES = 256, 512
SPREAD = 1.0  # seconds over which the streams begin, as users do not come in the same instant


async def measure(run: Run) -> list[Row]:
    rows: list[Row] = []
    for name in (RELAY, UNTRACED, TRACED):
        rows += await _rows(run, run.servers.named(name), ONE_PROCESS)
    for name, settings in ((UNTRACED, None), (TRACED, run.servers.tracing)):
        upstream = run.servers.upstream.target.url
        server = run.servers.api(f"{name}, two processes", upstream, settings, "--workers", "2")
        rows += await _rows(run, server, TWO_PROCESSES)
    return rows


async def _rows(run: Run, server: Server, streams: int) -> list[Row]:
    client = server.client()
    await so_many(client, asking("chunks=2", stream=True), 16, 64)
    stalled, longest = [], []
    for _ in run.repeats(f"{PART}: {streams}, {server.name}"):
        question = asking(f"chunks={run.count(200, least=60)}", stream=True)
        gaps = [answer.longest_gap for answer in await spread(client, question, streams, SPREAD)]
        stalled.append(sum(gap > STALL for gap in gaps))
        longest.append(percentile(gaps, 0.99))
    client.close()
    target = None if server.name == RELAY else Target(0, of="value")
    return [
        Row(PART, f"with a gap above {STALL * 1000:.0f} ms, of {streams}, {server.name}", sorted(stalled)[len(stalled) // 2],
            "streams", target=target),
        Row(PART, f"longest gap, p99 of {streams}, {server.name}", sorted(longest)[len(longest) // 2] * 1e3, "ms"),
        Row(PART, f"memory after {streams} streams, {server.name}", memory(server.pid), "MB"),
    ]  # fmt: skip
