"""Errors in OpenAI's shape."""

import json

from api.dialects.openai.errors import error_body, render
from api.errors import InvalidRequest, Unauthenticated, UpstreamError


def test_an_error_is_rendered_as_openai_renders_it() -> None:
    response = render(InvalidRequest("Missing required parameter: 'model'.", param="model", code="missing"))
    assert response.status_code == 400
    assert json.loads(bytes(response.body)) == {
        "error": {
            "message": "Missing required parameter: 'model'.",
            "type": "invalid_request_error",
            "param": "model",
            "code": "missing",
        }
    }


def test_a_401_says_how_to_authenticate() -> None:
    assert render(Unauthenticated("no")).headers["www-authenticate"] == "Bearer"


def test_an_upstream_error_keeps_status_message_type_code_and_param() -> None:
    error = UpstreamError(429, {"message": "slow down", "type": "throttling_error", "code": "slow", "param": "model"})
    assert error.status_code == 429
    assert error_body(error) == {"message": "slow down", "type": "throttling_error", "param": "model", "code": "slow"}
