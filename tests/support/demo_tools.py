"""Real demo tools servers for tests: started on a free port, killed without warning, started again."""

import asyncio
import json
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.support.processes import free_port, running


class DemoTools:
    """`python -m demo.tools --extra` as a process of its own; every request that it receives is logged."""

    def __init__(self, directory: Path, *options: str, token: str = "") -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self._requests = directory / "requests.jsonl"
        self._output = directory / "demo_tools.log"
        self._options = options
        self._token = token
        self._seen = 0
        self._running = ExitStack()

    def start(self) -> None:
        """Starts it, and waits until /health answers."""
        arguments = ["--port", str(self.port), "--extra", "--request-log", str(self._requests)]
        token = ["--token-env", "DEMO_TOKEN"] if self._token else []
        self._process = self._running.enter_context(
            running(
                *["-m", "demo.tools", *arguments, *token, *self._options],
                url=f"http://127.0.0.1:{self.port}/health",
                log=self._output,
                environment={"DEMO_TOKEN": self._token},
            )
        )

    def kill(self) -> None:
        """SIGKILL: no goodbye to anyone."""
        self._process.kill()
        self.stop()

    def stop(self) -> None:
        """Ends it, if it still runs."""
        self._running.close()

    async def start_meanwhile(self) -> None:
        """Starts it without stopping the event loop."""
        await asyncio.to_thread(self.start)

    def forget(self) -> None:
        """Counts from here."""
        self._seen = len(received(self._requests))

    def received(self) -> Counter[str]:
        """How often each method arrived, and `tools/call NAME` per tool, over all of the process's lives."""
        return Counter(received(self._requests)[self._seen :])


def received(log: Path) -> list[str]:
    """A request log's lines, as `METHOD` or `tools/call NAME`."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    requests = [json.loads(line) for line in lines]
    return [" ".join(filter(None, (request["method"], request["tool"]))) for request in requests]
