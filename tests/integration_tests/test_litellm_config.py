"""What config/litellm_config.yaml promises, asked of the real LiteLLM with the demo provider beneath it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from local_stack import bootstrap, env_file
from local_stack.instance import Instance
from tests.integration_tests.litellm_support import LiteLLM

CONFIG = yaml.safe_load((bootstrap.ROOT / "config" / "litellm_config.yaml").read_text())
ENTRIES: dict[str, dict[str, Any]] = {entry["model_name"]: entry for entry in CONFIG["model_list"]}
ATTEMPTS = CONFIG["router_settings"]["num_retries"] + 1
MESSAGES = [{"role": "user", "content": "x"}]
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat, OpenAI": ("/v1/chat/completions", {"model": "gpt-5-mini", "messages": MESSAGES}),
    "chat, streamed": ("/v1/chat/completions", {"model": "gpt-5-mini", "messages": MESSAGES, "stream": True}),
    "chat, Anthropic": ("/v1/chat/completions", {"model": "claude-haiku-5-5", "messages": MESSAGES}),
    "chat, OpenRouter": ("/v1/chat/completions", {"model": "kimi-k2.6", "messages": MESSAGES}),
    "messages": ("/v1/messages", {"model": "claude-haiku-5-5", "messages": MESSAGES, "max_tokens": 16}),
    "embeddings": ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "x"}),
}


def price_list() -> dict[str, dict[str, Any]]:
    site = next(bootstrap.venv("litellm").glob("lib/python*/site-packages"))
    prices = json.loads((site / "litellm" / "model_prices_and_context_window_backup.json").read_text())
    assert isinstance(prices, dict)
    return prices


def phoenix_names() -> set[str]:
    site = next(bootstrap.venv("phoenix").glob("lib/python*/site-packages"))
    manifest = Path(site, "phoenix", "server", "cost_tracking", "model_cost_manifest.json")
    return {model["name"].rpartition("/")[2] for model in json.loads(manifest.read_text())["models"]}


@pytest.fixture
def litellm(stack: Instance, tmp_path: Path) -> LiteLLM:
    return LiteLLM(stack.url("litellm"), env_file.read(stack.env_file)["LITELLM_MASTER_KEY"], tmp_path / ".env")


@pytest.mark.parametrize("name", ENTRIES)
def test_every_model_has_a_price_in_litellm_s_list_or_beside_it(name: str) -> None:
    own = ENTRIES[name].get("model_info", {})
    listed = price_list().get(own.get("base_model") or ENTRIES[name]["litellm_params"]["model"].partition("/")[2], {})
    assert (own if "input_cost_per_token" in own else listed).get("input_cost_per_token", 0) > 0


@pytest.mark.parametrize(
    "name", [name for name, entry in ENTRIES.items() if "base_model" in entry.get("model_info", {})]
)
def test_phoenix_is_told_the_price_that_litellm_finds_by_the_base_model(name: str) -> None:
    info = ENTRIES[name]["model_info"]
    told = {kind: float(price) for kind, price in info["phoenix_price"].items()}
    assert told == {kind: price_list()[info["base_model"]][kind] for kind in told}
    assert set(told) == {"input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost"}


def test_of_one_model_alone_the_price_changes_with_the_hour() -> None:
    """Phoenix knows one price a model: docs/observability.md says what that means."""
    bases = {name: (entry.get("model_info") or {}).get("base_model") for name, entry in ENTRIES.items()}
    assert [name for name, base in bases.items() if base and "off_peak_pricing" in price_list()[base]] == [
        "deepseek-v4-flash"
    ]


@pytest.mark.parametrize("name", [name for name in ENTRIES if "embedding" not in name and name != "deepseek-v4-flash"])
def test_phoenix_knows_every_chat_model_but_one_by_its_name(name: str) -> None:
    assert name in phoenix_names() | {"o1-mini"}  # priced there by its pattern for o1


@pytest.mark.parametrize("name", ["o1-mini", "kimi-k2.6", "gpt-6-luna", "claude-haiku-5-5"])
def test_a_call_costs_something(litellm: LiteLLM, name: str) -> None:
    response = litellm.call("POST", "/v1/chat/completions", json={"model": name, "messages": MESSAGES})
    assert response.status_code == httpx.codes.OK, response.text
    assert float(response.headers["x-litellm-response-cost"]) > 0


def attempts(stack: Instance, litellm: LiteLLM, call: str, status: int) -> int:
    """How often the provider was asked for one call of ours, which it always answers with ``status``."""
    demo = stack.url("demo-provider")
    path, body = CALLS[call]
    rule = {"match": {"model": ENTRIES[body["model"]]["litellm_params"]["model"].partition("/")[2]}}
    reply = {"status": status, "error": {"message": "scripted", "type": "x", "code": "x"}}
    httpx.delete(f"{demo}/_script")
    httpx.post(f"{demo}/_script", json={**rule, "replies": [reply], "repeat_last": True}).raise_for_status()
    response = litellm.call("POST", path, json=body)
    assert response.status_code == status, response.text
    made = len(httpx.get(f"{demo}/_requests").json())
    httpx.delete(f"{demo}/_script")
    return made


@pytest.mark.parametrize("call", CALLS)
def test_a_provider_s_failure_is_tried_as_often_as_the_configuration_says(
    stack: Instance, litellm: LiteLLM, call: str
) -> None:
    assert attempts(stack, litellm, call, 500) == ATTEMPTS


@pytest.mark.parametrize("status", [400, 401, 404])
@pytest.mark.parametrize("call", ["chat, OpenAI", "chat, Anthropic", "chat, OpenRouter", "embeddings"])
def test_a_caller_s_mistake_is_not_tried_again(stack: Instance, litellm: LiteLLM, call: str, status: int) -> None:
    assert attempts(stack, litellm, call, status) == 1


def test_one_caller_s_mistake_takes_the_model_from_nobody(stack: Instance, litellm: LiteLLM) -> None:
    attempts(stack, litellm, "chat, OpenAI", 404)
    path, body = CALLS["chat, OpenAI"]
    assert litellm.call("POST", path, json=body).status_code == httpx.codes.OK
