"""The scripted provider: what it shall answer, and what reached it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.processes import free_port, running


@dataclass(frozen=True)
class ScriptedProvider:
    """A handle on a running demo provider that was started with --scripted."""

    url: str

    def script(self, *replies: dict[str, Any], repeat_last: bool = False, **match: str) -> None:
        """Answers the requests that match (path, model, contains) with these replies, in turn."""
        rule = {"match": match, "replies": list(replies), "repeat_last": repeat_last}
        httpx.post(f"{self.url}/_script", json=rule, trust_env=False).raise_for_status()

    def requests(self, **filters: str) -> list[dict[str, Any]]:
        """What reached the provider, oldest first."""
        return httpx.get(f"{self.url}/_requests", params=filters, trust_env=False).raise_for_status().json()  # type: ignore[no-any-return]

    def wait_for(self, outcome: str, *, within: float = 5.0, **filters: str) -> dict[str, Any]:
        """The newest matching request, once it has this outcome."""
        deadline = time.monotonic() + within
        while True:
            requests = self.requests(**filters)
            if requests and requests[-1]["outcome"] == outcome:
                return requests[-1]
            if time.monotonic() > deadline:
                raise AssertionError(f"No request became {outcome!r} within {within} s: {requests}")
            time.sleep(0.005)

    def connections(self) -> dict[str, int]:
        """TCP connections `accepted` since the start, and `open` now."""
        return httpx.get(f"{self.url}/_connections", trust_env=False).raise_for_status().json()  # type: ignore[no-any-return]


@contextmanager
def scripted_provider(directory: Path) -> Iterator[ScriptedProvider]:
    """A scripted provider of one's own on a free port."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = ("-m", "demo.provider", "--host", "127.0.0.1", "--port", str(port), "--scripted")
    with running(*arguments, url=f"{url}/health", log=directory / "provider.log"):
        yield ScriptedProvider(url)
