"""What LiteLLM knows of this server's own virtual key: its environment, which no caller can choose."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from api.errors import APIError

_log = logging.getLogger(__name__)

# All in seconds. A call goes on without its environment rather than wait for longer than WAITED_FOR.
WAITED_FOR = 5.0
ANSWER_LIMIT = 30.0
ASKED_AGAIN_AFTER = 30.0  # when the key has no environment
RETRIED_AFTER = 2.0  # when LiteLLM could not tell


@dataclass(slots=True)
class OwnKey:
    """Asks once. While LiteLLM does not tell, calls go on without their environment; their key is known all the same."""

    info: Callable[[], Awaitable[Any]]
    waited_for: float = WAITED_FOR
    answer_limit: float = ANSWER_LIMIT
    _environment: str | None = None
    _asking: asyncio.Task[None] | None = None
    _asked: float = 0.0
    _ask_again: float = 0.0

    async def environment(self) -> str | None:
        """The `environment` in the key's metadata, where `make litellm_setup` writes it.

        All who come while LiteLLM is being asked wait for the same answer, and whoever leaves meanwhile leaves it to the others.
        A LiteLLM that is slow, as right after its start, is heard even when nobody waits for it any more.
        """
        if self._environment is None:
            if (self._asking is None or self._asking.done()) and time.monotonic() >= self._ask_again:
                self._asking, self._asked = asyncio.create_task(self._ask()), time.monotonic()
            if self._asking is not None and not self._asking.done():
                await asyncio.wait({self._asking}, timeout=max(0.0, self._asked + self.waited_for - time.monotonic()))
        return self._environment

    def learn(self, answer: Any) -> None:
        """Takes what LiteLLM says of the key from an answer of its `/key/info`."""
        environment = _mapping(_mapping(_mapping(answer).get("info")).get("metadata")).get("environment")
        self._environment = environment if isinstance(environment, str) else None
        self._ask_again = time.monotonic() + ASKED_AGAIN_AFTER

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(self.answer_limit):
                self.learn(await self.info())
        except (APIError, TimeoutError) as error:
            why = error.message if isinstance(error, APIError) else f"no answer within {self.answer_limit:g} s"
            _log.warning("LiteLLM did not say which environment this server's key belongs to: %s", why)
            self._ask_again = time.monotonic() + RETRIED_AFTER


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
