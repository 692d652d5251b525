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


@pytest.mark.parametrize("fields", [{"prompt": {"id": "pmpt_1"}}, {"previous_response_id": "resp_1"}, {"input": None}])
def test_a_response_may_be_asked_for_without_input(
    client: TestClient, litellm: respx.Router, fields: dict[str, Any]
) -> None:
    route = litellm.post("/v1/responses").respond(200, json={"id": "resp_2"})
    assert client.post("/v1/responses", json={"model": "gpt-4o", **fields}).status_code == 200
    sent = json.loads(route.calls.last.request.content)
    assert {name: value for name, value in sent.items() if name not in ("model", "litellm_metadata")} == fields


@pytest.mark.parametrize("value", [7, True, {}, ["text"]])
def test_the_input_of_a_response_is_text_or_items(client: TestClient, value: Any) -> None:
    response = client.post("/v1/responses", json={"model": "gpt-4o", "input": value})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "input")


def test_a_parameter_that_fastapi_refuses_is_a_400_that_names_it(settings: Settings) -> None:
    app = create_app(settings)

    @app.get("/of-the-test")
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


@pytest.mark.parametrize("tokens", [[1, 2], [[1, 2], [3]]])
def test_tokens_as_the_prompt_of_a_text_completion_are_a_400(client: TestClient, tokens: list[Any]) -> None:
    response = client.post("/v1/completions", json={"model": "gpt-4o", "prompt": tokens})
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["param"], error["code"]) == ("prompt", "invalid_type")
    assert "a string or an array of strings" in error["message"]
