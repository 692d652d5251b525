"""Bodies: what is wrong with one is said as OpenAI says it, and nothing wrong reaches LiteLLM."""

import json
from typing import Any

import pytest
import respx
from starlette.testclient import TestClient

from api.config import Settings
from api.main import create_app
from tests.unit_tests.api.conftest import ANSWER, TOKEN, sent_to

PATH = "/v1/chat/completions"
GOOD: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"model": None}, "model", "invalid_type"),
        ({"model": 7}, "model", "invalid_type"),
        ({"model": ""}, "model", "invalid_value"),
        ({"messages": "hi"}, "messages", "invalid_type"),
        ({"messages": []}, "messages", "invalid_value"),
        ({"messages": ["hi"]}, "messages[0]", "invalid_type"),
        ({"messages": [{"content": "hi"}]}, "messages[0].role", "missing_required_parameter"),
        ({"messages": [GOOD["messages"][0], {"role": 1}]}, "messages[1].role", "invalid_type"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"stream_options": []}, "stream_options", "invalid_type"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage", "invalid_type"),
        ({"metadata": "x"}, "metadata", "invalid_type"),
    ],
)
def test_a_wrong_field_is_named(client: TestClient, change: dict[str, Any], param: str, code: str) -> None:
    response = client.post(PATH, json=GOOD | change)
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["param"], error["code"], error["type"]) == (param, code, "invalid_request_error")
    assert param in error["message"]


