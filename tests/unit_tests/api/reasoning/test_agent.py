"""How a model is asked for a step: by what LiteLLM says that it can do."""

import json
from typing import Any

import pytest
import respx
from starlette.testclient import TestClient

from tests.unit_tests.api.edge.test_request_body import GOOD, PATH

STEP = {"thought": "t", "next_action": "finished", "tools_to_use": [], "concurrent_execution": False}
REASONING = {"x-routing-mode": "reasoning"}
CAN_ALL = {"supports_response_schema": True, "supported_openai_params": ["response_format"]}
CAN_JSON = {"supports_response_schema": False, "supported_openai_params": ["response_format"]}
CAN_NOTHING = {"supports_response_schema": None, "supported_openai_params": ["temperature"]}


@pytest.mark.parametrize(
    ("abilities", "asked"), [(CAN_ALL, "json_schema"), (CAN_JSON, "json_object"), (CAN_NOTHING, None)]
)
def test_a_step_is_asked_for_as_the_model_can_answer_it(
    client: TestClient, litellm: respx.Router, abilities: dict[str, Any], asked: str | None
) -> None:
    known = {"data": [{"model_name": GOOD["model"], "model_info": abilities}]}
    litellm.get("/v1/models").respond(200, json={"data": []})
    litellm.get("/v1/model/info").respond(200, json=known)
    message = {"role": "assistant", "content": json.dumps(STEP)}
    calls = litellm.post(PATH).respond(200, json={"choices": [{"index": 0, "message": message}]}).calls
    assert client.post(PATH, json=GOOD, headers=REASONING).status_code == 200
    step, synthesis = (json.loads(call.request.content) for call in calls)
    assert step.get("response_format", {}).get("type") == asked
    assert "response_format" not in synthesis
