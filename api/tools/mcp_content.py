"""What an MCP tool answered, as the text that a model reads: whatever it is, for the tool has run."""

import json
from collections.abc import Mapping
from typing import Any

# More parts than this hold no more of the 20,000 characters that a model is given.
MAX_PARTS = 1_000
# Text longer than this is not compared with the structured content: what comes after it is cut anyway.
MAX_COMPARED_CHARACTERS = 1_000_000
# What says something about a result, rather than being it.
_ABOUT = ("content", "structuredContent", "isError", "_meta", "resultType", "ttlMs", "cacheScope")


def is_error(result: Mapping[str, Any]) -> bool:
    """Whether the tool says that it failed, also in words."""
    said = result.get("isError")
    return said is True or said == 1 or (isinstance(said, str) and said.lower() == "true")


def as_text(result: Mapping[str, Any]) -> str:
    """Text as it is, structured content as JSON unless the text says the same, anything else as a note.

    A result of another form is JSON as it came.
    """
    text = _content(result.get("content"))
    structured = result.get("structuredContent")
    if structured is None and "content" not in result:
        structured = {name: value for name, value in result.items() if name not in _ABOUT} or None
    if structured is None or _says(text, structured):
        return text
    return f"{text}\n{_json(structured)}" if text else _json(structured)


def _content(content: Any) -> str:
    if content is None:
        return ""
    parts = content if isinstance(content, list) else [content]
    shown = [_part(part) for part in parts[:MAX_PARTS] if part is not None]
    more = len(parts) - MAX_PARTS
    return "\n".join([*shown, f"[{more:,} more parts: not shown]"] if more > 0 else shown)


def _says(text: str, structured: Any) -> bool:
    # Servers wrap a plain value as {"result": value}, and repeat it in the text for clients of older protocols.
    value = structured.get("result") if isinstance(structured, dict) and set(structured) == {"result"} else structured
    if isinstance(value, str) and value == text:
        return True
    if len(text) > MAX_COMPARED_CHARACTERS:
        return True
    try:
        return bool(json.loads(text) in (structured, value))
    except (ValueError, RecursionError):
        return False


def _part(part: Any) -> str:
    match part:
        case str():
            return part
        case {"type": "text", "text": str(text)}:
            return text
        case {"type": "resource_link", "uri": str(uri)}:
            return f"[resource {part.get('name') or 'without a name'}: {uri}]"
        case {"type": "resource", "resource": {"text": str(text)}}:
            return text
        case {"type": "resource", "resource": {"blob": str(blob), **resource}}:
            kind = resource.get("mimeType") or "unknown"
            return f"[resource {resource.get('uri')} of type {kind}, about {_size(blob)} bytes: not shown]"
        case {"type": str(kind), "data": str(data)}:
            return f"[{kind} of type {part.get('mimeType') or 'unknown'}, about {_size(data)} bytes: not shown]"
        case _:
            return _json(part)


def _size(base64: str) -> str:
    return f"{len(base64) * 3 // 4:,}"


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return "[data that is nested too deeply: not shown]"
