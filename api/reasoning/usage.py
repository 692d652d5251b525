"""Usage and cost, summed over all calls of one request."""

import math
from collections.abc import Mapping
from typing import Any

DOLLAR_DIGITS = 12  # finer than any price per token, coarser than the error of adding floats


def add_usage(total: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Field by field, details included; what is no number (or not there) counts as nothing."""
    added: dict[str, Any] = dict(total)
    for field, value in more.items():
        if isinstance(value, Mapping):
            before = total.get(field)
            added[field] = add_usage(before if isinstance(before, Mapping) else {}, value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            before = total.get(field)
            total_value = value + (before if isinstance(before, int | float) else 0)
            added[field] = round(total_value, DOLLAR_DIGITS) if isinstance(total_value, float) else total_value
    return added


def usage_of(answer: Any, headers: Mapping[str, str]) -> dict[str, Any]:
    """What one call used; its cost in dollars as `cost`, which LiteLLM puts into a header of a plain answer."""
    said = answer.get("usage") if isinstance(answer, Mapping) else None
    usage: dict[str, Any] = dict(said) if isinstance(said, Mapping) else {}
    cost = _dollars(headers.get("x-litellm-response-cost"))
    if usage.get("cost") is None and cost is not None:
        usage["cost"] = cost
    return usage


def _dollars(text: str | None) -> float | None:
    """LiteLLM may say `None` of a model whose price it does not know."""
    try:
        cost = float(text or "")
    except ValueError:
        return None
    return cost if math.isfinite(cost) else None
