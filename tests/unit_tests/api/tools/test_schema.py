"""Schemas that take for ever to check, and what becomes of calls that cannot be checked: against a heartbeat of the loop."""

import asyncio
import functools
import json
import socketserver
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from api.tools.schema import CHECKING, READING, ToolSchemaError, compile_schema
from api.tools.schema_bounds import MAX_SCHEMA_CHARACTERS, MAX_SCHEMA_DEPTH
from api.tools.tool import Tool, ToolResult
from tests.support.mcp_clients import heartbeat

STALL_SECONDS = 0.5
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
EVIL = "^(a+)+$"
BAIT = "a" * 100 + "!"
HIDDEN = {"$schema": DRAFT_7, "pattern": EVIL}


async def called(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> tuple[ToolResult, list[Mapping[str, Any]]]:
    """The call's result, and what reached the tool; the event loop never stood still meanwhile."""
    received: list[Mapping[str, Any]] = []

    async def receive(given: Mapping[str, Any]) -> str:
        received.append(given)
        return "done"

    tool = Tool("act", "", schema, "here", receive)
    async with heartbeat() as longest:
        result = await tool.run(arguments)
    assert longest[0] < STALL_SECONDS
    return result, received


def of(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": schema}}


def unfolding(levels: int, keyword: str) -> dict[str, Any]:
    """Each definition refers to the next one twice."""
    names = [f"d{level}" for level in range(levels)]
    twice = {name: {keyword: [{"$ref": f"#/$defs/d{level + 1}"}] * 2} for level, name in enumerate(names)}
    return {"$defs": {**twice, f"d{levels}": {"type": "string"}}, "properties": {"x": {"$ref": "#/$defs/d0"}}}


def nested(levels: int, innermost: Any, wrap: Any) -> Any:
    return functools.reduce(lambda inner, _: wrap(inner), range(levels), innermost)


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        (of({"pattern": EVIL}), {"x": BAIT}),
        (of({"pattern": r"^(\w+\s?)*$"}), {"x": "word " * 20_000 + "!"}),
        (of({"pattern": "(.*)*x$"}), {"x": "y" * 100_000}),
        ({"propertyNames": {"pattern": EVIL}}, {BAIT: 1}),
        ({"patternProperties": {EVIL: True}, "additionalProperties": False}, {BAIT: 1}),
        (of({"$schema": DRAFT_7, "pattern": EVIL}), {"x": BAIT}),
        ({"properties": {"x": {"$ref": "#/$defs/y/enum/0"}}, "$defs": {"y": {"enum": [HIDDEN]}}}, {"x": BAIT}),
        ({"$schema": DRAFT_7, **of({"anyOf": [{"pattern": EVIL}, {"type": "integer"}]})}, {"x": BAIT}),
    ],
)
async def test_a_pattern_that_would_never_end_is_answered_at_once(
    schema: dict[str, Any], arguments: dict[str, Any]
) -> None:
    result, received = await called(schema, arguments)
    assert (result.ok, received) == (False, [])
    assert "its arguments do not fit" in (result.error or "")


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        (unfolding(40, "allOf"), {"x": "fits"}),
        (unfolding(40, "anyOf"), {"x": 1}),
        (unfolding(40, "oneOf"), {"x": "fits"}),
        ({"$ref": "#"}, {}),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, {}),
        ({"$dynamicAnchor": "top", "$dynamicRef": "#top"}, {}),
        (of({"items": {"$ref": "#/properties/x"}}), {"x": nested(300, [], lambda inner: [inner])}),
        (of({"uniqueItems": True}), {"x": [{"n": n} for n in range(200_000)]}),
        (of({"items": {"pattern": EVIL}}), {"x": ["a"] * 1_000_000}),
        (of({"pattern": "(a|b)*a(a|b){900}[!?]"}), {"x": "ab" * 50_000}),
        (of({"pattern": "(([a-z]{1,40}){1,40}){1,40}$"}), {"x": "!"}),
        (of({"pattern": r"(?=x)y"}), {"x": "no"}),
        (of({"pattern": r"(.)\1"}), {"x": "no"}),
        (of({"pattern": r"^\w+$"}), {"x": "é-"}),
        (of({"pattern": "x"}), {"x": "\ud800"}),
        ({"patternProperties": {EVIL: True}, "unevaluatedProperties": False}, {BAIT: 1}),
        (of({"$ref": "http://json-schema.org/draft-04/schema#"}), {"x": {"enum": [{"n": n} for n in range(50_000)]}}),
        (of({"pattern": "^a$"}), {"x": "a\n"}),
        (of({"multipleOf": 0.5}), {"x": 10**400}),
        (of({"$ref": "#/$defs/nowhere"}), {"x": 1}),
        (of({"not": {"$ref": "#/$defs/nowhere"}}), {"x": 1}),
    ],
)
async def test_what_cannot_be_checked_in_time_is_left_to_the_server(
    schema: dict[str, Any], arguments: dict[str, Any]
) -> None:
    result, received = await called(schema, arguments)
    assert (result.text, received) == ("done", [arguments])


async def test_what_was_found_before_the_time_was_up_is_told() -> None:
    schema = unfolding(40, "allOf")
    schema["properties"] = {"y": {"type": "integer"}, **schema["properties"]}
    result, received = await called(schema, {"y": "one", "x": "fits"})
    assert "y: 'one' is not of type 'integer'" in (result.error or "")
    assert received == []


async def test_beside_what_cannot_be_checked_the_rest_is() -> None:
    schema = {"properties": {"x": {"$ref": "#/$defs/nowhere"}, "y": {"type": "integer"}}}
    result, received = await called(schema, {"x": 1, "y": "one"})
    assert (result.ok, received) == (False, [])


