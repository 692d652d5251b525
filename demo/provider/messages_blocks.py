"""The content blocks of Anthropic's messages: which there are, what each needs, and that calls meet their results."""

from collections.abc import Iterator
from typing import Any

from demo.provider.errors import ProviderError
from demo.provider.messages_fields import of_type
from demo.provider.messages_thinking import check_block

Block = dict[str, Any]
# For each type its fields, the required ones with a type; what has no entry here is taken as it comes.
FIELDS: dict[str, tuple[dict[str, type], frozenset[str]]] = {
    "text": ({"text": str}, frozenset({"cache_control", "citations"})),
    "image": ({"source": dict}, frozenset({"cache_control", "transformations"})),
    "document": ({"source": dict}, frozenset({"cache_control", "citations", "context", "title"})),
    "search_result": ({"content": list, "source": str, "title": str}, frozenset({"cache_control", "citations"})),
    "thinking": ({"signature": str, "thinking": str}, frozenset()),
    "redacted_thinking": ({"data": str}, frozenset()),
    "tool_use": (
        {"id": str, "input": dict, "name": str},
        frozenset({"cache_control", "caller", "toolset_name"}),
    ),
    "tool_result": ({"tool_use_id": str}, frozenset({"cache_control", "content", "is_error"})),
}
SERVER_BLOCKS = frozenset(
    [
        "server_tool_use",
        "web_search_tool_result",
        "web_fetch_tool_result",
        "code_execution_tool_result",
        "bash_code_execution_tool_result",
        "text_editor_code_execution_tool_result",
        "tool_search_tool_result",
        "container_upload",
        "advisor_tool_result",
        "mcp_tool_use",
        "mcp_tool_result",
        "mcp_tool_listing",
        "compaction",
        "tool_addition",
        "tool_removal",
        "fallback",
        "tool_reference",
    ]
)
ASSISTANT_ONLY = frozenset({"thinking", "redacted_thinking", "tool_use", "server_tool_use"})
USER_ONLY = frozenset({"tool_result", "image"})
MOST_BREAKPOINTS = 4
EXPECTED = ", ".join(f"'{name}'" for name in sorted({*FIELDS, *SERVER_BLOCKS}))


