"""The list of models: OpenAI's shape, LiteLLM's knowledge beside it, and no pretending when LiteLLM is down."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from api.llm.model_catalog import FAILURE_KEPT_FOR, KEPT_FOR
from local_stack.instance import Instance
from tests.integration_tests.contract.conftest import without_tools
from tests.integration_tests.contract.relay import Relay, relay
from tests.integration_tests.contract.wire import Wire
from tests.support.api import TOKEN, RunningAPI, running_api


@pytest.fixture(scope="module")
def models(wire: Wire) -> list[dict[str, Any]]:
    listed = wire.client.get("/models").raise_for_status().json()
    assert listed["object"] == "list"
    return listed["data"]  # type: ignore[no-any-return]


def test_every_model_has_what_openai_says_of_one(models: list[dict[str, Any]]) -> None:
    assert models
    for model in models:
        assert (model["object"], type(model["id"]), type(model["created"]), type(model["owned_by"])) == (
            "model",
            str,
            int,
            str,
        )


def test_a_model_says_what_clients_ask_for_next(models: list[dict[str, Any]]) -> None:
    [model] = [model for model in models if model["id"] == "gpt-4o"]
    assert model["context_window"] == 128_000
    assert 0 < model["input_cost_per_token"] < model["output_cost_per_token"]
    abilities = ("supports_function_calling", "supports_vision", "supports_response_schema")
    assert [model[ability] for ability in abilities] == [True, True, True]


def test_one_model_is_the_lists(wire: Wire, models: list[dict[str, Any]]) -> None:
    for model in models[:3]:
        assert wire.client.get(f"/models/{model['id']}").json() == model


def test_an_unknown_model_is_a_404_that_names_it(wire: Wire) -> None:
    response = wire.client.get("/models/openrouter/no-such-model")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "model_not_found")
    assert "`openrouter/no-such-model`" in response.json()["error"]["message"]


def test_openais_sdk_lists_them(api: RunningAPI, models: list[dict[str, Any]]) -> None:
    with openai.OpenAI(base_url=api.base_url, api_key=TOKEN, http_client=httpx.Client(trust_env=False)) as client:
        assert [model.id for model in client.models.list()] == [model["id"] for model in models]
        assert client.models.retrieve("gpt-4o").id == "gpt-4o"


@pytest.fixture
def unsteady(stack: Instance) -> Iterator[Relay]:
    """The way to LiteLLM, to be cut."""
    with relay(stack.ports.litellm) as way:
        yield way


@pytest.fixture
def cut_off(directory: Path, unsteady: Relay, secrets: dict[str, str]) -> Iterator[RunningAPI]:
    tools = {"MCP_CONFIG_PATH": str(without_tools(directory))}
    key = secrets["LITELLM_TEST_KEY"]
    with running_api(directory, llm_base_url=unsteady.url, llm_api_key=key, **tools) as api:
        yield api


def _listed(api: RunningAPI) -> httpx.Response:
    return httpx.get(f"{api.base_url}/models", headers=api.headers, trust_env=False, timeout=30)


def test_without_litellm_there_is_no_list(cut_off: RunningAPI, unsteady: Relay) -> None:
    unsteady.cut()
    assert _listed(cut_off).status_code == 503


def test_a_list_that_could_not_be_renewed_is_marked(cut_off: RunningAPI, unsteady: Relay) -> None:
    fresh = _listed(cut_off)
    unsteady.cut()
    within = _listed(cut_off)
    assert ("warning" in within.headers, within.json()) == (False, fresh.json())
    time.sleep(KEPT_FOR)
    stale = _listed(cut_off)
    assert (stale.status_code, stale.json(), stale.headers["x-models-stale"]) == (200, fresh.json(), "true")
    assert stale.headers["warning"].startswith("110")
    assert int(stale.headers["age"]) >= KEPT_FOR
    unsteady.mend()
    time.sleep(FAILURE_KEPT_FOR)
    assert "x-models-stale" not in _listed(cut_off).headers
