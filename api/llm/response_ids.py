"""Whose a response is that its provider keeps: the id that a client sees says so, and nothing is remembered for it.

LiteLLM knows the responses of a virtual key, which all callers share.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from api.context import Caller
from api.errors import PreviousResponseNotFound

_PURPOSE: Final = b"whose a response is"
_MARK_BYTES: Final = 16
_BETWEEN: Final = "."  # in no id of LiteLLM's, which are base64, and left as it is in an address


class ResponseIds:
    """LiteLLM's ids, each with a mark that this server alone can make, for one caller."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), _PURPOSE, "sha256")

    def of(self, litellms_id: str, caller: Caller) -> str:
        """The id by which this caller knows the response."""
        return f"{litellms_id}{_BETWEEN}{self._mark(litellms_id, caller)}"

    def litellms(self, callers_id: str, caller: Caller) -> str | None:
        """LiteLLM's id; None if this is no id that the caller was given."""
        litellms_id, _, mark = callers_id.rpartition(_BETWEEN)
        own = self._mark(litellms_id, caller)
        return litellms_id if hmac.compare_digest(mark.encode(errors="replace"), own.encode()) else None

    def _mark(self, litellms_id: str, caller: Caller) -> str:
        # No name of a caller holds what stands between the two, so that no other pair reads the same.
        of_both = f"{caller.id}\0{litellms_id}".encode(errors="replace")
        mark = hmac.digest(self._key, of_both, "sha256")[:_MARK_BYTES]
        return urlsafe_b64encode(mark).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class OwnedResponse:
    """The ids in one response as its caller knows them; `previous` is the one that the request named."""

    ids: ResponseIds
    caller: Caller
    previous: str | None = None

    def litellms_previous(self) -> str | None:
        """The id by which LiteLLM knows the response that this one continues.

        Raises:
            PreviousResponseNotFound: it is none of this caller's.
        """
        if self.previous is None:
            return None
        litellms_id = self.ids.litellms(self.previous, self.caller)
        if litellms_id is None:
            raise PreviousResponseNotFound
        return litellms_id

    def tell(self, response: MutableMapping[str, Any]) -> None:
        """Puts them into the response."""
        if isinstance(litellms_id := response.get("id"), str):
            response["id"] = self.ids.of(litellms_id, self.caller)
        if self.previous is not None and response.get("previous_response_id") is not None:
            # LiteLLM tells the provider's own here, by which nobody could ask for it.
            response["previous_response_id"] = self.previous
