"""Before the real LiteLLM, its database and Phoenix: what the API adds, as a share of what LiteLLM adds to the provider.

Like with like: who calls LiteLLM directly sends the metadata that the API sends, and a sampled `traceparent` where the API traces.
"""

import asyncio
from secrets import token_hex

from local_stack import bootstrap
from tests.bench.client import Answer, Client, Target
from tests.bench.load import asking, percentile, turns
from tests.bench.report import Row
from tests.bench.report import Target as Bound
from tests.bench.run import Run
from tests.bench.servers import TRACED, UNTRACED
from tests.support.stack import running_stack
from tests.support.stack_client import StackClient

PART = "litellm"
PROVIDER, PLAIN, SAMPLED = "provider", "LiteLLM", "LiteLLM, traced"
ALIKE = {UNTRACED: PLAIN, TRACED: SAMPLED}
ROUNDS = {1: 300, 16: 8}  # by how many at a time
EACH = {1: 1, 16: 48}  # calls a round
SETTLE = {1: 0.0, 16: 0.5}  # seconds: LiteLLM still keeps its books when it has answered
ANSWER = {"content": "word " * 20, "usage": {"prompt_tokens": 9, "completion_tokens": 20, "total_tokens": 29}}
PURPOSE = {"component": "passthrough", "operation": "chat", "routing_path": "passthrough", "environment": "bench"}
METADATA = {**PURPOSE, "tags": [f"{name}:{value}" for name, value in PURPOSE.items()], "spend_logs_metadata": PURPOSE}
BOUNDS = {"p50": (0.5, Bound(0.10)), "p99": (0.99, Bound(0.15))}


async def measure(run: Run) -> list[Row]:
    run.say(f"{PART}: starting a stack")
    with running_stack("--scripted") as stack:
        user = StackClient.of(stack)
        user.provider.script(ANSWER, contains="bench-litellm", repeat_last=True)
        clients = {target.name: Client(target) for target in _targets(run, user)}
        rows: list[Row] = []
        for width, rounds in ROUNDS.items():
            rows += await _rows(run, clients, width, run.count(rounds))
        return rows


def _targets(run: Run, user: StackClient) -> list[Target]:
    litellm, key = user.stack.url("litellm"), user.settings["LITELLM_TEST_KEY"]
    # On the stack's Python, as the traced one is.
    python = str(bootstrap.venv("app") / "bin" / "python")
    untraced = run.servers.api(UNTRACED, litellm, {"LLM_API_KEY": key}, python=python)
    traced = Target(TRACED, user.stack.url("api"), user.token)
    return [Target(PROVIDER, user.provider.url), Target(PLAIN, litellm, key), Target(SAMPLED, litellm, key),
            untraced.target, traced]  # fmt: skip


async def _rows(run: Run, clients: dict[str, Client], width: int, rounds: int) -> list[Row]:
    answers: dict[str, list[Answer]] = {name: [] for name in clients}
    seconds = dict.fromkeys(clients, 0.0)
    loop = asyncio.get_running_loop()
    for number in range(-1, rounds):
        if number % 10 == 0 or width > 1:
            run.say(f"{PART}: {width} at a time, round {number + 1} of {rounds}")
        for name in turns(tuple(clients), number):
            await asyncio.sleep(SETTLE[width])
            began = loop.time()
            got = await _round(clients[name], width)
            if number >= 0:  # the first warms up
                answers[name] += got
                seconds[name] += loop.time() - began
    rates = {name: len(got) / seconds[name] for name, got in answers.items()}
    added = [row for name in ALIKE for row in _added(name, width, answers)]
    return [*added, *(_rate(name, width, rates) for name in ALIKE if width > 1)]


async def _round(client: Client, width: int) -> list[Answer]:
    left = iter(range(EACH[width]))

    async def worker() -> list[Answer]:
        return [await _send(client) for _ in left]

    return [answer for answers in await asyncio.gather(*(worker() for _ in range(width))) for answer in answers]


async def _send(client: Client) -> Answer:
    """With what the API would tell LiteLLM, where there is no API in between."""
    direct = client.target.name in ALIKE.values()
    body = asking("bench-litellm") | ({"metadata": METADATA} if direct else {})
    sampled = client.target.name == SAMPLED
    headers = {"traceparent": f"00-{token_hex(16)}-{token_hex(8)}-01"} if sampled else {}
    return await client.send(body, headers)


def _added(name: str, width: int, answers: dict[str, list[Answer]]) -> list[Row]:
    rows = []
    for what, (share, bound) in BOUNDS.items():
        at = {who: percentile((one.total for one in got), share) * 1e3 for who, got in answers.items()}
        added, own = at[name] - at[ALIKE[name]], at[ALIKE[name]] - at[PROVIDER]
        calls = len(answers[name])
        text = f"added {what} of {calls}, {width} at a time, {name}"
        # Where the provider itself was slower, in a tail of few calls, there is nothing to be a share of: not met.
        ratio = added / own if own > 0 else None
        rows.append(Row(PART, text, added, "ms", ratio, "what LiteLLM adds", bound))
    return rows


def _rate(name: str, width: int, rates: dict[str, float]) -> Row:
    bound = Bound(0.95, at="least")
    return Row(
        PART, f"{width} at a time, {name}", rates[name], "req/s", rates[name] / rates[ALIKE[name]], ALIKE[name], bound
    )
