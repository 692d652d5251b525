"""Can calls be made now? What LiteLLM says of itself and of our key."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from api.errors import APIError, NotReady, UpstreamError
from api.llm.lookups import Lookups
from api.llm.own_key import OwnKey
from api.llm.spend_watch import SpendWatch

READY_WITHIN: Final = 4.5  # seconds; who asks for readiness often waits for 5 s, and shall read why there is none
# LiteLLM let the key in, but has no row of it (the master key), or does not let it ask (a key for LLM routes alone).
_HAS_NO_INFO: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


@dataclass(frozen=True, slots=True)
class Readiness:
    """`within` is in seconds."""

    lookups: Lookups
    own_key: OwnKey
    spend: SpendWatch
    within: float = READY_WITHIN

    async def check(self) -> None:
        """Is LiteLLM ready, its database included, does it accept our key, and does it record what calls cost?

        Raises:
            NotReady: it is not, and why; or it did not say so in time.
        """
        try:
            async with asyncio.timeout(self.within):
                await self._check_litellm()
                await self._check_key()
        except TimeoutError:
            raise NotReady(f"LiteLLM did not say within {self.within:g} s whether it is ready.") from None
        except APIError as error:
            raise NotReady(error.message) from error

    async def _check_litellm(self) -> None:
        readiness = await self.lookups.readiness()
        if not isinstance(readiness, dict) or readiness.get("db") != "connected":
            raise NotReady("LiteLLM has lost its database.")

    async def _check_key(self) -> None:
        """By the key's own row, which LiteLLM reads from the database: its readiness and its models come from caches."""
        try:
            answer = await self.lookups.key_info()
        except UpstreamError as error:
            if error.status_code not in _HAS_NO_INFO:
                raise
            await self.lookups.list_models()
            return
        info = answer.get("info") if isinstance(answer, dict) else None
        if not isinstance(info, dict) or info.get("status", "active") != "active":
            raise NotReady("LiteLLM does not list this server's LLM_API_KEY as active.")
        self.own_key.learn(answer)
        if "last_active" in info:
            self.spend.check(info["last_active"])
