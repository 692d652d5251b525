"""What the classifier is asked with, and how long it may take."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx

from api.context import Caller, RequestContext
from api.llm import LLMGateway, Lookups, OwnKey, SpendWatch
from api.routing.classifier import ClassifierFailed, RoutingClassifier, load_classifier_prompt
from api.telemetry.metrics.recording import Metrics
from api.telemetry.tracing import Tracing
from api.tools.tool import Tool
from tests.support.played_litellm import played_client

PATH = "/v1/chat/completions"
CHOICE = {"role": "assistant", "content": json.dumps({"reason": "because", "mode": "reasoning"})}
CHOSEN = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": CHOICE}],
}
MESSAGES = [{"role": "system", "content": "Be exact."}, {"role": "user", "content": "What is 17 * 23?"}]


@pytest.fixture
async def classifier(litellm: respx.Router) -> AsyncIterator[RoutingClassifier]:
    async with played_client(litellm) as client:
        gateway = LLMGateway(client, Tracing(), Metrics(), OwnKey(Lookups(client).key_info), SpendWatch())
        yield RoutingClassifier(gateway, load_classifier_prompt(), "small", 0.0, timeout=0.2)


def _tool(name: str, description: str) -> Tool:
    async def call(_arguments: Any) -> str:
        return ""

    return Tool(name, description, {"type": "object"}, "server", call)


async def _asked(classifier: RoutingClassifier, litellm: respx.Router, *tools: Tool) -> dict[str, Any]:
    route = litellm.post(PATH).respond(200, json=CHOSEN)
    await classifier.choose(MESSAGES, tools, RequestContext(Caller("c")))
    return json.loads(route.calls.last.request.content)  # type: ignore[no-any-return]


async def test_it_is_told_the_tools_at_hand_each_with_the_first_line_of_its_description(
    classifier: RoutingClassifier, litellm: respx.Router
) -> None:
    tools = (_tool("calculate", "Evaluates an expression.\nSupports powers."), _tool("nameless", ""))
    system = (await _asked(classifier, litellm, *tools))["messages"][0]
    assert system["role"] == "system"
    assert "- calculate: Evaluates an expression.\n- nameless:" in system["content"]
    assert "Supports powers" not in system["content"]


async def test_it_is_told_that_there_are_no_tools(classifier: RoutingClassifier, litellm: respx.Router) -> None:
    system = (await _asked(classifier, litellm))["messages"][0]
    assert "The agent's tools:\n\n(none at present)" in system["content"]


async def test_it_reads_the_excerpt_as_a_users_message(classifier: RoutingClassifier, litellm: respx.Router) -> None:
    content = "The application's instructions:\nBe exact.\n\nThe request:\nWhat is 17 * 23?"
    assert (await _asked(classifier, litellm))["messages"][1:] == [{"role": "user", "content": content}]


async def test_litellm_may_leave_out_what_the_model_cannot_take(
    classifier: RoutingClassifier, litellm: respx.Router
) -> None:
    sent = await _asked(classifier, litellm)
    assert (sent["temperature"], sent["drop_params"]) == (0.0, True)


async def test_it_gets_no_more_time_than_its_budget(classifier: RoutingClassifier, litellm: respx.Router) -> None:
    async def late(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(10)
        raise AssertionError

    litellm.post(PATH).mock(side_effect=late)
    with pytest.raises(ClassifierFailed, match=r"no choice within 0\.2 s") as failure:
        async with asyncio.timeout(5):
            await classifier.choose(MESSAGES, (), RequestContext(Caller("c")))
    assert failure.value.kind == "timeout"
