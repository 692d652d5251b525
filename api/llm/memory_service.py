"""What a memory service in front of a model is told of a call, and what of its words a caller gets."""

from collections.abc import Mapping
from typing import Any, Final

from api.context import RequestContext
from api.llm.upstream_headers import of_the_provider
from api.memory import MemoryRouting

# LiteLLM sends what stands in this field on as headers, on every path and to every kind of deployment, beside the deployment's own
# `extra_headers`, in which the service's key stands; a field of that name would take their place.
HEADERS: Final = "headers"


def with_memory(body: dict[str, Any], context: RequestContext, memory: MemoryRouting) -> dict[str, Any]:
    """The body of a call, with whose memory it is about where its model has one, and with nobody else's name."""
    if not memory.enabled:
        return body
    told = memory.without_other_users(body)
    headers = headers_told(str(body.get("model")), context, memory)
    return {**told, HEADERS: {**told.get(HEADERS, {}), **headers}} if headers else told


def headers_told(model: str, context: RequestContext, memory: MemoryRouting) -> dict[str, str]:
    """Whose memory the call is about, and in which session it is made."""
    return memory.upstream_headers(context.memory_user, context.session_id, model)


def service_headers(headers: Mapping[str, str], memory: MemoryRouting) -> dict[str, str]:
    """Those of the service's own headers that a caller is to get; `headers` are those of LiteLLM's answer."""
    return of_the_provider(headers, memory.is_answer_header) if memory.tells_callers else {}
