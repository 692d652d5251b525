"""Who makes a call and what for, in the words that LiteLLM's spend log and Phoenix filter by."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from api.components import Component, Operation
from api.context import RequestContext
from api.llm.documented_fields import CHAT
from api.llm.litellm_fields import steers_as_metadata, without_litellms_own

# LiteLLM takes the end user from here first, and does not tell the provider.
END_USER_HEADER = "x-litellm-end-user-id"
LONGEST_END_USER = 256
_HEADER_SAFE = "".join(map(chr, range(0x21, 0x7F))).replace("%", "")
_SAFE = re.compile(r"[!-$&-~]*")

# Tags that start with these are ours alone: a caller's own tag of that form is left out, since it would claim another's cost.
_OWN_TAGS = ("component:", "operation:", "routing_path:", "environment:")
# LiteLLM has agents of its own: by the first name it looks for one of them, and charges it.
_NOT_OBEYED = frozenset({"agent_id", "parent_agent_id"})


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why one call is made, for whom, and in which environment, if LiteLLM has said which."""

    component: Component
    operation: Operation
    context: RequestContext
    environment: str | None = None

    def metadata(self) -> dict[str, str]:
        """What the spend log and our spans say of the call."""
        known = {"component": self.component.value, "operation": self.operation.value, **self.context.metadata}
        return known | ({"environment": self.environment} if self.environment else {})

    def tags(self) -> list[str]:
        """What LiteLLM sums spend by: only what has few values, since every tag is a row a day in its database."""
        tags = [
            f"component:{self.component}",
            f"operation:{self.operation}",
            f"routing_path:{self.context.routing_path}",
        ]
        return tags + ([f"environment:{self.environment}"] if self.environment else [])

    def headers(self) -> dict[str, str]:
        """The end user, in a form that fits a header: what is not visible ASCII is percent-encoded."""
        return {END_USER_HEADER: _header_safe(self.context.end_user[:LONGEST_END_USER])}


def attributed(
    body: Mapping[str, Any],
    purpose: Purpose,
    trace_id: str | None,
    field: str = "metadata",
    documented: frozenset[str] = CHAT,
    *,
    metadata_fields: frozenset[str] | None = None,
) -> dict[str, Any]:
    """The body with our metadata where LiteLLM reads it, `field`, and without what a caller may not tell LiteLLM.

    `documented` are the fields that the call's path has. With `metadata_fields`, those of the provider's, our names
    stand in `metadata` as well: LiteLLM's spans take them from there, and it keeps them from the provider.

    LiteLLM keeps `tags` as request tags and `spend_logs_metadata` as it is; the rest reaches its spans and steers it. So the
    caller's own metadata goes into the spend log whole, as `caller_metadata`, where LiteLLM obeys no word of it.
    """
    theirs = _mapping(body.get("metadata"))
    record = purpose.metadata()
    ours = {name: value for name, value in record.items() if name not in _NOT_OBEYED}
    told: dict[str, Any] = record | ({"trace_id": trace_id} if trace_id else {})
    if noted := {name: value for name, value in theirs.items() if name != "tags"}:
        told["caller_metadata"] = noted
    metadata = {**ours, "tags": [*_callers_tags(theirs.get("tags")), *purpose.tags()], "spend_logs_metadata": told}
    kept = without_litellms_own(body, documented)
    if field == "metadata":
        return {**kept, field: metadata}
    told_in_both = {**_without_our_names(kept, ours), field: {**metadata, "requester_metadata": ours}}
    if metadata_fields is None:
        return told_in_both
    return {**told_in_both, "metadata": {name: theirs[name] for name in metadata_fields & theirs.keys()} | ours}


def _header_safe(text: str) -> str:
    return text if _SAFE.fullmatch(text) else quote(text, safe=_HEADER_SAFE)


def _without_our_names(body: Mapping[str, Any], ours: Mapping[str, str]) -> dict[str, Any]:
    """The body less what its `metadata`, which is the provider's here, would tell LiteLLM, in our place or in its own."""
    theirs = body.get("metadata")
    if not isinstance(theirs, dict):
        return dict(body)
    kept = {name: value for name, value in theirs.items() if name not in ours and not steers_as_metadata(name)}
    return {**body, "metadata": kept}


def _callers_tags(tags: Any) -> list[str]:
    if not isinstance(tags, list):
        return []
    return [tag for tag in tags if isinstance(tag, str) and not tag.strip().lower().startswith(_OWN_TAGS)]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
