"""Messages in Anthropic's dialect, and with a memory: CPU of a plain one and of an event, 16 at a time, beside the raw relay."""

from dataclasses import replace
from statistics import median

from tests.bench.client import Client
from tests.bench.load import asking, for_seconds, turns, usage
from tests.bench.plain import CPU_TARGETS, over_of
from tests.bench.report import Row
from tests.bench.run import Run
from tests.bench.servers import RELAY, REMEMBERING, TRACED, UNTRACED
from tests.bench.streams import CPU_TARGETS as CHUNK_TARGETS
from tests.bench.streams import LEAST, per_chunk

PART = "messages"
WIDTH = 16
CONTESTANTS = (RELAY, UNTRACED, REMEMBERING, TRACED)
ASKED_BY = {"x-bench-user": "somebody"}  # whom one of them remembers
LONGEST = 100  # tokens


async def measure(run: Run) -> list[Row]:
    servers = {name: run.servers.named(name) for name in CONTESTANTS}
    clients = {
        name: Client(replace(server.target, path="/v1/messages", headers=ASKED_BY)) for name, server in servers.items()
    }
    plain: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    streamed: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for client in clients.values():
        await for_seconds(client, asking(max_tokens=LONGEST), WIDTH, run.seconds(1.0))
    for repeat in run.repeats(PART):
        for name in turns(CONTESTANTS, repeat):
            with usage(servers[name].pid) as used:
                answers = await for_seconds(clients[name], asking(max_tokens=LONGEST), WIDTH, run.seconds(1.5))
            plain[name].append(used.cpu / len(answers) * 1e6)
            seconds = max(LEAST, run.seconds(4))
            streamed[name].append(await per_chunk(clients[name], servers[name].pid, seconds, max_tokens=LONGEST))
    return [
        *(Row(PART, f"CPU of a message, {name}", median(values), "µs", over_of(values, plain[RELAY]), RELAY,
              CPU_TARGETS.get(name)) for name, values in plain.items()),
        *(Row(PART, f"CPU of an event, {name}", median(values), "µs", over_of(values, streamed[RELAY]), RELAY,
              CHUNK_TARGETS.get(name)) for name, values in streamed.items()),
    ]  # fmt: skip
