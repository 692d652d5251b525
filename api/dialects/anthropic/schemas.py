"""What /openapi.json says of messages, beside the fields that this server itself reads."""

from typing import Any, Final

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_TEXT_OR_NULL: Final[Schema] = {"type": ["string", "null"]}
_USAGE: Final[Schema] = {
    "type": "object",
    "properties": {"input_tokens": _COUNT, "output_tokens": _COUNT},
    "required": ["input_tokens", "output_tokens"],
}
_SAMPLING: Final[Schema] = {
    "temperature": {"type": "number", "minimum": 0, "maximum": 1},
    "top_p": {"type": "number", "minimum": 0, "maximum": 1},
    "top_k": _COUNT,
}

# Beside the fields of `requests.py`; any other field is handed on too.
REQUEST_FIELDS: Final[dict[str, Schema]] = {"MessagesRequest": _SAMPLING}

ANSWERS: Final[dict[str, Schema]] = {
    "AnthropicMessage": {
        "type": "object",
        "properties": {
            "id": _TEXT,
            "type": {"type": "string", "enum": ["message"]},
            "role": {"type": "string", "enum": ["assistant"]},
            "model": _TEXT,
            "content": {
                "type": "array",
                "items": {"type": "object", "properties": {"type": _TEXT}, "required": ["type"]},
            },
            "stop_reason": _TEXT_OR_NULL,
            "stop_sequence": _TEXT_OR_NULL,
            "usage": _USAGE,
        },
        "required": ["id", "type", "role", "model", "content", "stop_reason", "usage"],
    },
    "MessageStreamEvent": {"type": "object", "properties": {"type": _TEXT}, "required": ["type"]},
    "MessageTokensCount": {"type": "object", "properties": {"input_tokens": _COUNT}, "required": ["input_tokens"]},
}
