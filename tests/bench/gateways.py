"""This API beside other ways to reach a model, all before one upstream, in turn in one run: `make bench_gateways`."""

import argparse
import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from local_stack import bootstrap
from tests.bench.client import Client
from tests.bench.load import asking, for_seconds, memory, percentile, so_many, turns, usage
from tests.bench.npm_gateways import install, portkey
from tests.bench.quiet import add_option, facts_if_quiet
from tests.bench.report import Row, Table, facts_line, number
from tests.bench.results import saved
from tests.bench.run import Run
from tests.bench.servers import RELAY, SDK, TRACED, UNTRACED, Server, Servers

PART = "gateways"
LITELLM_SDK = "LiteLLM's SDK in FastAPI"
WIDTH = 16
HEAD = ("", "p50, 1 at a time", "p99", f"p50, {WIDTH} at a time", "p99", "CPU a request", "requests/s", "memory")
UNITS = ("ms", "ms", "ms", "ms", "µs", "", "MB")


@dataclass
class Measured:
    """Of one contestant, in HEAD's units; each list has what all repeats brought."""

    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    memory: float = 0.0

    def values(self) -> tuple[float, ...]:
        latencies = [percentile(times, share) for times in (self.alone, self.beside) for share in (0.5, 0.99)]
        return (*latencies, median(self.cpu), median(self.rate), self.memory)


async def measure(run: Run, servers: Sequence[Server]) -> dict[str, Measured]:
    clients = {server.name: server.client() for server in servers}
    pids = {server.name: server.pid for server in servers}
    measured = {name: Measured() for name in clients}
    for name, client in clients.items():
        run.say(f"{PART}: warming up {name}")
        await so_many(client, asking(), WIDTH, 10 * WIDTH)
    for repeat in run.repeats(PART):
        for name in turns(tuple(clients), repeat):
            await _once(run, clients[name], pids[name], measured[name])
    return measured


async def _once(run: Run, client: Client, pid: int, measured: Measured) -> None:
    measured.alone += [one.total * 1e3 for one in await so_many(client, asking(), 1, run.count(200))]
    with usage(pid) as used:
        answers = await for_seconds(client, asking(), WIDTH, run.seconds(3))
    measured.beside += [one.total * 1e3 for one in answers]
    measured.cpu.append(used.cpu / len(answers) * 1e6)
    measured.rate.append(len(answers) / used.wall)
    measured.memory = memory(pid)


def servers(shared: Servers, directory: Path, resources: ExitStack) -> list[Server]:
    upstream = shared.upstream.target.url
    python = str(bootstrap.venv("litellm") / "bin" / "python")
    in_process = shared.program(
        LITELLM_SDK, "litellm_sdk", upstream, python=python, LITELLM_LOCAL_MODEL_COST_MAP="True"
    )
    ours = [shared.named(name) for name in (RELAY, UNTRACED, TRACED, SDK)]
    return [*ours, in_process, resources.enter_context(portkey(directory, upstream))]


def table(measured: dict[str, Measured]) -> Table:
    rows = [
        (name, *(f"{number(value)} {unit}".rstrip() for value, unit in zip(one.values(), UNITS, strict=True)))
        for name, one in measured.items()
    ]
    return Table("Ways to reach a model", HEAD, rows)


def rows(measured: dict[str, Measured]) -> list[Row]:
    names = ("p50 of 1", "p99 of 1", f"p50 of {WIDTH}", f"p99 of {WIDTH}", "CPU", "requests/s", "memory")
    return [
        Row(PART, f"{what}, {name}", value, unit)
        for name, one in measured.items()
        for what, value, unit in zip(names, one.values(), UNITS, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gateways", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="how often each is measured in turn (default: 5)")
    parser.add_argument("--quick", action="store_true", help="so short that the numbers only show that it works")
    add_option(parser)
    arguments = parser.parse_args()
    told = facts_if_quiet(arguments)
    install()
    with TemporaryDirectory() as directory, ExitStack() as resources:
        shared = Servers(Path(directory), resources)
        run = Run(shared, 2 if arguments.quick else arguments.repeats, 0.15 if arguments.quick else 1.0)
        measured = asyncio.run(measure(run, servers(shared, Path(directory), resources)))
    print("\n".join([facts_line(told), "", *table(measured).lines()]))
    print(f"\nSaved as {saved(told, rows(measured), PART)}")


if __name__ == "__main__":
    main()
