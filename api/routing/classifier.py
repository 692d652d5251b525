"""`auto`: a small model picks the path. Whatever goes wrong with it, the request goes on as passthrough."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.components import Component, Operation
from api.context import RequestContext
from api.errors import APIError
from api.llm import LLMGateway
from api.prompt_file import load_prompt
from api.protocol import RoutingMode
from api.routing.conversation import excerpt
from api.telemetry import error_class, summary
from api.tools import Tool

PROMPT = Path(__file__).with_name("classifier.md")


class RoutingChoice(BaseModel):
    """What the model is asked for."""

    reason: str = Field(description="Why, in a few words")
    mode: Literal["passthrough", "reasoning"]


class ClassifierFailed(Exception):
    """No usable choice was made; the message is the cause, for the decision and its span, and `kind` its class, for metrics.

    `summary` is the cause without a provider's words.
    """

    def __init__(self, cause: str, kind: str, summary: str | None = None) -> None:
        super().__init__(cause)
        self.kind = kind
        self.summary = summary or cause


@dataclass(frozen=True, slots=True)
class RoutingClassifier:
    """`timeout` is the whole budget of a choice, in seconds."""

    gateway: LLMGateway
    prompt: Template
    model: str
    temperature: float
    timeout: float

    async def choose(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Tool], context: RequestContext
    ) -> tuple[RoutingMode, str]:
        """The path, and the model's reason.

        Raises:
            ClassifierFailed: time-out, error, refusal, an empty or unparsable answer.
        """
        await self.gateway.environment()  # which LiteLLM may be slow to tell: that is not the classifier's time
        try:
            async with asyncio.timeout(self.timeout):
                choice = await self.gateway.parse(
                    self.model,
                    [
                        {"role": "system", "content": self._system(tools)},
                        {"role": "user", "content": excerpt(messages)},
                    ],
                    RoutingChoice,
                    component=Component.ROUTING_CLASSIFIER,
                    operation=Operation.AUTO_ROUTING,
                    context=context,
                    temperature=self.temperature,
                )
        except TimeoutError:
            raise ClassifierFailed(f"no choice within {self.timeout:g} s", "timeout") from None
        except APIError as error:
            cause = f"{error.error_code or error.status_code}: {error.message}"
            raise ClassifierFailed(cause, error_class(error), summary(error)) from error
        return RoutingMode(choice.mode), choice.reason

    def _system(self, tools: Sequence[Tool]) -> str:
        listed = "\n".join(
            f"- {tool.name}: {tool.description.splitlines()[0] if tool.description else ''}" for tool in tools
        )
        return self.prompt.substitute(tools=listed or "(none at present)")


def load_classifier_prompt() -> Template:
    """The prompt, checked."""
    return load_prompt(PROMPT, {"tools"})
