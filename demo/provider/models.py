"""The model lists of OpenAI and Anthropic. Every other name answers too: these are only the ones to show."""

from typing import Any

from demo.provider.endpoint import Call, Dialect

OPENAI_MODELS = ("gpt-4o", "gpt-4o-mini", "o1-mini", "text-embedding-3-small", "text-embedding-3-large")
ANTHROPIC_MODELS = ("claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-5")
CREATED, CREATED_AT = 1_735_689_600, "2025-01-01T00:00:00Z"


def listed(call: Call) -> dict[str, Any]:
    if not _is_anthropic(call):
        return {"object": "list", "data": [_openai(name) for name in OPENAI_MODELS + ANTHROPIC_MODELS]}
    ends = {"first_id": ANTHROPIC_MODELS[0], "last_id": ANTHROPIC_MODELS[-1]}
    return {"data": [_anthropic(name) for name in ANTHROPIC_MODELS], "has_more": False, **ends}


def one(call: Call) -> dict[str, Any]:
    name = call.path_params["model"]
    return _anthropic(name) if _is_anthropic(call) else _openai(name)


def _is_anthropic(call: Call) -> bool:
    return "anthropic-version" in call.headers


def _openai(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "demo"}


def _anthropic(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": name, "created_at": CREATED_AT}


LIST_DIALECT = Dialect("/models", look_up=listed, method="GET")
ONE_DIALECT = Dialect("/models/{model:path}", look_up=one, method="GET")
