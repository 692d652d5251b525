"""What LiteLLM knows of this server's own virtual key: its environment, which no caller can choose."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from api.errors import APIError

_log = logging.getLogger(__name__)

ASKED_AGAIN_AFTER = 30.0  # seconds, for as long as LiteLLM has not told
ANSWER_LIMIT = 2.0  # seconds; a call goes on without its environment rather than wait for longer


@dataclass(slots=True)
class OwnKey:
    """Asks once. While LiteLLM does not tell, calls go on without their environment; their key is known all the same."""

    info: Callable[[], Awaitable[Any]]
    _environment: str | None = None
    _asked: float | None = None
    _asking: asyncio.Task[None] | None = None

    async def environment(self) -> str | None:
        """The `environment` in the key's metadata, where `make litellm_setup` writes it.

        All who come while LiteLLM is being asked wait for the same answer, and whoever leaves meanwhile leaves it to the others.
        """
        if self._environment is None and not self._asked_lately():
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask())
            await asyncio.shield(self._asking)
        return self._environment

    def learn(self, answer: Any) -> None:
        """Takes what LiteLLM says of the key from an answer of its `/key/info`."""
        environment = _mapping(_mapping(_mapping(answer).get("info")).get("metadata")).get("environment")
        self._environment = environment if isinstance(environment, str) else None
        self._asked = time.monotonic()

    def _asked_lately(self) -> bool:
        return self._asked is not None and time.monotonic() - self._asked < ASKED_AGAIN_AFTER

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                self.learn(await self.info())
        except (APIError, TimeoutError) as error:
            why = error.message if isinstance(error, APIError) else f"no answer within {ANSWER_LIMIT:g} s"
            _log.warning("LiteLLM did not say which environment this server's key belongs to: %s", why)
            self._asked = time.monotonic()


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
