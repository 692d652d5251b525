"""What the fields of a chat completion and of a response can hold, by OpenAI's API reference (`/docs/api-reference/chat/create`,
`/responses/create`, `/docs/guides/structured-outputs`)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from api.errors import InvalidRequest
from api.field_bounds import Bound, Flag, Number, Numbers, OneOf, Texts, check_fields, invalid

_SAMPLING: Final[Mapping[str, Bound]] = {
    "temperature": Number(0, 2),
    "top_p": Number(0, 1),
    "top_logprobs": Number(0, 20, whole=True),
}
_CHAT: Final[Mapping[str, Bound]] = {
    **_SAMPLING,
    "n": Number(1, 128, whole=True),
    "max_tokens": Number(1, whole=True),
    "max_completion_tokens": Number(1, whole=True),
    "presence_penalty": Number(-2, 2),
    "frequency_penalty": Number(-2, 2),
    "seed": Number(whole=True),
    "stop": Texts(4, single=True),
    "logprobs": Flag(),
    "logit_bias": Numbers(Number(-100, 100)),
    "verbosity": OneOf(("low", "medium", "high")),
}
_RESPONSE: Final[Mapping[str, Bound]] = {
    **_SAMPLING,
    "max_output_tokens": Number(16, whole=True),
    "max_tool_calls": Number(1, whole=True),
    "truncation": OneOf(("auto", "disabled")),
}
_FORMATS: Final = OneOf(("text", "json_object", "json_schema"))
_FORMAT_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Whose models take OpenAI's own schemas; others' rules are not known here.
_OPENAIS: Final = frozenset({"openai", "azure"})
_NOT_STRICT: Final = ("allOf", "not", "dependentRequired", "dependentSchemas", "if", "then", "else")
_HOLDS_SCHEMAS: Final = ("properties", "$defs", "definitions")


def check_chat(body: Mapping[str, Any], provider: str | None = None) -> None:
    """
    Raises:
        InvalidRequest: the request holds what its answer cannot be asked for with; `provider` is LiteLLM's name of the model's.
    """
    check_fields(body, _CHAT)
    if provider == "anthropic":  # by Anthropic's reference
        check_fields(body, {"temperature": Number(0, 1)})
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise invalid("top_logprobs", "`logprobs` must be true where it is set", "invalid_value")
    wanted = body.get("response_format")
    if isinstance(wanted, dict):
        _check_format("response_format", wanted, provider)
        if wanted.get("type") == "json_schema":
            _check_schema("response_format.json_schema", wanted.get("json_schema"), provider)
        if wanted.get("type") == "json_object" and provider in _OPENAIS and not _speaks_of_json(body):
            raise invalid(
                "response_format", "the messages must contain the word 'json' for 'json_object'", "invalid_value"
            )


def check_response(body: Mapping[str, Any], provider: str | None = None) -> None:
    """
    Raises:
        InvalidRequest: as `check_chat`.
    """
    check_fields(body, _RESPONSE)
    text = body.get("text")
    if isinstance(text, dict):
        check_fields({"text.verbosity": text.get("verbosity")}, {"text.verbosity": _CHAT["verbosity"]})
        if isinstance(wanted := text.get("format"), dict):
            _check_format("text.format", wanted, provider)
            if wanted.get("type") == "json_schema":
                _check_schema("text.format", wanted, provider)


def _check_format(field: str, wanted: Mapping[str, Any], provider: str | None) -> None:
    kind = wanted.get("type")
    if provider in _OPENAIS or kind is None:
        _FORMATS.check(f"{field}.type", kind)


def _check_schema(field: str, described: Any, provider: str | None) -> None:
    if not isinstance(described, dict):
        raise invalid(field, "the type 'json_schema' needs a name and a schema here", "missing_required_parameter")
    schema = described.get("schema")
    if schema is not None and not isinstance(schema, dict):
        raise invalid(f"{field}.schema", "expected an object", "invalid_type")
    if provider not in _OPENAIS:
        return
    name = described.get("name")
    if not isinstance(name, str) or not _FORMAT_NAME.fullmatch(name):
        raise invalid(f"{field}.name", "expected 1 to 64 letters, digits, _ or -", "invalid_value")
    if described.get("strict"):
        _check_strict(field, name, schema or {})


def _check_strict(field: str, name: str, schema: Mapping[str, Any]) -> None:
    if schema.get("type") != "object":
        raise _not_strict(field, name, "", "the whole of it must be of the type 'object'")
    for path, part in _parts(schema, ""):
        if unknown := next((keyword for keyword in _NOT_STRICT if keyword in part), None):
            raise _not_strict(field, name, path, f"'{unknown}' is not permitted")
        if part.get("type") != "object" and "properties" not in part:
            continue
        if part.get("additionalProperties") is not False:
            raise _not_strict(field, name, path, "'additionalProperties' must be there, and false")
        if missing := set(_object(part.get("properties"))) - set(filter(_is_text, _list(part.get("required")))):
            raise _not_strict(field, name, path, f"'required' must name every property, so also '{min(missing)}'")


def _parts(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every schema in it, with where it stands."""
    waiting: list[tuple[str, Any]] = [(path, schema)]
    while waiting:
        where, part = waiting.pop()
        if not isinstance(part, dict):
            continue
        yield where, part
        waiting += [
            (f"{where}/{holder}/{name}", one) for holder in _HOLDS_SCHEMAS for name, one in _named(part, holder)
        ]
        waiting += [(f"{where}/anyOf/{place}", one) for place, one in enumerate(_list(part.get("anyOf")))]
        waiting.append((f"{where}/items", part.get("items")))


def _named(part: Mapping[str, Any], holder: str) -> Iterator[tuple[str, Any]]:
    yield from _object(part.get(holder)).items()


def _not_strict(field: str, name: str, path: str, why: str) -> InvalidRequest:
    where = f" at {path}" if path else ""
    return InvalidRequest(
        f"Invalid schema for {field} '{name}'{where}: {why}.", param=field, code="invalid_json_schema"
    )


def _speaks_of_json(body: Mapping[str, Any]) -> bool:
    return any(
        "json" in text.lower() for message in body.get("messages") or () for text in _texts(message.get("content"))
    )


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        yield from (part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
