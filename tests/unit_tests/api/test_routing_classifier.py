"""What the classifier is told."""

from collections.abc import Mapping
from typing import Any, cast

from api.auth import Caller
from api.llm_gateway import LLMGateway
from api.protocol import RoutingMode
from api.request_context import RequestContext
from api.routing_classifier import RoutingChoice, RoutingClassifier, load_classifier_prompt
from api.tools import Tool


class Gateway:
    """Notes what it is asked, and chooses reasoning."""

    def __init__(self) -> None:
        self.told = ""

    async def parse(self, _model: str, messages: list[dict[str, Any]], *_: Any, **__: Any) -> RoutingChoice:
        self.told = messages[0]["content"]
        return RoutingChoice(reason="because", mode="reasoning")


async def _answer(_arguments: Mapping[str, Any]) -> str:
    return ""


async def test_the_tools_that_the_agent_has_are_told_to_the_classifier() -> None:
    gateway = Gateway()
    classifier = RoutingClassifier(cast(LLMGateway, gateway), load_classifier_prompt(), "gpt-4o-mini", 0, 3)
    tool = Tool("get_weather", "Tells the weather.\nMore of it.", {"type": "object"}, "demo", _answer)
    messages = [{"role": "user", "content": "hi"}]
    mode, _ = await classifier.choose(messages, [tool], RequestContext(caller=Caller(id="caller")))
    assert (mode, "- get_weather: Tells the weather.\n" in gateway.told + "\n") == (RoutingMode.REASONING, True)
