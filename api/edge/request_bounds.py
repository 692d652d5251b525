"""How much of what a request may hold: generous against what APIs document, small enough that LiteLLM goes on answering others.

LiteLLM works on a request in the one thread in which it answers everybody: 10,000 messages took it 1.9 s, 2,048 of them 0.4 s.
docs/contract.md holds this as a table.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from api.edge.schema_size import MAX_SCHEMA_NODES, unfolded_nodes
from api.errors import InvalidRequest, ModelNotFound

MAX_MESSAGES: Final = 4_096
MAX_PARTS: Final = 8_192  # of content, and calls of tools, in all messages
MAX_TOOLS: Final = 512  # OpenAI: 128
MAX_INPUTS: Final = 2_048  # OpenAI's own, of an embedding
MAX_STOPS: Final = 64  # OpenAI: 4
MAX_CHOICES: Final = 128  # OpenAI's own
MAX_BIASES: Final = 4_096
MAX_METADATA: Final = 64  # pairs; OpenAI: 16
MAX_METADATA_CHARACTERS: Final = 16_384  # of names and texts together; OpenAI's 16 pairs have 9,216
MAX_TAGS: Final = 16
LONGEST_TAG: Final = 128
LONGEST_MODEL: Final = 256
LONGEST_NAME: Final = 1_024

# C0, DEL, C1, and what else ends a line.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# LiteLLM resolves tools of this server with its own MCP servers.
_LITELLMS_SERVER: Final = "litellm_proxy"


def check_bounds(body: Mapping[str, Any]) -> None:
    """Checks what of the body is of the right type; what is not is for `validate` to name.

    Raises:
        InvalidRequest: with the first field that holds too much, or a name that no name can be.
        ModelNotFound: a list of models, which LiteLLM would ask one after the other.
    """
    for field, value in body.items():
        if (check := _CHECKS.get(field)) is not None and value is not None:
            check(field, value)
    _check_schemas(body)


def _check_model(field: str, value: Any) -> None:
    _check_name(field, value, LONGEST_MODEL)
    if isinstance(value, str) and "," in value:
        raise ModelNotFound(value)


def _check_a_name(field: str, value: Any) -> None:
    _check_name(field, value, LONGEST_NAME)


def _check_name(field: str, value: Any, longest: int) -> None:
    if not isinstance(value, str):
        return
    if len(value) > longest:
        raise _beyond(field, "string too long", f"a string with maximum length {longest}", f"{len(value)} characters")
    if not value.isprintable() and _CONTROL.search(value):
        raise InvalidRequest(f"Invalid '{field}': it holds a control character.", param=field, code="invalid_value")


def _check_messages(field: str, value: Any) -> None:
    _check_length(field, value, MAX_MESSAGES)
    _check_parts(field, value)
    for place, message in _objects(value):
        if "name" in message:
            _check_name(f"{field}[{place}].name", message["name"], LONGEST_NAME)


def _check_input(field: str, value: Any) -> None:
    _check_length(field, value, _most_inputs(value))
    _check_parts(field, value)


def _check_parts(field: str, value: Any) -> None:
    if isinstance(value, list) and sum(map(_parts, value)) > MAX_PARTS:
        raise _beyond(field, "array too long", f"at most {MAX_PARTS} content parts in it", "more")


def _check_blocks(field: str, value: Any) -> None:
    _check_length(field, value, MAX_MESSAGES)


def _check_functions(field: str, value: Any) -> None:
    _check_length(field, value, MAX_TOOLS)
    for place, tool in _objects(value):
        name = (_object(tool.get("function")) or tool).get("name")
        _check_name(f"{field}[{place}].name", name, LONGEST_NAME)
        server = tool.get("server_url") if field == "tools" else None
        if isinstance(server, str) and server.strip().casefold().startswith(_LITELLMS_SERVER):
            named = f"{field}[{place}].server_url"
            raise InvalidRequest(
                f"Invalid '{named}': give the address of an MCP server.", param=named, code="invalid_value"
            )


def _check_stops(field: str, value: Any) -> None:
    _check_length(field, value, MAX_STOPS)


def _check_biases(field: str, value: Any) -> None:
    if isinstance(value, dict) and len(value) > MAX_BIASES:
        raise _beyond(field, "object with too many properties", f"at most {MAX_BIASES}", str(len(value)))


def _check_choices(field: str, value: Any) -> None:
    if isinstance(value, int | float) and value > MAX_CHOICES:
        raise _beyond(field, "integer above maximum value", f"a value <= {MAX_CHOICES}", str(value))


def _most_inputs(value: Any) -> int:
    """Items of a response count as messages, texts of an embedding as inputs; its tokens are bound by their number alone."""
    first = value[0] if isinstance(value, list) and value else None
    if isinstance(first, dict):
        return MAX_MESSAGES
    return MAX_INPUTS if isinstance(first, str | list) else len(value) if isinstance(value, list) else 0


def _parts(message: Any) -> int:
    if not isinstance(message, dict):
        return 0
    content, calls = message.get("content"), message.get("tool_calls")
    return (len(content) if isinstance(content, list) else 0) + (len(calls) if isinstance(calls, list) else 0)


def _check_metadata(field: str, metadata: Any) -> None:
    if not isinstance(metadata, dict):
        return
    if len(metadata) > MAX_METADATA:
        raise _beyond(field, "object with too many properties", f"at most {MAX_METADATA}", str(len(metadata)))
    for name in metadata:
        _check_name(field, name, LONGEST_NAME)
    texts = list(_texts({name: value for name, value in metadata.items() if name != "tags"}))
    if (length := sum(map(len, texts))) > MAX_METADATA_CHARACTERS:
        raise _beyond(field, "object too large", f"at most {MAX_METADATA_CHARACTERS} characters", str(length))
    if any("\x00" in text for text in texts):
        raise InvalidRequest(f"Invalid '{field}': it holds a NUL character.", param=field, code="invalid_value")
    _check_tags(metadata.get("tags"))


def _check_tags(tags: Any) -> None:
    _check_length("metadata.tags", tags, MAX_TAGS)
    for place, tag in enumerate(tags if isinstance(tags, list) else ()):
        _check_name(f"metadata.tags[{place}]", tag, LONGEST_TAG)


def _check_schemas(body: Mapping[str, Any]) -> None:
    """All of them together: what stands in each is unfolded in one thread."""
    if _WITH_SCHEMAS.isdisjoint(body):
        return
    nodes = 0
    for field, schema in _schemas(body):
        nodes += unfolded_nodes(schema, MAX_SCHEMA_NODES - nodes)
        if nodes > MAX_SCHEMA_NODES:
            most = f"schemas of at most {MAX_SCHEMA_NODES} parts, each `$ref` counted as what it stands for"
            raise _beyond(field, "schema too large", most, "more")


def _schemas(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for field in ("tools", "functions"):
        for place, tool in _objects(body.get(field)):
            function = _object(tool.get("function")) or tool
            yield f"{field}[{place}]", function.get("parameters") or tool.get("input_schema")
    if wanted := _object(body.get("response_format")):
        yield "response_format", _object(wanted.get("json_schema")).get("schema")
        yield "response_format", wanted.get("schema")
    for field, holder in (("text.format", "text"), ("output_config.format", "output_config")):
        if text := _object(body.get(holder)):
            yield field, _object(text.get("format")).get("schema")
    yield "output_format", _object(body.get("output_format")).get("schema")


def _check_length(field: str, value: Any, most: int) -> None:
    if isinstance(value, list) and len(value) > most:
        expected = f"an array with maximum length {most}"
        raise _beyond(field, "array too long", expected, f"an array with length {len(value)}")


_WITH_SCHEMAS: Final = frozenset({"tools", "functions", "response_format", "text", "output_config", "output_format"})
_CODES: Final = {
    "array too long": "array_above_max_length",
    "integer above maximum value": "integer_above_max_value",
    "object too large": "object_above_max_size",
    "object with too many properties": "object_above_max_properties",
    "schema too large": "schema_too_large",
    "string too long": "string_above_max_length",
}


def _beyond(field: str, fault: str, expected: str, got: str) -> InvalidRequest:
    message = f"Invalid '{field}': {fault}. Expected {expected}, but got {got}."
    return InvalidRequest(message, param=field, code=_CODES[fault])


def _objects(value: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    if isinstance(value, list):
        for place, one in enumerate(value):
            if isinstance(one, dict):
                yield place, one


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> Iterator[str]:
    """All names and texts in it, and what its other values are in JSON, roughly."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case dict() as found:
                yield from map(str, found)
                waiting += found.values()
            case list() as found:
                waiting += found
            case other:
                yield str(other)


_CHECKS: Final[Mapping[str, Callable[[str, Any], None]]] = {
    "model": _check_model,
    # These become parts of rows, headers and log lines.
    "user": _check_a_name,
    "safety_identifier": _check_a_name,
    "prompt_cache_key": _check_a_name,
    "previous_response_id": _check_a_name,
    "service_tier": _check_a_name,
    "messages": _check_messages,
    "system": _check_blocks,
    "input": _check_input,
    "tools": _check_functions,
    "functions": _check_functions,
    "stop": _check_stops,
    "stop_sequences": _check_stops,
    "include": _check_stops,
    "modalities": _check_stops,
    "n": _check_choices,
    "best_of": _check_choices,
    "logit_bias": _check_biases,
    "metadata": _check_metadata,
}
