"""Every labelled request through the API's own router, as a request in auto mode goes through it.

The answers themselves are not asked for: they would cost many times what the decisions do, and hide how long those took.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from api.config import load_settings
from api.context import Caller, RequestContext
from api.dependencies import ServiceContainer
from api.protocol import RoutingMode
from api.routing.router import RoutingSource
from tests.evaluations.dataset import RoutingCase
from tests.evaluations.surroundings import Meter, metered

Progress = Callable[[int, int], None]
AUTO = RequestContext(caller=Caller("evaluation"), routing_mode=RoutingMode.AUTO, routing_path=RoutingMode.AUTO)


@dataclass(frozen=True, slots=True)
class Decided:
    """`seconds` and `cost` (dollars) are the decision's own; `fell_back` if the classifier gave none."""

    case: RoutingCase
    path: RoutingMode
    reason: str
    fell_back: bool
    seconds: float
    cost: float

    @property
    def is_right(self) -> bool:
        return self.path is self.case.label


async def decide_all(cases: Sequence[RoutingCase], *, concurrency: int, progress: Progress) -> list[Decided]:
    """With the settings that the environment holds."""
    places, done = asyncio.Semaphore(concurrency), 0

    async def one(services: ServiceContainer, case: RoutingCase) -> Decided:
        nonlocal done
        async with places:
            decided = await _decide(services, case)
        done += 1
        progress(done, len(cases))
        return decided

    settings = load_settings()
    async with ServiceContainer(settings, Meter(settings)) as services:
        return await asyncio.gather(*(one(services, case) for case in cases))


async def _decide(services: ServiceContainer, case: RoutingCase) -> Decided:
    body = {"model": services.settings.routing_classifier_model, "messages": list(case.messages)}
    with metered() as costs:
        began = time.monotonic()
        decision = await services.router.decide(body, AUTO, services.mcp_servers.tools())
        seconds = time.monotonic() - began
    fell_back = decision.source is RoutingSource.CLASSIFIER_FALLBACK
    return Decided(case, decision.mode, decision.reason, fell_back, seconds, sum(costs))