@pytest.mark.parametrize("field", ["model", "messages"])
def test_a_missing_field_is_named(client: TestClient, field: str) -> None:
    response = client.post(PATH, json={name: value for name, value in GOOD.items() if name != field})
    assert response.status_code == 400
    assert response.json()["error"]["message"] == f"Missing required parameter: '{field}'."


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b"\xff\xfe",
        b'{"model":"\xe9"}',
        b"[" * 5000,
        b"null",
        b'"text"',
        b"[1]",
    ],
    ids=["empty", "cut off", "NaN", "Infinity", "UTF-16 mark", "Latin-1", "deep nesting", "null", "string", "array"],
)
def test_a_body_that_is_no_json_object_is_a_400(client: TestClient, content: bytes) -> None:
    response = client.post(PATH, content=content, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert response.json()["error"]["code"] in {"invalid_json", "invalid_type"}


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_wrong_content_type_is_a_415_that_names_the_right_one(client: TestClient, media_type: str) -> None:
    response = client.post(PATH, content=json.dumps(GOOD), headers={"content-type": media_type})
    assert response.status_code == 415
    assert "application/json" in response.json()["error"]["message"]


def test_a_charset_in_the_content_type_is_no_mistake(client: TestClient, litellm: respx.Router) -> None:
    litellm.post(PATH).respond(200, json=ANSWER)
    response = client.post(PATH, content=json.dumps(GOOD), headers={"content-type": "application/json; charset=utf-8"})
    assert response.status_code == 200


def test_a_declared_length_over_the_limit_is_a_413(client: TestClient) -> None:
    response = client.post(PATH, json=GOOD | {"user": "x" * 10_000})
    assert response.status_code == 413
    assert "MAX_REQUEST_BYTES" in response.json()["error"]["message"]


def test_an_undeclared_length_over_the_limit_is_a_413_too(client: TestClient) -> None:
    pieces = (b"x" * 1000 for _ in range(11))
    response = client.post(PATH, content=pieces, headers={"content-type": "application/json"})
    assert response.status_code == 413


def test_an_unknown_path_has_openais_shape(client: TestClient) -> None:
    response = client.get("/v1/nowhere")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


def test_a_wrong_method_is_a_405_that_says_what_is_allowed(client: TestClient) -> None:
    response = client.put(PATH)
    assert response.status_code == 405
    assert response.json()["error"]["code"] == "method_not_allowed"
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("fields", [{"prompt": {"id": "pmpt_1"}}, {"input": None}])
def test_a_response_may_be_asked_for_without_input(
    client: TestClient, litellm: respx.Router, fields: dict[str, Any]
) -> None:
    route = litellm.post("/v1/responses").respond(200, json={"id": "resp_2"})
    assert client.post("/v1/responses", json={"model": "gpt-4o", **fields}).status_code == 200
    sent = json.loads(route.calls.last.request.content)
    assert {name: value for name, value in sent.items() if name not in ("model", "litellm_metadata")} == fields


def test_a_response_may_go_on_from_another_without_input(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post("/v1/responses").respond(200, json={"id": "resp_1"})
    previous = client.post("/v1/responses", json={"model": "gpt-4o", "input": "hi"}).json()["id"]
    client.post("/v1/responses", json={"model": "gpt-4o", "previous_response_id": previous})
    sent = json.loads(route.calls.last.request.content)
    assert (sent["previous_response_id"], "input" in sent) == ("resp_1", False)


@pytest.mark.parametrize("value", [7, True, {}, ["text"], [{"role": "user", "content": 5}], [{"content": [5]}]])
def test_the_input_of_a_response_is_text_or_items(client: TestClient, value: Any) -> None:
    response = client.post("/v1/responses", json={"model": "gpt-4o", "input": value})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "input")


def test_a_parameter_that_fastapi_refuses_is_a_400_that_names_it(settings: Settings) -> None:
    app = create_app(settings)

    @app.described.get("/of-the-test")
    async def of_the_test(limit: int) -> int:
        return limit

    with TestClient(app, headers={"authorization": f"Bearer {TOKEN}"}) as client:
        response = client.get("/of-the-test", params={"limit": "many"})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "limit"
    assert response.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("prompt", [["one", "two"], ["", ""], ["same", "same", "same"]])
def test_several_prompts_are_a_400_that_says_what_to_do(client: TestClient, prompt: list[str]) -> None:
    response = client.post("/v1/completions", json={"model": "gpt-4o", "prompt": prompt})
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (400, "prompt", "invalid_value")
    assert f"send each of the {len(prompt)} by itself" in error["message"]


@pytest.mark.parametrize("prompt", ["one", ["one"], "", [""]])
def test_one_prompt_is_handed_on_as_it_came(client: TestClient, litellm: respx.Router, prompt: str | list[str]) -> None:
    choice = {"index": 0, "text": "a", "finish_reason": "stop"}
    route = litellm.post("/v1/completions").respond(200, json={"choices": [choice]})
    client.post("/v1/completions", json={"model": "gpt-4o", "prompt": prompt})
    assert sent_to(route)["prompt"] == prompt


@pytest.mark.parametrize(("background", "status"), [(True, 400), ("true", 400), (False, 200), (None, 200)])
def test_a_response_in_the_background_is_a_400(
    client: TestClient, litellm: respx.Router, background: Any, status: int
) -> None:
    litellm.post("/v1/responses").respond(200, json={"output": []})
    response = client.post("/v1/responses", json={"model": "gpt-4o", "input": "hi", "background": background})
    assert response.status_code == status


USER: dict[str, Any] = {"role": "user"}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "content, a number": ({"messages": [USER | {"content": 5}]}, "messages[0].content"),
    "content, a boolean": ({"messages": [USER | {"content": True}]}, "messages[0].content"),
    "content, an object": ({"messages": [USER | {"content": {"type": "text"}}]}, "messages[0].content"),
    "a part, a number": ({"messages": [USER | {"content": [5]}]}, "messages[0].content[0]"),
    "a part, a text": ({"messages": [USER | {"content": ["a"]}]}, "messages[0].content[0]"),
    "a part, null": ({"messages": [USER | {"content": [None]}]}, "messages[0].content[0]"),
    "a part of no type": ({"messages": [USER | {"content": [{"text": "a"}]}]}, "messages[0].content[0].type"),
    "an image, a number": (
        {"messages": [USER | {"content": [{"type": "image_url", "image_url": 5}]}]}, "messages[0].content[0].image_url",
    ),
    "an image without one": ({"messages": [USER | {"content": [{"type": "image_url"}]}]}, "messages[0].content[0]"),
    "a text without one": ({"messages": [USER | {"content": [{"type": "text"}]}]}, "messages[0].content[0]"),
    "a file, null": ({"messages": [USER | {"content": [{"type": "file", "file": None}]}]}, "messages[0].content[0]"),
    "a sound without one": (
        {"messages": [USER | {"content": [{"type": "text", "text": ""}, {"type": "input_audio"}]}]},
        "messages[0].content[1]",
    ),
    "a speaker, a number": ({"messages": [USER | {"content": "a", "name": 5}]}, "messages[0].name"),
    "calls, an object": ({"messages": [{"role": "assistant", "tool_calls": {}}]}, "messages[0].tool_calls"),
    "calls, a text": ({"messages": [{"role": "assistant", "tool_calls": "x"}]}, "messages[0].tool_calls"),
    "a call, a number": ({"messages": [{"role": "assistant", "tool_calls": [5]}]}, "messages[0].tool_calls[0]"),
    "a call of a number": (
        {"messages": [{"role": "assistant", "tool_calls": [{"function": 5}]}]}, "messages[0].tool_calls[0].function",
    ),
    "a result of a number": ({"messages": [{"role": "tool", "tool_call_id": 5}]}, "messages[0].tool_call_id"),
    "tools, an object": ({"tools": {}}, "tools"),
    "tools, a text": ({"tools": "x"}, "tools"),
    "a tool, a number": ({"tools": [5]}, "tools[0]"),
    "a tool's name, a number": ({"tools": [{"type": "function", "function": {"name": 5}}]}, "tools[0].function.name"),
    "a tool's schema, a number": (
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": 5}}]}, "tools[0].function.parameters",
    ),
    "functions, a number": ({"functions": 5}, "functions"),
    "a choice of tools, a number": ({"tool_choice": 5}, "tool_choice"),
    "a form of answers, a text": ({"response_format": "json"}, "response_format"),
    "a schema of answers, a number": (
        {"response_format": {"type": "json_schema", "json_schema": 5}}, "response_format.json_schema",
    ),
    "stop, a number": ({"stop": 5}, "stop"),
    "stop, an object": ({"stop": {}}, "stop"),
    "a stop, a number": ({"stop": [5]}, "stop[0]"),
    "biases, a number": ({"logit_bias": 5}, "logit_bias"),
    "a limit, a text": ({"max_tokens": "x"}, "max_tokens"),
    "a search, a number": ({"web_search_options": 5}, "web_search_options"),
    "a user, a number": ({"user": 5}, "user"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_no_provider_takes_is_named_and_not_handed_on(client: TestClient, what: str) -> None:
    change, param = WRONG[what]
    response = client.post(PATH, json=GOOD | change)
    error = response.json()["error"]
    assert (response.status_code, error["param"]) == (400, param)
    assert param in error["message"]


RIGHT: dict[str, dict[str, Any]] = {
    "no content": {"messages": [{"role": "assistant", "content": None, "tool_calls": None}, USER | {"content": ""}]},
    "an image as a text": {
        "messages": [USER | {"content": [{"type": "image_url", "image_url": "https://e.com/a.png"}]}]
    },
    "a kind of part of tomorrow": {"messages": [USER | {"content": [{"type": "smell", "smell": 5}]}]},
    "a kind of call of tomorrow": {"messages": [{"role": "assistant", "tool_calls": [{"type": "smell", "smell": 5}]}]},
    "a custom tool": {"tools": [{"type": "custom", "custom": {"name": "f"}}], "tool_choice": {"type": "custom"}},
    "a provider's tool": {"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 5}]},
    "nulls": {
        "tools": None,
        "stop": None,
        "response_format": None,
        "logit_bias": None,
        "max_tokens": None,
        "user": None,
    },
    "a form of answers of another server": {"response_format": {"type": "regex", "pattern": "a+"}},
}


@pytest.mark.parametrize("what", RIGHT)
def test_what_some_provider_takes_is_handed_on(client: TestClient, litellm: respx.Router, what: str) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    assert client.post(PATH, json=GOOD | RIGHT[what]).status_code == 200
    sent = json.loads(route.calls.last.request.content)
    assert {name: sent[name] for name in RIGHT[what]} == RIGHT[what]


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/embeddings", "/v1/completions"])
@pytest.mark.parametrize("value", [5, True, "x", {}, [], [5], None])
def test_another_paths_fields_disturb_nothing(client: TestClient, litellm: respx.Router, path: str, value: Any) -> None:
    litellm.post(path).respond(200, json=ANSWER)
    body = {"model": "gpt-4o", "input": "hi", "prompt": "hi", "messages": value}
    assert client.post(path, json=body).status_code == 200


@pytest.mark.parametrize("tokens", [[1, 2], [[1, 2], [3]]])
def test_tokens_as_the_prompt_of_a_text_completion_are_a_400(client: TestClient, tokens: list[Any]) -> None:
    response = client.post("/v1/completions", json={"model": "gpt-4o", "prompt": tokens})
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["param"], error["code"]) == ("prompt", "invalid_type")
    assert "a string or an array of strings" in error["message"]
