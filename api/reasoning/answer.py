"""The answer as OpenAI's clients read it: one id, the model as asked, the role once, the usage of all calls."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing
from typing import Any
from uuid import uuid4

from opentelemetry.trace import Span, get_current_span, use_span
from pydantic_core import to_json

from api.components import Component
from api.context import RequestContext
from api.dialects.openai import DONE, ChunkStream, chat_answer, chat_chunk, without_ours
from api.errors import APIError, UpstreamStreamBroken
from api.llm import LLMAnswer
from api.reasoning.agent import ReasoningAgent
from api.reasoning.events import End, EventType, ReasoningEvent, failure
from api.reasoning.run import Run
from api.sse import event
from api.telemetry import Recorder, record_failure

# Errors that come this early still have their own HTTP status; after it, the client sees the reasoning as it happens.
STATUS_GRACE = 1.0  # seconds


async def answer(agent: ReasoningAgent, body: Mapping[str, Any], context: RequestContext) -> "LLMAnswer | AnswerStream":
    """The request's answer after reasoning, streamed if the request asks for it; a stream has been opened."""
    body = without_ours(body)
    run = await agent.begin(body, context)
    span = agent.tracing.start_span(
        Component.REASONING_AGENT.value, "AGENT", metadata=run.metadata, session_id=context.session_id
    )
    record = Recorder(agent.tracing, get_current_span(), span)
    record.asked(body)
    if not body.get("stream"):
        return await _plain_answer(agent, run, span, record)
    stream = AnswerStream(agent, run, span, record)
    await stream.open()
    return stream


async def _plain_answer(agent: ReasoningAgent, run: Run, span: Span, record: Recorder) -> LLMAnswer:
    """The result alone, with the usage of the whole request and how the reasoning ended."""
    with agent.tracing.around(span):
        end = await agent.reason(run, lambda _event: None)
        answer = await agent.answer(run, end)
        body = _completion(answer)
        run.account(body, answer.headers)
        chat_answer(body)
        record.answered(body)
        record.finish()
        body |= {
            "id": _completion_id(),
            "model": _asked_model(run),
            "usage": run.usage,
            "metadata": _how_it_ended(run, end),
        }
    return LLMAnswer(to_json(body), answer.headers | _cost_header(run))


class AnswerStream:
    """The reasoning as it happens, then the answer, as one stream of chunks. To be opened, read once and closed."""

    def __init__(self, agent: ReasoningAgent, run: Run, span: Span, record: Recorder) -> None:
        self.headers: dict[str, str] = {}
        self._record = record
        self._agent, self._run, self._span = agent, run, span
        self._chunks = _ChunkWriter(_asked_model(run))
        self._emitted: asyncio.Queue[ReasoningEvent | None] = asyncio.Queue()
        self._planned = asyncio.Event()
        self._resources = AsyncExitStack()
        self._resources.callback(span.end)
        with use_span(span, end_on_exit=False):
            self._reasoning = asyncio.create_task(agent.reason(run, self._emit))
        self._resources.push_async_callback(_cancel, self._reasoning)
        self._reasoning.add_done_callback(lambda _task: self._emitted.put_nowait(None))

    async def open(self) -> None:
        """Waits a moment for the first step, so that a request that fails at once has the failure's own status."""
        planned = asyncio.create_task(self._planned.wait())
        try:
            await asyncio.wait({self._reasoning, planned}, timeout=STATUS_GRACE, return_when=asyncio.FIRST_COMPLETED)
            if self._reasoning.done():
                self._reasoning.result()
        except BaseException as error:
            if isinstance(error, Exception):
                record_failure(self._span, self._agent.tracing, error)
            await self.aclose()
            raise
        finally:
            planned.cancel()

    async def events(self) -> AsyncGenerator[bytes, None]:
        """Chunks, and at last `[DONE]`. A failure is a chunk first, then raised."""
        try:
            while (emitted := await self._emitted.get()) is not None:
                yield self._chunks.of_event(emitted)
            end = self._reasoning.result()
            async with aclosing(self._answer(end)) as answer:
                async for chunk in answer:
                    yield chunk
        except Exception as error:
            record_failure(self._span, self._agent.tracing, error)
            yield self._chunks.of_event(_error_event(self._run.steps, error))
            raise

    async def aclose(self) -> None:
        """Ends the reasoning, whatever it is at."""
        await self._resources.aclose()

    def _emit(self, emitted: ReasoningEvent) -> None:
        self._emitted.put_nowait(emitted)
        if emitted.type is EventType.PLANNING:
            self._planned.set()

    async def _answer(self, end: End) -> AsyncGenerator[bytes, None]:
        with use_span(self._span, end_on_exit=False):
            stream = await self._agent.stream_answer(self._run, end)
        self._resources.push_async_callback(stream.aclose)
        async with aclosing(stream.read(ChunkStream(chat_chunk, usage_asked=True))) as blocks:
            async for chunks in blocks:
                for chunk in chunks:
                    if chunk.get("usage"):
                        self._run.account(chunk, {})
                    if chunk.get("choices"):
                        self._record.answered(chunk)
                        yield self._chunks.of_answer(chunk)
        self._record.finish()
        if (self._run.body.get("stream_options") or {}).get("include_usage"):
            yield self._chunks.of_usage(self._run.usage)
        yield DONE


class _ChunkWriter:
    """Chunks of one completion."""

    def __init__(self, model: str) -> None:
        self._head = {
            "id": _completion_id(),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
        }
        self._roles_sent: set[int] = set()

    def of_event(self, emitted: ReasoningEvent) -> bytes:
        choice = {"index": 0, "delta": self._with_role(0, emitted.delta()), "logprobs": None, "finish_reason": None}
        return event({**self._head, "choices": [choice]})

    def of_answer(self, chunk: Mapping[str, Any]) -> bytes:
        choices = [self._choice(choice) for choice in chunk["choices"]]
        kept = {name: value for name, value in chunk.items() if name != "usage"}
        return event({**kept, **self._head, "choices": choices})

    def of_usage(self, usage: Mapping[str, Any]) -> bytes:
        return event({**self._head, "choices": [], "usage": usage})

    def _choice(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        index = choice.get("index", 0)
        return {**choice, "delta": self._with_role(index, choice["delta"])}

    def _with_role(self, index: int, delta: Mapping[str, Any]) -> dict[str, Any]:
        if index in self._roles_sent:
            return {name: value for name, value in delta.items() if name != "role"}
        self._roles_sent.add(index)
        return {"role": "assistant", **delta}


def _asked_model(run: Run) -> str:
    """The model's name as the request has it, its mode included."""
    return run.context.asked_model or str(run.body["model"])


def _completion(answer: LLMAnswer) -> dict[str, Any]:
    body = answer.json()
    if not isinstance(body, dict) or not isinstance(body.get("choices"), list):
        raise UpstreamStreamBroken("LiteLLM's answer is not a chat completion.")
    return body


async def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _error_event(step: int, error: Exception) -> ReasoningEvent:
    if isinstance(error, APIError):
        return failure(step, error.message, error.error_code)
    return failure(step, "The server failed while it was reasoning.", "internal_error")


def _how_it_ended(run: Run, end: End) -> dict[str, str]:
    """In the completion's own `metadata`, whose values are strings."""
    return {"reasoning_end": end.value, "reasoning_steps": str(run.steps), "reasoning_tool_calls": str(run.tool_calls)}


def _cost_header(run: Run) -> dict[str, str]:
    return {"x-litellm-response-cost": str(run.usage["cost"])} if "cost" in run.usage else {}


def _completion_id() -> str:
    return f"chatcmpl-{uuid4().hex}"
