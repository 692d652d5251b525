"""How much a request may hold: at each bound it is handed on, beyond it a 400 names the field, and LiteLLM is not asked."""

import time
from typing import Any

import pytest
import respx
from starlette.testclient import TestClient

from api.config import Settings
from api.edge import request_bounds as most
from api.edge.json_bounds import MAX_DEPTH, MAX_INTEGER, MAX_VALUES
from api.edge.schema_size import MAX_SCHEMA_NODES, unfolded_nodes
from tests.unit_tests.api.conftest import ANSWER
from tests.unit_tests.api.edge.test_request_body import GOOD, PATH

MESSAGE = GOOD["messages"][0]
RESPONSE = {"model": "gpt-4o", "input": "hi"}
EMBEDDING = {"model": "gpt-4o", "input": "hi"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_request_bytes": 32 * 1024 * 1024})


def _tool(place: int) -> dict[str, Any]:
    return {"type": "function", "function": {"name": f"f{place}"}}


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def _parts(number: int) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "text", "text": "a"}] * number}]


def _texts(length: int) -> dict[str, Any]:
    return {"metadata": {"a": "x" * (length - 1)}}


def _of(field: str, value: Any) -> Any:
    return lambda number: {field: value(number)}


# What makes a request with a number of something, the most that is accepted, and the field, code and path of the error.
BOUNDS: dict[str, tuple[Any, int, str, str, str]] = {
    "messages": (_of("messages", lambda n: [MESSAGE] * n), most.MAX_MESSAGES, "messages", "array_above_max_length", PATH),
    "parts": (_of("messages", _parts), most.MAX_PARTS, "messages", "array_above_max_length", PATH),
    "calls": (
        _of("messages", lambda n: [{"role": "assistant", "tool_calls": [{"id": "c"}] * n}]),
        most.MAX_PARTS, "messages", "array_above_max_length", PATH,
    ),
    "tools": (_of("tools", lambda n: [_tool(i) for i in range(n)]), most.MAX_TOOLS, "tools", "array_above_max_length", PATH),
    "functions": (
        _of("functions", lambda n: [{"name": "f"}] * n), most.MAX_TOOLS, "functions", "array_above_max_length", PATH,
    ),
    "stops": (_of("stop", lambda n: ["a"] * n), most.MAX_STOPS, "stop", "array_above_max_length", PATH),
    "choices": (_of("n", int), most.MAX_CHOICES, "n", "integer_above_max_value", PATH),
    "attempts": (_of("best_of", int), most.MAX_CHOICES, "best_of", "integer_above_max_value", "/v1/completions"),
    "biases": (
        _of("logit_bias", lambda n: {str(i): 1 for i in range(n)}),
        most.MAX_BIASES, "logit_bias", "object_above_max_properties", PATH,
    ),
    "metadata": (
        _of("metadata", lambda n: {str(i): "x" for i in range(n)}),
        most.MAX_METADATA, "metadata", "object_above_max_properties", PATH,
    ),
    "metadata of a response": (
        _of("metadata", lambda n: {str(i): "x" for i in range(n)}),
        most.MAX_METADATA, "metadata", "object_above_max_properties", "/v1/responses",
    ),
    "text in metadata": (_texts, most.MAX_METADATA_CHARACTERS, "metadata", "object_above_max_size", PATH),
    "tags": (
        _of("metadata", lambda n: {"tags": [f"t{i}" for i in range(n)]}),
        most.MAX_TAGS, "metadata.tags", "array_above_max_length", PATH,
    ),
    "a tag's length": (
        _of("metadata", lambda n: {"tags": ["t" * n]}),
        most.LONGEST_TAG, "metadata.tags[0]", "string_above_max_length", PATH,
    ),
    "a model's length": (_of("model", lambda n: "m" * n), most.LONGEST_MODEL, "model", "string_above_max_length", PATH),
    "a user's length": (_of("user", lambda n: "u" * n), most.LONGEST_NAME, "user", "string_above_max_length", PATH),
    "a metadata name's length": (
        _of("metadata", lambda n: {"x" * n: 1}), most.LONGEST_NAME, "metadata", "string_above_max_length", PATH,
    ),
    "a tool's name": (
        _of("tools", lambda n: [{"type": "function", "function": {"name": "f" * n}}]),
        most.LONGEST_NAME, "tools[0].name", "string_above_max_length", PATH,
    ),
    "inputs": (_of("input", lambda n: ["a"] * n), most.MAX_INPUTS, "input", "array_above_max_length", "/v1/embeddings"),
    "inputs of tokens": (
        _of("input", lambda n: [[1]] * n), most.MAX_INPUTS, "input", "array_above_max_length", "/v1/embeddings",
    ),
    "items": (_of("input", lambda n: [MESSAGE] * n), most.MAX_MESSAGES, "input", "array_above_max_length", "/v1/responses"),
    "an integer": (_of("seed", int), MAX_INTEGER, "seed", "invalid_json", PATH),
    "an integer in metadata": (_of("metadata", lambda n: {"a": [{"b": n}]}), MAX_INTEGER, "metadata", "invalid_json", PATH),
    "depth": (_of("x", _nested), MAX_DEPTH - 1, "x", "invalid_json", PATH),
    "depth of a schema": (
        _of("tools", lambda n: [{"type": "function", "function": {"name": "f", "parameters": {"a": _nested(n)}}}]),
        MAX_DEPTH - 5, "tools", "invalid_json", PATH,
    ),
}  # fmt: skip
BODIES = {
    PATH: GOOD,
    "/v1/completions": {"model": "gpt-4o", "prompt": "hi"},
    "/v1/embeddings": EMBEDDING,
    "/v1/responses": RESPONSE,
}