def blocks_of(content: Any, name: str) -> list[Block]:
    """The content's blocks, each checked by itself; a string is one block of text. Raises ProviderError."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise ProviderError(f"{name}: Input should be a valid list")
    for place, block in enumerate(content):
        _check(block, f"{name}.{place}")
    return content


def check_roles(blocks: list[Block], role: str, name: str) -> None:
    """What stands in a message that cannot stand there, and thoughts that are not ours. Raises ProviderError."""
    for place, block in enumerate(blocks):
        kind = block["type"]
        if (kind in ASSISTANT_ONLY and role != "assistant") or (kind in USER_ONLY and role != "user"):
            owner = "assistant" if kind in ASSISTANT_ONLY else "user"
            raise ProviderError(f"{name}.{place}: `{kind}` blocks can only be in `{owner}` messages")
        check_block(block, f"{name}.{place}")


def check_calls(messages: list[tuple[int, str, list[Block]]]) -> None:
    """Every call is answered at the beginning of the next message, and nothing else is. Raises ProviderError.

    The messages are (place in the request, role, blocks), those of one role in a row merged, those of `system` left out.
    """
    open_calls: list[str] = []
    called_at = 0
    for place, role, blocks in [*messages, (len(messages), "user", [])] if _ends_in_calls(messages) else messages:
        results = [
            (index, block["tool_use_id"]) for index, block in enumerate(blocks) if block["type"] == "tool_result"
        ]
        _check_known(place, results, open_calls if role == "user" else [])
        leading = {identifier for index, identifier in results if index < len(results)}
        if missing := [identifier for identifier in open_calls if identifier not in leading]:
            what = "`tool_use` ids were found without `tool_result` blocks immediately after"
            rule = "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
            raise ProviderError(f"messages.{called_at}: {what}: {', '.join(missing)}. {rule}")
        open_calls, called_at = [block["id"] for block in blocks if block["type"] == "tool_use"], place
        if len(set(open_calls)) < len(open_calls):
            raise ProviderError(f"messages.{place}.content: `tool_use` ids must be unique")


def _ends_in_calls(messages: list[tuple[int, str, list[Block]]]) -> bool:
    return bool(messages) and any(block["type"] == "tool_use" for block in messages[-1][2])


def _check_known(place: int, results: list[tuple[int, str]], calls: list[str]) -> None:
    seen: set[str] = set()
    for index, identifier in results:
        if identifier not in calls:
            what = f"unexpected `tool_use_id` found in `tool_result` blocks: {identifier}"
            rule = "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            raise ProviderError(f"messages.{place}.content.{index}: {what}. {rule}")
        if identifier in seen:
            what = "each tool_use must have a single result. Found multiple `tool_result` blocks with id"
            raise ProviderError(f"messages.{place}.content.{index}: {what}: {identifier}")
        seen.add(identifier)


def check_breakpoints(body: dict[str, Any]) -> None:
    """At most four marks for the cache, the longer-lived ones before the others. Raises ProviderError."""
    marks = [_mark(block) for block in _marked(body)]
    if len(marks) > MOST_BREAKPOINTS:
        raise ProviderError(
            f"A maximum of {MOST_BREAKPOINTS} blocks with cache_control may be provided. Found {len(marks)}."
        )
    if marks != sorted(marks, key=lambda ttl: ttl != "1h"):
        raise ProviderError("a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.")


def _marked(body: dict[str, Any]) -> Iterator[Block]:
    """Every block with `cache_control`, in the order in which the cache sees them, results' own blocks included."""
    pending: list[Any] = [body.get("tools"), body.get("system"), *(m.get("content") for m in body["messages"])]
    for content in pending:
        for block in content if isinstance(content, list) else []:
            inner = block.get("content") if block.get("type") == "tool_result" else None
            for part in [*(inner if isinstance(inner, list) else []), block]:
                if part.get("cache_control") is not None:
                    yield part
    if body.get("cache_control") is not None:
        yield body


def _mark(block: Block) -> str:
    control = of_type(block["cache_control"], dict, "cache_control")
    if control.get("type") != "ephemeral":
        raise ProviderError("cache_control.type: Input should be 'ephemeral'")
    ttl = control.get("ttl") or "5m"
    if ttl not in {"5m", "1h"}:
        raise ProviderError("cache_control.ephemeral.ttl: Input should be '5m' or '1h'")
    return str(ttl)


def _check(block: Any, name: str) -> None:
    of_type(block, dict, name)
    kind = block.get("type")
    if kind is None:
        raise ProviderError(f"{name}.type: Field required")
    if not isinstance(kind, str) or (kind not in FIELDS and kind not in SERVER_BLOCKS):
        what = f"Input tag '{kind}' found using 'type' does not match any of the expected tags: {EXPECTED}"
        raise ProviderError(f"{name}: {what}")
    if kind in FIELDS:
        _check_block_fields(block, f"{name}.{kind}", *FIELDS[kind])
    if kind == "tool_result" and block.get("content") is not None:
        blocks_of(block["content"], f"{name}.tool_result.content")


def _check_block_fields(block: Block, name: str, required: dict[str, type], optional: frozenset[str]) -> None:
    for field, kind in required.items():
        if block.get(field) is None:
            raise ProviderError(f"{name}.{field}: Field required")
        of_type(block[field], kind, f"{name}.{field}")
    for field in block:
        if field not in required and field not in optional and field != "type":
            raise ProviderError(f"{name}.{field}: Extra inputs are not permitted")
    if block["type"] == "text" and block.get("cache_control") is not None and not block["text"]:
        raise ProviderError(f"{name.removesuffix('.text')}.text: cache_control cannot be set for empty text blocks")
