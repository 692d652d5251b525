"""The request straight to the model, the answer as it came."""

from collections.abc import Mapping
from typing import Any

from api.attribution import Component, Operation
from api.llm_gateway import LLMAnswer, LLMGateway, LLMStream
from api.request_context import RequestContext


async def answer(gateway: LLMGateway, body: Mapping[str, Any], context: RequestContext) -> LLMAnswer | LLMStream:
    """The model's answer, streamed if the request asks for it."""
    call = gateway.stream if body.get("stream") else gateway.complete
    return await call(body, component=Component.PASSTHROUGH, operation=Operation.CHAT, context=context)