@pytest.mark.parametrize("what", BOUNDS)
def test_a_request_at_the_bound_is_handed_on(client: TestClient, litellm: respx.Router, what: str) -> None:
    make, number, _, _, path = BOUNDS[what]
    litellm.post(path).respond(200, json=ANSWER)
    response = client.post(path, json=BODIES[path] | make(number))
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("what", BOUNDS)
def test_a_request_beyond_the_bound_is_a_400_that_names_the_field(client: TestClient, what: str) -> None:
    make, number, param, code, path = BOUNDS[what]
    response = client.post(path, json=BODIES[path] | make(number + 1))
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (400, param, code)
    assert param in error["message"]


def test_the_tokens_of_a_whole_embedding_request_are_handed_on(client: TestClient, litellm: respx.Router) -> None:
    litellm.post("/v1/embeddings").respond(200, json=ANSWER)
    assert client.post("/v1/embeddings", json=EMBEDDING | {"input": [[1] * 300] * 1000}).status_code == 200


def test_more_values_than_a_body_may_hold_are_a_400(client: TestClient) -> None:
    response = client.post(PATH, json=GOOD | {"x": [0] * MAX_VALUES})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "request_too_complex")


@pytest.mark.parametrize(
    "content", [b"[" * 3_000_000, b'{"a":' * 600_000, b"[" + b"[]," * 5_000_000 + b"0]", b"[" + b"9" * 3_000_000 + b"]"],
    ids=["arrays in arrays", "objects in objects", "many small arrays", "a long number"],
)  # fmt: skip
def test_what_would_take_long_to_read_is_refused_at_once(client: TestClient, content: bytes) -> None:
    started = time.process_time()
    response = client.post(PATH, content=content, headers={"content-type": "application/json"})
    assert (response.status_code, time.process_time() - started < 2) == (400, True)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "9" * 400, "-" + "9" * 400])
@pytest.mark.parametrize("where", ['"seed": %s', '"metadata": {"a": [%s]}', '"tools": [{"type": "x", "a": {"b": %s}}]'])
def test_a_number_that_none_can_hold_is_a_400(client: TestClient, number: str, where: str) -> None:
    content = '{"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], ' + where % number + "}"
    response = client.post(PATH, content=content, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_json")


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("model", ["gpt-4o-mini,gpt-4o,o3", "gpt-4o,", ",", "gpt-4o, gpt-4o-mini"])
def test_a_list_of_models_is_no_model(client: TestClient, path: str, model: str) -> None:
    response = client.post(path, json=BODIES[path] | {"model": model})
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (404, "model_not_found", "model")


CONTROL = ["\x00", "\n", "\r", "\x1b", "\x7f", "\x85", "\u2028"]
NAMED: dict[str, tuple[Any, str]] = {
    "model": (_of("model", str), "model"),
    "user": (_of("user", str), "user"),
    "safety_identifier": (_of("safety_identifier", str), "safety_identifier"),
    "prompt_cache_key": (_of("prompt_cache_key", str), "prompt_cache_key"),
    "a tag": (_of("metadata", lambda name: {"tags": ["a", name]}), "metadata.tags[1]"),
    "a name in metadata": (_of("metadata", lambda name: {name: "a"}), "metadata"),
    "a tool": (_of("tools", lambda name: [{"type": "function", "function": {"name": name}}]), "tools[0].name"),
    "a function": (_of("functions", lambda name: [{"name": name}]), "functions[0].name"),
    "a speaker": (_of("messages", lambda name: [MESSAGE | {"name": name}]), "messages[0].name"),
}


@pytest.mark.parametrize("control", CONTROL, ids=ascii)
@pytest.mark.parametrize("what", NAMED)
def test_a_name_with_a_control_character_is_a_400(client: TestClient, what: str, control: str) -> None:
    make, param = NAMED[what]
    response = client.post(PATH, json=GOOD | make(f"a{control}b"))
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (400, param, "invalid_value")


@pytest.mark.parametrize("metadata", [{"a": "\x00"}, {"a": {"b": ["\x00"]}}, {"a": {"\x00": 1}}])
def test_a_nul_in_metadata_is_a_400(client: TestClient, metadata: dict[str, Any]) -> None:
    response = client.post(PATH, json=GOOD | {"metadata": metadata})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "metadata")


