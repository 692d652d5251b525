"""Who answers: each rule, in order; and what the caller is told of it."""

import asyncio
import json
from typing import Any

import httpx
import pytest
import respx
from starlette.testclient import TestClient

from api.auth import Caller
from api.config import Settings
from api.main import create_app
from api.protocol import RoutingMode
from api.request_context import RequestContext
from api.request_router import RoutingDecision, RoutingSource, by_rule
from tests.unit_tests.api.conftest import TOKEN

PASSTHROUGH, REASONING, AUTO = RoutingMode.PASSTHROUGH, RoutingMode.REASONING, RoutingMode.AUTO
PLAIN: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "q"}]}
TOOLS: dict[str, Any] = {**PLAIN, "tools": [{"type": "function", "function": {"name": "f"}}]}
FORMAT: dict[str, Any] = {**PLAIN, "response_format": {"type": "json_object"}}
PATH = "/v1/chat/completions"


def _decide(body: dict[str, Any], asked: RoutingMode | None, default: RoutingMode) -> RoutingDecision | None:
    return by_rule(body, RequestContext(Caller("c"), routing_mode=asked), default)


@pytest.mark.parametrize("body", [TOOLS, FORMAT], ids=["tools", "response_format"])
@pytest.mark.parametrize("default", RoutingMode)
@pytest.mark.parametrize("asked", [None, *RoutingMode])
def test_own_tools_or_format_go_to_the_model_whatever_was_asked_for(
    body: dict[str, Any], asked: RoutingMode | None, default: RoutingMode
) -> None:
    decision = _decide(body, asked, default)
    assert decision is not None
    assert (decision.mode, decision.source) == (PASSTHROUGH, RoutingSource.PASSTHROUGH_RULE)
    assert decision.overruled == (asked if asked in (REASONING, AUTO) else None)


@pytest.mark.parametrize("empty", [{"tools": []}, {"tools": None}, {"response_format": None}])
def test_empty_ones_are_none(empty: dict[str, Any]) -> None:
    decision = _decide(PLAIN | empty, REASONING, PASSTHROUGH)
    assert decision is not None
    assert decision.mode is REASONING


@pytest.mark.parametrize("default", RoutingMode)
@pytest.mark.parametrize("asked", [PASSTHROUGH, REASONING])
def test_the_header_decides(asked: RoutingMode, default: RoutingMode) -> None:
    decision = _decide(PLAIN, asked, default)
    assert decision is not None
    assert (decision.mode, decision.source, decision.overruled) == (asked, RoutingSource.HEADER_OVERRIDE, None)


@pytest.mark.parametrize("default", [PASSTHROUGH, REASONING])
def test_without_a_header_the_default_decides(default: RoutingMode) -> None:
    decision = _decide(PLAIN, None, default)
    assert decision is not None
    assert (decision.mode, decision.source) == (default, RoutingSource.DEFAULT)


@pytest.mark.parametrize(("asked", "default"), [(AUTO, PASSTHROUGH), (AUTO, REASONING), (None, AUTO)])
def test_no_rule_decides_auto(asked: RoutingMode | None, default: RoutingMode) -> None:
    assert _decide(PLAIN, asked, default) is None


def test_the_caller_is_told_the_decision_its_source_and_what_was_overruled() -> None:
    decision = _decide(TOOLS, REASONING, PASSTHROUGH)
    assert decision is not None
    assert decision.headers == {
        "x-routing-decision": "passthrough",
        "x-routing-source": "passthrough_rule",
        "x-routing-overruled": "reasoning; a request with its own tools wants the model itself",
    }


@pytest.fixture
def routed(client: TestClient, litellm: respx.Router) -> respx.Route:
    return litellm.post(PATH)


def _answered(content: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }


def _asked_for_auto(client: TestClient, **headers: str) -> tuple[str, str]:
    told = client.post(PATH, json=PLAIN, headers={"x-routing-mode": "auto"} | headers).headers
    return told["x-routing-decision"], told["x-routing-source"]


def test_auto_is_what_the_classifier_chooses(client: TestClient, routed: respx.Route) -> None:
    routed.respond(200, json=_answered(json.dumps({"reason": "easy", "mode": "passthrough"})))
    assert _asked_for_auto(client) == ("passthrough", "llm_classifier")
    first, second = (json.loads(call.request.content)["metadata"]["component"] for call in routed.calls)
    assert (first, second) == ("routing-classifier", "passthrough")


def test_a_classifier_that_chooses_nothing_usable_means_passthrough(client: TestClient, routed: respx.Route) -> None:
    routed.respond(200, json=_answered("perhaps"))
    assert _asked_for_auto(client) == ("passthrough", "classifier_fallback")


def test_a_litellm_that_is_slow_to_tell_the_environment_does_not_take_the_classifiers_time(
    settings: Settings, litellm: respx.Router, routed: respx.Route
) -> None:
    async def slow(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.6)
        return httpx.Response(200, json={"info": {"metadata": {"environment": "test"}}})

    routed.respond(200, json=_answered(json.dumps({"reason": "easy", "mode": "passthrough"})))
    litellm.get("/key/info").mock(side_effect=slow)
    hurried = settings.model_copy(update={"routing_classifier_timeout": 0.5})
    app = create_app(hurried, transport=httpx.MockTransport(litellm.async_handler))
    with TestClient(app, headers={"authorization": f"Bearer {TOKEN}"}) as client:
        assert _asked_for_auto(client) == ("passthrough", "llm_classifier")
