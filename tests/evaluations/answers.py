"""Every task through the running API on every path: what came back, and what it took."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from api.protocol import RoutingMode
from tests.evaluations.dataset import Task
from tests.evaluations.routing import Progress
from tests.evaluations.scoring import is_correct
from tests.evaluations.surroundings import COST_HEADER
from tests.support.api import RunningAPI

INSTRUCTION = (
    "Work the question out. End with a line of its own that reads `Answer: ` and then the result alone, "
    "with a decimal point and without thousands separators; dates as YYYY-MM-DD, weekdays in English."
)
SLOWEST_ANSWER = 600  # seconds


@dataclass(frozen=True, slots=True)
class Answered:
    """`path` is what was asked for, `taken` who answered; `problem` says why there is no answer."""

    task: Task
    path: RoutingMode
    taken: str = ""
    text: str = ""
    tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0
    problem: str | None = None

    @property
    def is_right(self) -> bool:
        return self.problem is None and is_correct(self.text, self.task)


async def answer_all(
    api: RunningAPI,
    tasks: Sequence[Task],
    paths: Sequence[RoutingMode],
    *,
    model: str,
    concurrency: int,
    progress: Progress,
) -> list[Answered]:
    """In the order of tasks, then paths."""
    places, done, wanted = asyncio.Semaphore(concurrency), 0, [(task, path) for task in tasks for path in paths]

    async def one(client: httpx.AsyncClient, task: Task, path: RoutingMode) -> Answered:
        nonlocal done
        async with places:
            answered = await _answer(client, task, path, model)
        done += 1
        progress(done, len(wanted))
        return answered

    async with httpx.AsyncClient(
        base_url=api.base_url, headers=api.headers, timeout=SLOWEST_ANSWER, trust_env=False
    ) as client:
        return await asyncio.gather(*(one(client, task, path) for task, path in wanted))


async def _answer(client: httpx.AsyncClient, task: Task, path: RoutingMode, model: str) -> Answered:
    messages = [{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": task.ask}]
    began = time.monotonic()
    try:
        response = await client.post(
            "/chat/completions", json={"model": model, "messages": messages}, headers={"X-Routing-Mode": path.value}
        )
    except httpx.HTTPError as error:
        return Answered(task, path, seconds=time.monotonic() - began, problem=f"{type(error).__name__}: {error}")
    return _read(task, path, response, time.monotonic() - began)


def _read(task: Task, path: RoutingMode, response: httpx.Response, seconds: float) -> Answered:
    if not response.is_success:
        return Answered(task, path, seconds=seconds, problem=f"HTTP {response.status_code}: {response.text[:300]}")
    body: dict[str, Any] = response.json()
    usage = body.get("usage") or {}
    return Answered(
        task,
        path,
        taken=response.headers.get("x-routing-decision", ""),
        text=body["choices"][0]["message"].get("content") or "",
        tokens=int(usage.get("total_tokens") or 0),
        cost=float(response.headers.get(COST_HEADER) or usage.get("cost") or 0),
        seconds=seconds,
    )
