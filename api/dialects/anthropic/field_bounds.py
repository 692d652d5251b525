"""What the fields of a message's request can hold, by Anthropic's API reference (`/docs/en/api/messages`)."""

from collections.abc import Mapping
from typing import Any, Final

from api.field_bounds import Bound, Number, Texts, check_fields, invalid

_LEAST_THOUGHT: Final = 1024  # tokens
_MESSAGE: Final[Mapping[str, Bound]] = {
    "max_tokens": Number(1, whole=True),
    "temperature": Number(0, 1),
    "top_p": Number(0, 1),
    "top_k": Number(0, whole=True),
    "stop_sequences": Texts(),
}


def check_message(body: Mapping[str, Any]) -> None:
    """
    Raises:
        InvalidRequest: the request holds what its answer cannot be asked for with.
    """
    check_fields(body, _MESSAGE)
    thinking = body.get("thinking")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if budget is None:
        return
    Number(_LEAST_THOUGHT, whole=True).check("thinking.budget_tokens", budget)
    if budget >= body["max_tokens"]:
        raise invalid("thinking.budget_tokens", "it must be less than `max_tokens`", "invalid_value")