def test_lines_in_a_text_of_metadata_are_handed_on(client: TestClient, litellm: respx.Router) -> None:
    litellm.post(PATH).respond(200, json=ANSWER)
    assert client.post(PATH, json=GOOD | {"metadata": {"note": "a\nb\tc"}}).status_code == 200


@pytest.mark.parametrize("path", [PATH, "/v1/responses"])
@pytest.mark.parametrize("address", ["litellm_proxy", "litellm_proxy/mcp/x", " LiteLLM_Proxy"])
def test_litellms_own_tools_are_no_callers(client: TestClient, path: str, address: str) -> None:
    tool = {"type": "mcp", "server_url": address, "server_label": "x"}
    response = client.post(path, json=BODIES[path] | {"tools": [tool]})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "tools[0].server_url")


def test_another_mcp_server_is_the_providers_to_ask(client: TestClient, litellm: respx.Router) -> None:
    litellm.post("/v1/responses").respond(200, json=ANSWER)
    tool = {"type": "mcp", "server_url": "https://mcp.example.com/mcp", "server_label": "x"}
    assert client.post("/v1/responses", json=RESPONSE | {"tools": [tool]}).status_code == 200


def _doubling(levels: int) -> dict[str, Any]:
    """A schema of a few lines that stands for 2 to the power of `levels` of them."""
    twice = {str(n): {"anyOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/0", "$defs": {**twice, str(levels): {"type": "string"}}}


def _each_of_each(types: int) -> dict[str, Any]:
    references = [{"$ref": f"#/definitions/{n}"} for n in range(types)]
    return {"definitions": {str(n): {"anyOf": references} for n in range(types)}, "anyOf": references}


SCHEMAS = {
    "doubling": (_doubling(6), _doubling(40)),
    "each of each": (_each_of_each(3), _each_of_each(20)),
    "large": (
        {"properties": {str(n): {"type": "string"} for n in range(5_000)}},
        {"enum": ["x"] * (MAX_SCHEMA_NODES + 1)},
    ),
}
PLACES: dict[str, tuple[Any, str, str]] = {
    "a tool": (_of("tools", lambda s: [{"type": "function", "function": {"name": "f", "parameters": s}}]), "tools[0]", PATH),
    "a function": (_of("functions", lambda s: [{"name": "f", "parameters": s}]), "functions[0]", PATH),
    "a tool of a response": (
        _of("tools", lambda s: [{"type": "function", "name": "f", "parameters": s}]), "tools[0]", "/v1/responses",
    ),
    "an answer": (
        _of("response_format", lambda s: {"type": "json_schema", "json_schema": {"name": "n", "schema": s}}),
        "response_format", PATH,
    ),
    "an answer of a response": (
        _of("text", lambda s: {"format": {"type": "json_schema", "name": "n", "schema": s}}), "text.format", "/v1/responses",
    ),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_schema_that_unfolds_beyond_measure_is_a_400(
    client: TestClient, litellm: respx.Router, kind: str, place: str
) -> None:
    (good, bad), (make, param, path) = SCHEMAS[kind], PLACES[place]
    litellm.post(path).respond(200, json=ANSWER)
    assert client.post(path, json=BODIES[path] | make(good)).status_code == 200
    error = client.post(path, json=BODIES[path] | make(bad)).json()["error"]
    assert (error["param"], error["code"]) == (param, "schema_too_large")


def test_a_schema_that_holds_itself_is_counted_once() -> None:
    tree = {"$defs": {"t": {"items": {"$ref": "#/$defs/t"}}}, "$ref": "#/$defs/t"}
    assert unfolded_nodes(tree, MAX_SCHEMA_NODES) < 20
