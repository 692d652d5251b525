"""A model's name may say how it is to answer: `NAME:reasoning`. Whoever is asked, charged and traced is the model itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from starlette.testclient import TestClient

from api.config import Settings
from api.main import create_app
from tests.support.played_litellm import PlayedTransport
from tests.unit_tests.api.conftest import TOKEN, sent_to, token

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
TURNS = [{"role": "user", "content": "Hi"}]
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-a", "content": [], "usage": {}}
LISTED = ["claude-a", "claude-opus-5", "qwen", "qwen:reasoning", "embedder", "openrouter/*"]
PATHS: dict[str, dict[str, Any]] = {
    CHAT: {"messages": TURNS},
    "/v1/responses": {"input": "Hi"},
    "/v1/completions": {"prompt": "Hi"},
    "/v1/embeddings": {"input": "Hi"},
    MESSAGES: {"messages": TURNS, "max_tokens": 5},
    f"{MESSAGES}/count_tokens": {"messages": TURNS},
}
ANSWER = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "claude-a",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "output": [{"type": "message"}],
    "data": [{"embedding": [1.0]}],
    "usage": {"total_tokens": 3},
}


@pytest.fixture(autouse=True)
def listed(litellm: respx.Router) -> None:
    data = [{"id": name, "object": "model", "created": 1, "owned_by": "x"} for name in LISTED]
    known = [
        {"model_name": "claude-a", "model_info": {"mode": "chat", "max_input_tokens": 9, "supports_vision": True}},
        {"model_name": "embedder", "model_info": {"mode": "embedding"}},
    ]
    litellm.get("/v1/models").respond(200, json={"data": data})
    litellm.get("/v1/model/info").respond(200, json={"data": known})


def _answer(path: str) -> dict[str, Any]:
    return MESSAGE if path.startswith(MESSAGES) else ANSWER


def _asked(client: TestClient, path: str, model: str, **headers: str) -> dict[str, str]:
    answer = client.post(path, json={**PATHS[path], "model": model}, headers=headers).raise_for_status()
    return {name.removeprefix("x-routing-"): value for name, value in answer.headers.items() if "x-routing-" in name}


@pytest.mark.parametrize("path", PATHS)
def test_litellm_is_asked_for_the_model_itself(client: TestClient, litellm: respx.Router, path: str) -> None:
    route = litellm.post(path).respond(200, json=_answer(path))
    _asked(client, path, "claude-a:passthrough")
    assert sent_to(route)["model"] == "claude-a"


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/embeddings"])
@pytest.mark.parametrize("mode", ["reasoning", "auto"])
def test_a_path_without_reasoning_says_that_it_overrules_the_name(
    client: TestClient, litellm: respx.Router, path: str, mode: str
) -> None:
    litellm.post(path).respond(200, json=ANSWER)
    told = _asked(client, path, f"claude-a:{mode}")
    assert (told["decision"], told["source"]) == ("passthrough", "passthrough_rule")
    assert told["overruled"].startswith(f"{mode}; {path} ")


def test_the_name_chooses_and_the_header_counts_more(client: TestClient, litellm: respx.Router) -> None:
    litellm.post(CHAT).respond(200, json=ANSWER)
    assert _asked(client, CHAT, "claude-a:passthrough") == {"decision": "passthrough", "source": "model_name"}
    told = _asked(client, CHAT, "claude-a:reasoning", **{"x-routing-mode": "passthrough"})
    assert told == {"decision": "passthrough", "source": "header_override"}


def test_the_name_counts_more_than_the_callers_own_mode(named: TestClient, litellm: respx.Router) -> None:
    litellm.post(CHAT).respond(200, json=ANSWER)
    assert _asked(named, CHAT, "claude-a:passthrough", **token("thinker"))["source"] == "model_name"


def test_a_reasoned_answer_has_the_name_that_was_asked_for_and_its_calls_the_models(
    client: TestClient, litellm: respx.Router
) -> None:
    thought = {"thought": "I know.", "next_action": "finished", "tools_to_use": [], "concurrent_execution": False}
    step = json.dumps(thought)
    planned = {**ANSWER, "choices": [{"index": 0, "message": {"role": "assistant", "content": step}}]}
    route = litellm.post(CHAT)
    route.side_effect = [httpx.Response(200, json=planned), httpx.Response(200, json=ANSWER)]
    answered = client.post(CHAT, json={"model": "claude-a:REASONING", "messages": TURNS}).raise_for_status()
    assert answered.json()["model"] == "claude-a:REASONING"
    assert [json.loads(call.request.content)["model"] for call in route.calls] == ["claude-a", "claude-a"]
    assert answered.headers["x-routing-source"] == "model_name"


def test_auto_by_name_asks_the_classifier(client: TestClient, litellm: respx.Router) -> None:
    litellm.post(CHAT).respond(200, json=ANSWER)
    assert _asked(client, CHAT, "claude-a:auto")["source"] == "classifier_fallback"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("asked", "answers"),
    [("claude-opus-4-8", "claude-opus-5"), ("claude-a-20251001", "claude-a"), ("claude-a-latest", "claude-a")],
)
def test_a_name_that_clients_know_is_answered_by_a_model_on_every_path(
    client: TestClient, litellm: respx.Router, path: str, asked: str, answers: str
) -> None:
    route = litellm.post(path).respond(200, json=_answer(path))
    _asked(client, path, asked)
    assert sent_to(route)["model"] == answers


@pytest.mark.parametrize("path", [path for path in PATHS if path != MESSAGES])
def test_of_a_name_that_stands_for_itself_nobody_is_asked(client: TestClient, litellm: respx.Router, path: str) -> None:
    """But for messages, which have to know whether the model can think."""
    litellm.post(path).respond(200, json=_answer(path))
    asked = litellm.get("/v1/models")
    before = asked.call_count
    _asked(client, path, "gpt-x")
    assert asked.call_count == before


@pytest.mark.parametrize("name", ["qwen:reasoning", "claude-a:free", "claude-a:7b", "claude-a:", ":reasoning"])
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_any_other_name_is_a_models_own(client: TestClient, litellm: respx.Router, name: str, path: str) -> None:
    route = litellm.post(path).respond(200, json=_answer(path))
    told = _asked(client, path, name)
    assert (sent_to(route)["model"], told["decision"]) == (name, "passthrough")
    assert told["source"] in ("default", "passthrough_rule")
    assert "overruled" not in told


@pytest.mark.parametrize("name", ["claude-opus-4-8:auto", "claude-opus-4-8-20260101:passthrough"])
def test_an_alias_may_be_named_with_a_mode(client: TestClient, litellm: respx.Router, name: str) -> None:
    route = litellm.post(MESSAGES).respond(200, json=MESSAGE)
    _asked(client, MESSAGES, name)
    assert sent_to(route)["model"] == "claude-opus-5"


def test_a_litellm_that_does_not_say_what_it_lists_is_asked_for_the_model(
    client: TestClient, litellm: respx.Router
) -> None:
    litellm.get("/v1/models").respond(500, json={"error": {"message": "no"}})
    route = litellm.post(CHAT).respond(200, json=ANSWER)
    _asked(client, CHAT, "claude-a:passthrough")
    assert sent_to(route)["model"] == "claude-a"


def _names(client: TestClient, **headers: str) -> list[str]:
    return [model["id"] for model in client.get("/v1/models", headers=headers).raise_for_status().json()["data"]]


IN_ORDER = [
    *("claude-a", "claude-a:reasoning", "claude-a:auto"),
    *("claude-opus-5", "claude-opus-5:reasoning", "claude-opus-5:auto"),
    *("qwen", "qwen:auto"),
    "qwen:reasoning",
    "embedder",
    "openrouter/*",
]


@pytest.mark.parametrize("headers", [{}, {"anthropic-version": "2023-06-01"}], ids=["OpenAI's", "Anthropic's"])
def test_a_model_that_chats_is_listed_with_its_modes(client: TestClient, headers: dict[str, str]) -> None:
    assert [name for name in _names(client, **headers) if not name.startswith("qwen:reasoning:")] == IN_ORDER


def test_the_same_is_known_of_a_model_in_each_mode(client: TestClient) -> None:
    models = {model["id"]: model for model in client.get("/v1/models").json()["data"]}
    itself, reasoning = models["claude-a"], models["claude-a:reasoning"]
    assert itself["context_window"] == 9
    assert reasoning == {**itself, "id": "claude-a:reasoning"}


@pytest.mark.parametrize("name", ["claude-a:reasoning", "claude-a:passthrough"])
def test_one_model_is_found_by_its_name_in_a_mode(client: TestClient, name: str) -> None:
    assert client.get(f"/v1/models/{name}").json()["id"] == name


def test_anthropics_clients_are_shown_the_mode(client: TestClient) -> None:
    headers = {"anthropic-version": "2023-06-01"}
    model = client.get("/v1/models/claude-opus-4-8:reasoning", headers=headers).json()
    assert (model["id"], model["display_name"]) == ("claude-opus-5:reasoning", "Claude Opus 5 (reasoning)")


def test_a_model_that_there_is_not_has_no_modes(client: TestClient) -> None:
    assert client.get("/v1/models/nobody:reasoning").status_code == 404


@pytest.fixture
def unlisted(settings: Settings, litellm: respx.Router, tmp_path: Path) -> Iterator[TestClient]:
    app = create_app(settings.model_copy(update={"list_reasoning_models": False}), transport=PlayedTransport(litellm))
    with TestClient(app, headers={"authorization": f"Bearer {TOKEN}"}) as client:
        yield client


def test_the_modes_can_be_left_out_of_the_list_and_be_used_all_the_same(unlisted: TestClient) -> None:
    assert _names(unlisted) == LISTED
    assert unlisted.get("/v1/models/claude-a:auto").status_code == 200
