"""LiteLLM obeys no field of a caller's: each call arrives at the provider once, as if the field had not been sent."""

from typing import Any

import pytest

from api.llm import CHAT_COMPLETIONS, COMPLETIONS, EMBEDDINGS, RESPONSES, Endpoint
from api.llm.litellm_fields import NAMES_FILE, read_names
from tests.integration_tests.contract.wire import ANSWER, Wire

NAMES = read_names(NAMES_FILE.read_text())["body"]
# What a name may be given so that something would come of it, wherever it is obeyed.
VALUES: dict[str, Any] = {"true": True, "a word": "http://127.0.0.1:9", "a number": 3, "an object": {"model": "gpt-4o"}}
ENDPOINTS: dict[str, tuple[Endpoint, str, dict[str, Any]]] = {
    "chat": (CHAT_COMPLETIONS, "messages", {"model": "gpt-4o-mini"}),
    "a Claude": (CHAT_COMPLETIONS, "messages", {"model": "claude-haiku-4-5"}),
    "a model of OpenRouter": (CHAT_COMPLETIONS, "messages", {"model": "deepseek-v4-flash"}),
    "completions": (COMPLETIONS, "prompt", {"model": "gpt-4o-mini"}),
    "embeddings": (EMBEDDINGS, "input", {"model": "text-embedding-3-small"}),
    "responses": (RESPONSES, "input", {"model": "gpt-4o-mini"}),
}


def _arrived(wire: Wire, where: str, mark: str, fields: dict[str, Any]) -> tuple[int, list[Any]]:
    """The answer's status, and what reached the provider, the mark taken out."""
    answer = wire.client.post(ENDPOINTS[where][0].path, json={**fields, **_asked(where, mark)})
    seen = wire.provider.requests(contains=mark)
    return answer.status_code, [_unmarked(one["body"], mark) for one in seen]


def _asked(where: str, mark: str) -> dict[str, Any]:
    _, prompt, asked = ENDPOINTS[where]
    said = [{"role": "user", "content": mark}] if prompt == "messages" else mark
    return {**asked, prompt: said}


def _unmarked(body: Any, mark: str) -> Any:
    if isinstance(body, dict):
        return {name: _unmarked(value, mark) for name, value in body.items()}
    if isinstance(body, list):
        return [_unmarked(value, mark) for value in body]
    return body.replace(mark, "mark") if isinstance(body, str) else body


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("where", ENDPOINTS)
def test_no_name_that_litellm_reads_changes_a_call(wire: Wire, mark: str, where: str, value: str) -> None:
    endpoint = ENDPOINTS[where][0]
    own = NAMES - endpoint.documented - endpoint.request.model_fields.keys()
    plain = _arrived(wire, where, f"plain-{mark[5:]}", {})
    assert (plain[0], len(plain[1])) == (200, 1)
    assert _arrived(wire, where, mark, dict.fromkeys(own, VALUES[value])) == plain


POLICY = {"BadRequestErrorRetries": 8}
OBEYED_ONCE: dict[str, dict[str, Any]] = {
    "retries": {"num_retries": 8, "max_retries": 8},
    "a retry policy": {"retry_policy": POLICY, "model_group_retry_policy": {"gpt-4o-mini": POLICY}},
    "fallbacks": {"fallbacks": ["gpt-4o", "gpt-4o-mini"], "context_window_fallbacks": [{"gpt-4o-mini": ["gpt-4o"]}]},
    "the fastest of several": {"fastest_response": True},
    "other settings of the router": {"router_settings_override": {"num_retries": 8, "fallbacks": ["gpt-4o"]}},
}  # fmt: skip


@pytest.mark.parametrize("what", OBEYED_ONCE)
def test_a_call_that_the_provider_refuses_is_made_once(wire: Wire, mark: str, what: str) -> None:
    refused = {"status": 400, "error": {"message": "no"}}
    answer = wire.ask(refused, mark=mark, model="gpt-4o-mini", **OBEYED_ONCE[what])
    assert (answer.status_code, len(wire.provider.requests(contains=mark))) == (400, 1)


@pytest.mark.parametrize("field", ["enforce_validation", "enable_json_schema_validation"])
@pytest.mark.parametrize("schema", [{"not": {}}, {"$ref": "http://127.0.0.1:9/x"}, {"pattern": "^(a+)+$"}], ids=str)
def test_an_answer_is_not_checked_against_a_callers_schema(
    wire: Wire, mark: str, field: str, schema: dict[str, Any]
) -> None:
    checked: dict[str, Any] = {field: True}
    wanted = {"type": "json_object", "response_schema": schema, **checked}
    answer = wire.ask({"raw_body": ANSWER}, mark=mark, response_format=wanted, **checked)
    assert (answer.status_code, len(wire.provider.requests(contains=mark))) == (200, 1)
    assert wire.provider.requests(contains=mark)[0]["body"]["response_format"] == {"type": "json_object"}
