"""What the API adds to a call, measured on a real stack with the scripted provider, side by side in one run."""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from local_stack.supervision import Supervisor
from tests.bench import chunks, latency, reasoning
from tests.bench.load import Target
from tests.bench.report import Table, machine
from tests.support.api import TOKEN, RunningAPI, running_api
from tests.support.stack import existing_stack, running_stack
from tests.support.stack_client import StackClient

PARTS = ("latency", "chunks", "reasoning")
ANSWER = {"chunks": ["word "] * 20, "usage": {"prompt_tokens": 9, "completion_tokens": 20, "total_tokens": 29}}


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--state-dir", type=Path, help="a running stack, started with --scripted (default: its own)")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part only; may be given more than once")
    parser.add_argument("--scale", type=float, default=1.0, help="more or fewer requests than usual (default: 1)")
    return parser


class Bench:
    """The stack, and the APIs that are measured beside the stack's own."""

    def __init__(self, client: StackClient, resources: ExitStack, scale: float) -> None:
        self.client, self.scale = client, scale
        self._resources = resources
        self._directory = Path(resources.enter_context(TemporaryDirectory()))
        self._pids = {name: state["pid"] for name, state in Supervisor(client.stack).states().items()}

    def latency(self) -> Table:
        self.client.provider.script(ANSWER, contains="bench-latency", repeat_last=True)
        untraced = self._api(self.client.stack.url("litellm"))
        targets = latency.Targets(
            Target("provider", self.client.provider.url, "sk-none"),
            Target("LiteLLM", self.client.stack.url("litellm"), self.client.settings["LITELLM_TEST_KEY"]),
            Target("API", self.client.stack.url("api"), self.client.token),
            Target("API, untraced", untraced.url, TOKEN),
        )
        return asyncio.run(latency.measure(targets, "bench-latency", scale=self.scale))

    def chunks(self) -> Table:
        untraced = self._api(self.client.stack.url("litellm"))
        litellm = self._pids["litellm"]
        relays = [
            chunks.Relay(Target("traced", self.client.stack.url("api"), self.client.token), self._pids["api"], litellm),
            chunks.Relay(Target("untraced", untraced.url, TOKEN), untraced.process.pid, litellm),
        ]
        return asyncio.run(chunks.measure(self.client.provider, relays, scale=self.scale))

    def reasoning(self) -> Table:
        tracing = {"ENABLE_TRACING": "true", "PHOENIX_COLLECTOR_ENDPOINT": self.client.stack.url("phoenix_grpc")}
        settings = {"traced": tracing | {"PHOENIX_PROJECT_NAME": "bench"}, "untraced": {}}
        apis = {name: self._api(self.client.provider.url, **more) for name, more in settings.items()}
        agents = [reasoning.Agent(Target(name, api.url, TOKEN), api.process.pid) for name, api in apis.items()]
        return asyncio.run(reasoning.measure(self.client.provider, agents, scale=self.scale))

    def _api(self, llm_base_url: str, **settings: str) -> RunningAPI:
        """An API of its own, beside the stack's."""
        own = {"DEMO_TOOLS_URL": self.client.stack.url("demo-tools", "/mcp"), **settings}
        key = self.client.settings["LITELLM_TEST_KEY"]
        api = running_api(self._directory, llm_base_url=llm_base_url, llm_api_key=key, **own)
        return self._resources.enter_context(api)


def run(client: StackClient, parts: list[str], scale: float) -> Iterator[str]:
    yield machine()
    with ExitStack() as resources:
        bench = Bench(client, resources, scale)
        for part in parts:
            started = time.monotonic()
            print(f"Measuring: {part} ...", file=sys.stderr, flush=True)
            table: Table = getattr(bench, part)()
            print(f"  took {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
            yield from ("", *table.lines())


def main() -> None:
    arguments = parser().parse_args()
    given = arguments.state_dir
    print("Starting a stack ..." if given is None else f"On the stack in {given}", file=sys.stderr, flush=True)
    with nullcontext(existing_stack(given)) if given else running_stack("--scripted") as stack:
        parts = arguments.only or list(PARTS)
        # Each table as soon as it is there, so that nothing that comes later can take it away.
        for line in run(StackClient.of(stack), parts, arguments.scale):
            print(line, flush=True)


if __name__ == "__main__":
    main()
