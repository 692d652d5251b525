"""Who makes a call and what for, in the words that LiteLLM's spend log and Phoenix filter by."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from api.request_context import RequestContext

# Tags that start with these are ours alone: a caller's own tag of that form is left out, since it would claim another's cost.
_OWN_TAGS = ("component:", "operation:", "routing_path:")
# Fields of a body by which LiteLLM would let a caller tag and attribute a call beside `metadata`.
_LITELLMS_OWN_FIELDS = frozenset({"litellm_metadata", "tags"})


class Component(StrEnum):
    """Which part of this server makes a call."""

    PASSTHROUGH = "passthrough"
    REASONING_AGENT = "reasoning-agent"
    ROUTING_CLASSIFIER = "routing-classifier"


class Operation(StrEnum):
    """What a call is for."""

    CHAT = "chat"
    COMPLETION = "completion"
    EMBEDDING = "embedding"
    RESPONSE = "response"
    STEP_GENERATION = "step_generation"
    SYNTHESIS = "synthesis"
    AUTO_ROUTING = "auto_routing"


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why one call is made, and for whom."""

    component: Component
    operation: Operation
    context: RequestContext

    def metadata(self) -> dict[str, str]:
        """What both LiteLLM and Phoenix are told of the call."""
        return {"component": self.component.value, "operation": self.operation.value, **self.context.metadata}

    def tags(self) -> list[str]:
        """What LiteLLM sums spend by."""
        return [
            f"component:{self.component}",
            f"operation:{self.operation}",
            f"routing_path:{self.context.routing_path}",
        ]


def attributed(
    body: Mapping[str, Any], purpose: Purpose, trace_id: str | None, field: str = "metadata"
) -> dict[str, Any]:
    """The body with our metadata merged into the caller's own: ours wins on our names, nothing else of theirs is lost.

    LiteLLM keeps `tags` as request tags and `spend_logs_metadata` as it is; other metadata only reaches its spans.
    `field` is where it reads them; whatever a caller puts into its other fields for tags and metadata is left out.
    """
    theirs = _mapping(body.get(field))
    ours = purpose.metadata()
    spend_log = ours | ({"trace_id": trace_id} if trace_id else {})
    metadata = {
        **theirs,
        **ours,
        "tags": [*_callers_tags(theirs.get("tags")), *purpose.tags()],
        "spend_logs_metadata": {**_mapping(theirs.get("spend_logs_metadata")), **spend_log},
    }
    kept = {name: value for name, value in body.items() if name not in _LITELLMS_OWN_FIELDS}
    return {**kept, field: metadata}


def _callers_tags(tags: Any) -> list[str]:
    return (
        [tag for tag in tags if isinstance(tag, str) and not tag.startswith(_OWN_TAGS)]
        if isinstance(tags, list)
        else []
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
