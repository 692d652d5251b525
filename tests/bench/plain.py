"""Plain requests: CPU of each, and how many a second, with 16 at a time; and what one at a time is delayed by."""

import math
from statistics import median

from tests.bench.client import Answer, Client
from tests.bench.load import asking, for_seconds, percentile, turns, usage
from tests.bench.report import Row, Target
from tests.bench.run import Run
from tests.bench.servers import BARE, DIRECT, QUICK_RELAY, RELAY, SDK, TRACED, UNTRACED

PART = "plain"
WIDTH = 16
CONTESTANTS = (RELAY, QUICK_RELAY, BARE, SDK, UNTRACED, TRACED)
CPU_TARGETS = {UNTRACED: Target(1.6), TRACED: Target(2.8)}
RATE_TARGETS = {UNTRACED: Target(5, at="least"), TRACED: Target(3.5, at="least")}
DELAY_TARGETS = {UNTRACED: Target(0.3, of="value")}


async def measure(run: Run) -> list[Row]:
    clients = {name: run.servers.named(name).client() for name in (DIRECT, *CONTESTANTS)}
    for client in clients.values():
        await for_seconds(client, asking(), WIDTH, run.seconds(1.0))
    cpus, rates = await _loaded(run, {name: clients[name] for name in CONTESTANTS})
    answers = await _one_by_one(run, clients)
    return [*_cpu_rows(cpus), *_rate_rows(rates), *_delay_rows(answers)]


async def _loaded(run: Run, clients: dict[str, Client]) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Microseconds of CPU a request, and requests a second, of each repeat."""
    cpus: dict[str, list[float]] = {name: [] for name in clients}
    rates: dict[str, list[float]] = {name: [] for name in clients}
    for repeat in run.repeats(PART):
        for name in turns(CONTESTANTS, repeat):
            with usage(run.servers.named(name).pid) as used:
                answers = await for_seconds(clients[name], asking(), WIDTH, run.seconds(1.5))
            cpus[name].append(used.cpu / len(answers) * 1e6)
            rates[name].append(len(answers) / used.wall)
    return cpus, rates


async def _one_by_one(run: Run, clients: dict[str, Client]) -> dict[str, list[Answer]]:
    answers: dict[str, list[Answer]] = {name: [] for name in clients}
    run.say(f"{PART}: one at a time")
    for number in range(run.count(400)):
        for name in turns(tuple(clients), number):
            answers[name].append(await clients[name].send(asking()))
    return answers


def _cpu_rows(cpus: dict[str, list[float]]) -> list[Row]:
    return [
        Row(PART, f"CPU of a request, {name}", median(values), "µs", over_of(values, cpus[RELAY]), RELAY,
            CPU_TARGETS.get(name))
        for name, values in cpus.items()
    ]  # fmt: skip


def _rate_rows(rates: dict[str, list[float]]) -> list[Row]:
    return [
        Row(PART, f"{WIDTH} at a time, {name}", median(values), "req/s", over_of(values, rates[SDK]), SDK,
            RATE_TARGETS.get(name))
        for name, values in rates.items()
    ]  # fmt: skip


def _delay_rows(answers: dict[str, list[Answer]]) -> list[Row]:
    p50 = {name: percentile((one.total for one in got), 0.5) * 1e3 for name, got in answers.items()}
    own = p50[RELAY] - p50[DIRECT]
    return [
        Row(PART, f"added p50 over the relay, {name}", p50[name] - p50[RELAY], "ms", (p50[name] - p50[DIRECT]) / own,
            "relay's own" if own > 0 else "", DELAY_TARGETS.get(name))
        for name in (SDK, UNTRACED, TRACED)
    ]  # fmt: skip


def over_of(values: list[float], base: list[float]) -> float:
    """The median of the ratios of measurements that were made next to each other."""
    return median(value / other if other else math.nan for value, other in zip(values, base, strict=True))
