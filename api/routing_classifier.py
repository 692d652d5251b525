"""`auto`: a small model picks the path. Whatever goes wrong with it, the request goes on as passthrough."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.attribution import Component, Operation
from api.errors import APIError
from api.llm_gateway import LLMGateway
from api.metrics import error_class
from api.prompt_file import load_prompt
from api.protocol import RoutingMode
from api.request_context import RequestContext
from api.tools import Tool

_log = logging.getLogger(__name__)

PROMPT = Path(__file__).with_name("routing_classifier.md")
EARLIER_TURNS = 4
TURN_CHARACTERS = 2_000


class RoutingChoice(BaseModel):
    """What the model is asked for."""

    reason: str = Field(description="Why, in a few words")
    mode: Literal["passthrough", "reasoning"]


class ClassifierFailed(Exception):
    """No usable choice was made; the message is the cause, for the decision and its span, and `kind` its class, for metrics."""

    def __init__(self, cause: str, kind: str) -> None:
        super().__init__(cause)
        self.kind = kind


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
                        {"role": "user", "content": conversation(messages)},
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
            raise ClassifierFailed(cause, error_class(error)) from error
        return RoutingMode(choice.mode), choice.reason

    def _system(self, tools: Sequence[Tool]) -> str:
        listed = "\n".join(
            f"- {tool.name}: {tool.description.splitlines()[0] if tool.description else ''}" for tool in tools
        )
        return self.prompt.substitute(tools=listed or "(none at present)")


def load_classifier_prompt() -> Template:
    """The prompt, checked."""
    return load_prompt(PROMPT, {"tools"})


def conversation(messages: Sequence[Mapping[str, Any]]) -> str:
    """The last user turn and the few turns before it, as text; what is no text is named."""
    turns = [(message["role"], text) for message in messages if (text := _text(message.get("content")))]
    spoken = [(role, text) for role, text in turns if role in ("user", "assistant")]
    last = max((place for place, (role, _) in enumerate(spoken) if role == "user"), default=len(spoken) - 1)
    earlier = spoken[max(0, last - EARLIER_TURNS) : last]
    before = "".join(f"<{role}>{text}</{role}>\n" for role, text in earlier)
    asked = spoken[last][1] if spoken else ""
    return f"Earlier in the conversation:\n{before}\nThe request:\n{asked}" if earlier else f"The request:\n{asked}"


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content[:TURN_CHARACTERS]
    if not isinstance(content, list):
        return ""
    parts = [part for part in content if isinstance(part, dict)]
    return " ".join(str(part.get("text") or f"[{part.get('type', 'part')}]") for part in parts)[:TURN_CHARACTERS]
