"""What LiteLLM knows of this server's own virtual key: its environment, which no caller can choose."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from api.errors import APIError

_log = logging.getLogger(__name__)

ASKED_AGAIN_AFTER = 30.0  # seconds, for as long as LiteLLM has not told


@dataclass(slots=True)
class OwnKey:
    """Asks once. While LiteLLM does not tell, calls go on without their environment; their key is known all the same."""

    info: Callable[[], Awaitable[Any]]
    _environment: str | None = None
    _asked: float | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def environment(self) -> str | None:
        """The `environment` in the key's metadata, where `make litellm_setup` writes it."""
        if self._environment is None and not self._asked_lately():
            async with self._lock:
                if not self._asked_lately():
                    await self._ask()
        return self._environment

    def _asked_lately(self) -> bool:
        return self._asked is not None and time.monotonic() - self._asked < ASKED_AGAIN_AFTER

    async def _ask(self) -> None:
        try:
            answer = await self.info()
            environment = ((answer.get("info") or {}).get("metadata") or {}).get("environment")
            self._environment = environment if isinstance(environment, str) else None
        except APIError as error:
            _log.warning("LiteLLM did not say which environment this server's key belongs to: %s", error.message)
        finally:
            self._asked = time.monotonic()
