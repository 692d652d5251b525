"""Responses that are kept, as OpenAI keeps them unless `store` is false: found by their id, continued, listed, deleted."""

import json
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from demo.provider import checks
from demo.provider.endpoint import Call, Dialect
from demo.provider.errors import ProviderError

MOST_KEPT, MOST_KEPT_CHARACTERS = 1_000, 64_000_000
MOST_LISTED = 100
# What OpenAI's ids of items begin with, by the item's type.
ID_PREFIXES = {"message": "msg", "function_call": "fc", "function_call_output": "fco", "reasoning": "rs"}


@dataclass(frozen=True)
class KeptResponse:
    """`items` is all that the model was given but for its instructions, which hold for one response alone."""

    response: dict[str, Any]
    items: list[dict[str, Any]]
    characters: int

    @property
    def conversation(self) -> list[dict[str, Any]]:
        return [*self.items, *self.response["output"]]


@dataclass
class Kept:
    """The last 1,000, and of long ones as many as make 64 million characters of JSON."""

    _by_id: OrderedDict[str, KeptResponse] = field(default_factory=OrderedDict)
    _characters: int = 0

    def keep(self, response: dict[str, Any], items: list[dict[str, Any]]) -> None:
        whole = [listed(item) for item in items]
        characters = len(json.dumps([response, whole]))
        self._by_id[response["id"]] = KeptResponse(response, whole, characters)
        self._characters += characters
        while len(self._by_id) > MOST_KEPT or self._characters > MOST_KEPT_CHARACTERS:
            self._forget(next(iter(self._by_id)))

    def conversation(self, previous: Any) -> list[dict[str, Any]]:
        """What a request that goes on from this response begins with. Raises ProviderError."""
        name = "previous_response_id"
        found = self._by_id.get(_checked(checks.of_type(previous, str, name), name))
        if found is None:
            message = f"Previous response with id '{previous}' not found."
            raise ProviderError(message, param=name, code="previous_response_not_found")
        return found.conversation

    def get(self, call: Call) -> dict[str, Any]:
        return self._found(call).response

    def delete(self, call: Call) -> dict[str, Any]:
        identifier = self._found(call).response["id"]
        self._forget(identifier)
        return {"id": identifier, "object": "response", "deleted": True}

    def cancel(self, call: Call) -> dict[str, Any]:
        """None is made in the background, so there is never one to cancel."""
        self._found(call)
        raise ProviderError("Cannot cancel a synchronous response.")

    def input_items(self, call: Call) -> dict[str, Any]:
        """A page of what the response was made from, the newest first unless asked otherwise."""
        items, query = self._found(call).items, call.query
        order = checks.one_of(query.get("order", "desc"), ("asc", "desc"), "order")
        ordered = items if order == "asc" else items[::-1]
        start = _place_after(ordered, query["after"]) if "after" in query else 0
        limit = _limit(query.get("limit", "20"))
        page = ordered[start : start + limit]
        ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {"first_id": None, "last_id": None}
        return {"object": "list", "data": page, **ends, "has_more": len(ordered) > start + limit}

    def _forget(self, identifier: str) -> None:
        self._characters -= self._by_id.pop(identifier).characters

    def _found(self, call: Call) -> KeptResponse:
        identifier = _checked(call.path_params["response_id"], "response_id")
        if identifier not in self._by_id:
            raise ProviderError(f"Response with id '{identifier}' not found.", status=404)
        return self._by_id[identifier]

    def dialects(self) -> tuple[Dialect, ...]:
        one = "/responses/{response_id}"
        return (
            Dialect(one, look_up=self.get, method="GET"),
            Dialect(one, look_up=self.delete, method="DELETE"),
            Dialect(f"{one}/cancel", look_up=self.cancel),
            Dialect(f"{one}/input_items", look_up=self.input_items, method="GET"),
        )


def listed(item: dict[str, Any]) -> dict[str, Any]:
    """An item as OpenAI lists it: with an id, a type and a status, and a message's text in parts."""
    kind = item.get("type", "message")
    identifier = f"{ID_PREFIXES.get(kind, 'item')}_{secrets.token_hex(24)}"
    whole = {"id": identifier, "type": kind, "status": "completed", **item}
    if kind == "message" and isinstance(item.get("content"), str):
        part = "output_text" if item.get("role") == "assistant" else "input_text"
        whole["content"] = [{"type": part, "text": item["content"]}]
    return whole


def _checked(identifier: str, name: str) -> str:
    if not identifier.startswith("resp"):
        message = f"Invalid '{name}': '{identifier}'. Expected an ID that begins with 'resp'."
        raise ProviderError(message, param=name, code="invalid_value")
    return identifier


def _place_after(items: list[dict[str, Any]], identifier: str) -> int:
    places = [place for place, item in enumerate(items) if item["id"] == identifier]
    if not places:
        raise ProviderError(f"Item with id '{identifier}' not found.", param="after", status=404)
    return places[0] + 1


def _limit(text: str) -> int:
    if not text.isdecimal():
        checks.of_type(text, int, "limit")
    checks.in_range({"limit": int(text)}, "limit", 1, MOST_LISTED)
    return int(text)
