"""Whatever a server's tools are described by, are called with and answer: a result, never an error of this program."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.tools.mcp_content import as_text
from api.tools.schema import ToolSchemaError
from api.tools.tool import Tool
from tests.support.growth import assert_linear
from tests.support.properties import FEW, any_json

WORDS = [
    "type",
    "properties",
    "required",
    "items",
    "enum",
    "pattern",
    "anyOf",
    "$ref",
    "$defs",
    "not",
    "minimum",
    "const",
]
VALUES = ["object", "string", "array", "number", "#", "#/$defs/a", "^a+$", "(", "a", "\\\\p{L}", "http://127.0.0.1:1/x"]
JSON = any_json(texts=st.sampled_from(VALUES), names=st.sampled_from(WORDS), most=10)
SCHEMAS = st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), JSON, max_size=5)
ARGUMENTS = st.dictionaries(st.sampled_from(["a", "type", "items"]) | st.text(max_size=3), JSON, max_size=4)
PARTS = ["text", "image", "audio", "resource", "resource_link", "of nobody"]
NESTED = ["[" * 20_000, "[" * 200, "9" * 5_000, "NaN", "{}", "null", '"', "[1]"]
TEXTS = st.sampled_from(NESTED)
FIELDS = {
    "type": st.sampled_from(PARTS) | JSON,
    "text": TEXTS | JSON,
    "data": JSON,
    "resource": JSON,
    "uri": JSON,
    "name": JSON,
}
BLOCKS = st.lists(st.fixed_dictionaries({}, optional=FIELDS) | JSON, max_size=4)


async def _echo(arguments: Any) -> str:
    return repr(arguments)


@FEW
@given(SCHEMAS, ARGUMENTS)
async def test_any_arguments_for_any_schema_have_a_result(schema: dict[str, Any], arguments: dict[str, Any]) -> None:
    try:
        tool = Tool("t", "d", schema, "s", _echo)
    except ToolSchemaError:
        return
    result = await tool.run(arguments)
    assert result.ok or result.error


@FEW
@given(BLOCKS | JSON, JSON)
def test_any_answer_of_a_tool_is_a_text(content: object, structured: object) -> None:
    assert isinstance(as_text({"content": content, "structuredContent": structured}), str)


def test_an_answer_takes_time_in_proportion_to_its_length() -> None:
    def answer(size: int) -> dict[str, Any]:
        return {"content": [{"type": "text", "text": "[1]\n"}] * size, "structuredContent": {"a": 1}}

    assert_linear(as_text, answer)
