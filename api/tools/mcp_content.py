"""What an MCP tool answered, as the text that a model reads."""

import json
from typing import Any

from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)


def as_text(result: CallToolResult) -> str:
    """Text as it is, structured content as JSON unless the text says the same, anything else as a note."""
    text = "\n".join(_block(block) for block in result.content)
    if result.structured_content is None or _says(text, result.structured_content):
        return text
    structured = json.dumps(result.structured_content, ensure_ascii=False)
    return f"{text}\n{structured}" if text else structured


def _says(text: str, structured: Any) -> bool:
    # Servers wrap a plain value as {"result": value}, and repeat it in the text for clients of older protocols.
    value = structured.get("result") if isinstance(structured, dict) and set(structured) == {"result"} else structured
    if isinstance(value, str) and value == text:
        return True
    try:
        return bool(json.loads(text) in (structured, value))
    except ValueError:
        return False


def _block(block: ContentBlock) -> str:
    match block:
        case TextContent():
            return block.text
        case ImageContent() | AudioContent():
            return f"[{block.type} of type {block.mime_type}, about {len(block.data) * 3 // 4:,} bytes: not shown]"
        case ResourceLink():
            return f"[resource {block.name}: {block.uri}]"
        case EmbeddedResource():
            return _resource(block.resource)


def _resource(resource: TextResourceContents | BlobResourceContents) -> str:
    if isinstance(resource, TextResourceContents):
        return resource.text
    size = len(resource.blob) * 3 // 4
    return f"[resource {resource.uri} of type {resource.mime_type or 'unknown'}, about {size:,} bytes: not shown]"
