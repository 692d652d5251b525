"""Results of MCP tools as text, and the names that their tools go by."""

import pytest
from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from api.tools.mcp import unique_names
from api.tools.mcp_content import as_text


def text(*parts: str) -> list[TextContent]:
    return [TextContent(type="text", text=part) for part in parts]


def told(result: CallToolResult) -> str:
    return as_text(result.model_dump(by_alias=True, mode="json", exclude_none=True))


def test_texts_are_joined_by_line_ends() -> None:
    assert told(CallToolResult(content=[*text("one", "two")])) == "one\ntwo"


def test_structured_content_alone_is_json() -> None:
    assert told(CallToolResult(content=[], structured_content={"größe": 3})) == '{"größe": 3}'


@pytest.mark.parametrize(
    ("said", "structured"), [('{\n "a": 1}', {"a": 1}), ("42", {"result": 42}), ("plain", {"result": "plain"})]
)
def test_structured_content_that_the_text_repeats_is_not_repeated(said: str, structured: dict[str, object]) -> None:
    assert told(CallToolResult(content=[*text(said)], structured_content=structured)) == said


def test_structured_content_that_says_more_is_added() -> None:
    result = CallToolResult(content=[*text("3 found")], structured_content={"found": [1, 2, 3]})
    assert told(result) == '3 found\n{"found": [1, 2, 3]}'


def test_what_is_not_text_becomes_a_note() -> None:
    result = CallToolResult(
        content=[
            ImageContent(type="image", data="QUJD", mime_type="image/png"),
            AudioContent(type="audio", data="QUJD", mime_type="audio/wav"),
            ResourceLink(type="resource_link", name="report", uri="file:///report.pdf"),
            EmbeddedResource(type="resource", resource=TextResourceContents(uri="file:///a.txt", text="the text")),
            EmbeddedResource(type="resource", resource=BlobResourceContents(uri="file:///b.bin", blob="QUJD")),
        ]
    )
    assert told(result).splitlines() == [
        "[image of type image/png, about 3 bytes: not shown]",
        "[audio of type audio/wav, about 3 bytes: not shown]",
        "[resource report: file:///report.pdf]",
        "the text",
        "[resource file:///b.bin of type unknown, about 3 bytes: not shown]",
    ]


@pytest.mark.parametrize(
    ("tools", "names"),
    [
        ([("a", "x"), ("a", "y"), ("b", "z")], ["x", "y", "z"]),
        ([("a", "x"), ("b", "x"), ("b", "y")], ["a__x", "b__x", "y"]),
        ([("a", "x"), ("b", "x"), ("c", "a__x")], ["a__x", "b__x", "c__a__x"]),
    ],
)
def test_names_that_collide_get_their_servers_prefix(tools: list[tuple[str, str]], names: list[str]) -> None:
    assert unique_names(tools) == names
