"""JSON whose schema a prompt tells in words, without asking for it in the request: followed as a model would follow it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema

from demo.provider.agent import question_of, satisfies, structured
from demo.provider.arguments import arguments_in
from demo.provider.prompt import Prompt, Turn
from demo.provider.schema import instance

START = re.compile(r"\{")
# A user who asks about a schema wants no instance of it: what wants one says so, in one sentence with the JSON.
WANTED = re.compile(
    r"\b(?:respond|reply|answer|output|return|provide|produce|generate|give|write|formatted|conform\w*|match\w*|adher\w*"
    r"|follow\w*|valid)\b[^.?!]{0,160}\b(?:json|schema)\b",
    re.IGNORECASE,
)
FENCE = re.compile(
    r"```json|\bcode ?-?(?:block|fence)|\bmarkdown (?:code|block|fence)|\bfenced\b|\bin a fence", re.IGNORECASE
)
REFUSAL = re.compile(r"\b(?:no|not|never|without|don['’]t)\b", re.IGNORECASE)
SENTENCE_END = re.compile(r"[.!?]\s|\n\s*\n")


def as_described(prompt: Prompt) -> str | None:
    """The answer in the form that the prompt describes; None where it describes none."""
    schema = _schema(prompt)
    if schema is None:
        return None
    text = json.dumps(_value(prompt, schema), ensure_ascii=False)
    return f"```json\n{text}\n```" if _is_fenced(prompt) else text


def _value(prompt: Prompt, schema: dict[str, Any]) -> Any:
    """What the question says of the fields, over what the schema allows."""
    base = instance(schema)
    if not isinstance(base, dict):
        return base
    base, question = structured(prompt, schema), question_of(prompt)
    # What is quoted in a schema is no field's value.
    told = base if any(_schemas_in(question)) else base | arguments_in(question, "fields", schema)
    return told if satisfies(told, schema) else base


def _schema(prompt: Prompt) -> dict[str, Any] | None:
    """The last that is told: what comes before it may be an example of what a schema is."""
    telling = [turn.text for turn in _telling(prompt) if prompt.json_mode or WANTED.search(turn.text)]
    found = [schema for text in telling for schema in _schemas_in(text)]
    return found[-1] if found else None


def _telling(prompt: Prompt) -> list[Turn]:
    """The turns that tell the model what to do: those above the conversation, and the user's last."""
    last = next((turn for turn in reversed(prompt.turns) if turn.role == "user"), None)
    above = [turn for turn in prompt.turns if turn.role in {"system", "developer"}]
    return [*above, *([last] if last else [])]


def _schemas_in(text: str) -> Iterator[dict[str, Any]]:
    """The JSON schemas that stand in the text, outermost only."""
    decoder, place = json.JSONDecoder(), 0
    while start := START.search(text, place):
        try:
            value, place = decoder.raw_decode(text, start.start())
        except ValueError:
            place = start.end()
            continue
        if _is_schema(value):
            yield value


def _is_schema(value: dict[str, Any]) -> bool:
    """An object of fields, or a list of something: not every object that happens to have a `type`."""
    described = isinstance(value.get("properties"), dict) or (value.get("type") == "array" and "items" in value)
    if not described and not ("$ref" in value and "$defs" in value):
        return False
    try:
        jsonschema.Draft202012Validator.check_schema(value)
    except jsonschema.SchemaError:
        return False
    return True


def _is_fenced(prompt: Prompt) -> bool:
    """Whether a fence is asked for, and not one that the text itself is in, nor one that is forbidden."""
    return not prompt.json_mode and any(_asks_for_fence(turn.text) for turn in _telling(prompt))


def _asks_for_fence(text: str) -> bool:
    for found in FENCE.finditer(text):
        opens_a_block = found[0].startswith("```") and text[found.end() :].lstrip(" ")[:1] in {"\n", "{"}
        before = SENTENCE_END.split(text[: found.start()])[-1]
        if not opens_a_block and not REFUSAL.search(before):
            return True
    return False
