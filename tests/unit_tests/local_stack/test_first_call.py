"""Which model the first call asks, and with what."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from local_stack import settings
from local_stack.first_call import FirstCall, FirstCallError, askable_model
from local_stack.instance import Instance


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance(tmp_path, 9100)


@pytest.mark.parametrize(
    ("keys", "model"),
    [
        ([], "gpt-4o-mini"),
        (["OPENAI_API_KEY"], "gpt-4o-mini"),
        (["ANTHROPIC_API_KEY"], "claude-haiku-4-5"),
        (["OPENROUTER_API_KEY"], "gemini-2.5-flash"),
        (["OPENROUTER_API_KEY", "ANTHROPIC_API_KEY"], "claude-haiku-4-5"),
        (["OPENROUTER_API_KEY", "OPENAI_API_KEY"], "gpt-4o-mini"),
    ],
    ids=lambda value: "+".join(value) or "no key" if isinstance(value, list) else value,
)
def test_a_model_is_asked_whose_provider_has_a_key(instance: Instance, keys: list[str], model: str) -> None:
    assert askable_model(instance, {"OPENAI_API_KEY": ""} | dict.fromkeys(keys, "sk-real")) == model


def test_a_key_for_embeddings_alone_is_said_to_be_too_little(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    model = "{model_name: text-embedding-9, litellm_params: {model: openai/e, api_key: os.environ/OPENAI_API_KEY}}"
    (tmp_path / "config" / "litellm_config.yaml").write_text(f"model_list:\n  - {model}\n")
    with pytest.raises(FirstCallError, match="No chat model"):
        askable_model(Instance(tmp_path, 9100, root=tmp_path), {"OPENAI_API_KEY": "sk-real"})


def test_the_model_and_an_exported_token_are_what_is_sent(instance: Instance) -> None:
    instance.env_file.write_text("API_TOKENS=rk-file\nOPENAI_API_KEY=\nLITELLM_MASTER_KEY=sk-master\n")
    known = settings.read(instance, {"API_TOKENS": "rk-exported", "ANTHROPIC_API_KEY": "sk-real"})
    with respx.mock(assert_all_called=False) as router:
        asked = router.post(instance.url("api", "/v1/chat/completions")).respond(500, text="stop here")
        with pytest.raises(FirstCallError, match="stop here"):
            FirstCall(instance, known).make()
    [call] = asked.calls
    assert call.request.headers["authorization"] == "Bearer rk-exported"
    assert b'"model":"claude-haiku-4-5"' in call.request.content


def test_the_whole_trace_is_waited_for_in_the_exported_project(instance: Instance) -> None:
    instance.env_file.write_text("PHOENIX_PROJECT_NAME=file\n")
    call = FirstCall(instance, settings.read(instance, {"PHOENIX_PROJECT_NAME": "exported"}))
    purpose = {"metadata.component": "passthrough", "metadata.operation": "chat"}
    spans = [
        _span("POST /v1/chat/completions", call.span_id, "CHAIN"),
        _span("passthrough.chat", "POST /v1/chat/completions", "CHAIN", purpose),
        _span("chat gpt-4o-mini", "passthrough.chat", "LLM", {"llm.token_count.prompt": 1}),
    ]
    with respx.mock() as router:
        route = router.get(instance.url("phoenix", "/v1/projects/exported/spans"))
        route.mock(side_effect=[httpx.Response(200, json={"data": spans[:count]}) for count in (2, 3, 3)])
        assert call._spans() == 3


def _span(name: str, parent: str, kind: str, attributes: dict[str, Any] | None = None) -> dict[str, Any]:
    times = {"start_time": "2026-01-01T00:00:00+00:00", "end_time": "2026-01-01T00:00:01+00:00"}
    row = {"name": name, "span_kind": kind, "parent_id": parent, "status_code": "UNSET", "context": {"span_id": name}}
    return {**row, **times, "attributes": attributes or {}}