async def test_checking_counts_for_the_tools_own_time_limit() -> None:
    async def soon(_: Mapping[str, Any]) -> str:
        await asyncio.sleep(0.05)
        return "too late"

    slow = Tool("act", "", unfolding(40, "allOf"), "here", soon, timeout=CHECKING.least / 2)
    assert (await slow.run({"x": "fits"})).error == "act gave no answer within 0.01 s; the call was cancelled"


@pytest.mark.parametrize("length", [1_000, 100_000])
def test_a_linear_pattern_is_decided_however_long_the_text(length: int) -> None:
    check = compile_schema(of({"pattern": EVIL}))
    assert check({"x": "a" * length}).problem is None
    assert check({"x": "a" * length + "!"}).problem is not None


@pytest.mark.parametrize(
    "items", [[1, 2], [1, True], [0, False], ["1", 1], [{"a": 1}, {"a": True}], [[1], [2]], [{}, []]]
)
def test_different_items_are_unique(items: list[Any]) -> None:
    assert compile_schema(of({"uniqueItems": True}))({"x": items}).problem is None


@pytest.mark.parametrize("items", [[1, 1.0], [{"a": 1, "b": 2}, {"b": 2, "a": 1.0}], [[1], [1]], [None, None]])
def test_equal_items_are_not_unique(items: list[Any]) -> None:
    assert "has non-unique elements" in (compile_schema(of({"uniqueItems": True}))({"x": items}).problem or "")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "nullable": True},
        {"type": "string", "nullable": True, "enum": ["a", "b"]},
        {"$ref": "#/$defs/text", "nullable": True},
        {"allOf": [{"$ref": "#/$defs/text"}], "nullable": True},
        {"anyOf": [{"type": "integer"}, {"type": "string", "nullable": True}]},
    ],
)
@pytest.mark.parametrize("draft", [{}, {"$schema": DRAFT_7}], ids=["draft 2020-12", "draft 7"])
def test_null_fits_where_openapi_allows_it(schema: dict[str, Any], draft: dict[str, str]) -> None:
    whole: dict[str, Any] = {**draft, "$defs": {"text": {"type": "string"}}, **of(schema)}
    assert compile_schema(whole)({"x": None}).problem is None
    assert compile_schema(whole)({"x": []}).problem is not None


@pytest.mark.parametrize("nullable", [False, "true", None])
def test_null_does_not_fit_elsewhere(nullable: object) -> None:
    assert compile_schema(of({"type": "string", "nullable": nullable}))({"x": None}).problem is not None


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": None, "required": None, "description": None, "additionalProperties": None},
        {"type": "object", "properties": [], "$defs": []},
        {"type": "object", "properties": {"x": None, "y": {"type": "string", "enum": None, "items": None}}},
        {"type": "object", "properties": {"x": {"properties": {"default": {"required": None}}}}},
    ],
)
def test_what_is_left_out_in_other_languages_ways_is_left_out(schema: dict[str, Any]) -> None:
    assert compile_schema(schema)({"x": {"default": {}}, "y": "z"}).problem is None


def test_null_as_a_value_stays_one() -> None:
    check = compile_schema({"properties": {"x": {"const": None}, "y": {"enum": [None, {"z": None}]}}})
    assert check({"x": None, "y": {"z": None}}).problem is None
    assert "x: None was expected; y: {} is not one of" in (check({"x": 1, "y": {}}).problem or "")


def test_a_schema_of_just_the_longest_is_read_and_a_longer_one_is_not() -> None:
    room = MAX_SCHEMA_CHARACTERS - len(json.dumps({"description": ""}))
    compile_schema({"description": "x" * room})
    with pytest.raises(ToolSchemaError, match="100,001 characters long, and 100,000 are the most that is read"):
        compile_schema({"description": "x" * (room + 1)})


def test_a_schema_of_just_the_deepest_is_read_and_a_deeper_one_is_not() -> None:
    compile_schema(nested(MAX_SCHEMA_DEPTH - 1, {}, lambda inner: {"items": inner}))
    with pytest.raises(ToolSchemaError, match="nested more than 100 levels deep"):
        compile_schema(nested(MAX_SCHEMA_DEPTH, {}, lambda inner: {"items": inner}))


@pytest.mark.parametrize(
    "schema",
    [
        {"$schema": "http://json-schema.org/draft-04/schema#", "enum": [{"n": n} for n in range(7_000)]},
        {"required": [f"name {n}" for n in range(6_000)]},
        nested(10, {"type": "string"}, lambda inner: {"anyOf": [inner, inner]}),
    ],
)
def test_a_large_schema_is_read_in_time(schema: dict[str, Any]) -> None:
    started = time.thread_time()
    compile_schema(schema)
    assert time.thread_time() - started < READING.computing


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a listener, and what it was sent."""
    asked: list[bytes] = []

    class Listener(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked.append(self.rfile.readline())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/schema.json", asked
        server.shutdown()


@pytest.mark.parametrize("draft", [{}, {"$schema": DRAFT_7}], ids=["draft 2020-12", "draft 7"])
async def test_a_schema_cannot_make_us_fetch_an_address(
    elsewhere: tuple[str, list[bytes]], draft: dict[str, Any]
) -> None:
    address, asked = elsewhere
    schemas: list[dict[str, Any]] = [
        {"$ref": address},
        {"$id": address, "$ref": "other.json"},
        {"$dynamicRef": address},
        {"properties": {"x": {"$recursiveRef": address}}},
        {"$schema": address, "properties": {"x": {"$schema": address, "type": "integer"}}},
    ]
    for schema in schemas:
        result, received = await called({**draft, **schema}, {"x": 1})
        assert (result.text, received) == ("done", [{"x": 1}])
    assert asked == []
