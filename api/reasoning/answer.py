"""From a request to its answer: the reasoning, then what the model says in the end, plain or event by event."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing
from typing import Any

from opentelemetry.trace import Span, get_current_span, use_span
from pydantic_core import to_json

from api.components import Component
from api.context import RequestContext
from api.dialects.openai import ChunkStream, chat_chunk, check_chat, without_ours
from api.errors import APIError, UpstreamStreamBroken
from api.llm import LLMAnswer
from api.reasoning.agent import ReasoningAgent
from api.reasoning.events import End, EventType, ReasoningEvent, failure
from api.reasoning.handing_over import handed_over, handed_over_in_chunks
from api.reasoning.run import Run
from api.reasoning.writers.chat import ChatWriter
from api.reasoning.writers.writer import AnswerWriter
from api.telemetry import Recorder, record_failure

# Errors that come this early still have their own HTTP status; after it, the client sees the reasoning as it happens.
STATUS_GRACE = 1.0  # seconds


async def answer(
    agent: ReasoningAgent,
    body: Mapping[str, Any],
    context: RequestContext,
    writer: Callable[[Mapping[str, Any]], AnswerWriter] = ChatWriter,
) -> "LLMAnswer | AnswerStream":
    """The request's answer after reasoning, streamed if the request asks for it; a stream has been opened.

    `body` is a chat completion request, whatever the dialect in which it is answered.
    """
    body = without_ours(body)
    run = await agent.begin(body, context)
    check_chat(body, run.model.provider if run.model else None)
    span = agent.tracing.start_span(
        Component.REASONING_AGENT.value, "AGENT", metadata=run.metadata, session_id=context.session_id
    )
    record = Recorder(agent.tracing, get_current_span(), span)
    record.asked(body)
    told = writer({**body, "model": context.asked_model or body["model"]})
    if not body.get("stream"):
        return await _plain_answer(agent, run, span, record, told)
    stream = AnswerStream(agent, run, span, record, told)
    await stream.open()
    return stream


async def _plain_answer(
    agent: ReasoningAgent, run: Run, span: Span, record: Recorder, writer: AnswerWriter
) -> LLMAnswer:
    events: list[ReasoningEvent] = []
    with agent.tracing.around(span):
        await agent.reason(run, events.append)
        completion, headers = await _conclusion(agent, run, found=not writer.keeps_thoughts)
        record.answered(completion)
        record.finish()
        told = writer.whole(completion, events, run)
    return LLMAnswer(to_json(told), headers | _cost_header(run))


async def _conclusion(agent: ReasoningAgent, run: Run, *, found: bool) -> tuple[dict[str, Any], dict[str, str]]:
    if run.end is End.TOOL_CALLS:
        return handed_over(run, found=found), {}
    answer = await agent.answer(run)
    completion = _completion(answer)
    run.account(completion, answer.headers)
    return completion, answer.headers


class AnswerStream:
    """The reasoning as it happens, then the answer, as one stream of events. To be opened, read once and closed."""

    def __init__(self, agent: ReasoningAgent, run: Run, span: Span, record: Recorder, writer: AnswerWriter) -> None:
        self.headers: dict[str, str] = {}
        self._record = record
        self._agent, self._run, self._span, self._writer = agent, run, span, writer
        self._emitted: asyncio.Queue[ReasoningEvent | None] = asyncio.Queue()
        self._planned = asyncio.Event()
        self._resources = AsyncExitStack()
        self._resources.callback(span.end)
        with use_span(span, end_on_exit=False):
            self._reasoning = asyncio.create_task(agent.reason(run, self._emit))
        self._resources.push_async_callback(_cancel, self._reasoning)
        self._reasoning.add_done_callback(lambda _task: self._emitted.put_nowait(None))

    @property
    def keepalive(self) -> bytes | None:
        return self._writer.keepalive

    def error_event(self, error: APIError) -> bytes:
        """What the stream ends with when it fails."""
        return self._writer.error_event(error)

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
        """What the writer makes of it all. A failure is told of first, then raised."""
        try:
            if opening := self._writer.opening():
                yield opening
            while (emitted := await self._emitted.get()) is not None:
                if told := self._writer.of_event(emitted):
                    yield told
            self._reasoning.result()
            async with aclosing(self._answer()) as answer:
                async for told in answer:
                    yield told
        except Exception as error:
            record_failure(self._span, self._agent.tracing, error)
            if told := self._writer.of_event(_error_event(self._run.steps, error)):
                yield told
            raise

    async def aclose(self) -> None:
        """Ends the reasoning, whatever it is at."""
        await self._resources.aclose()

    def _emit(self, emitted: ReasoningEvent) -> None:
        self._emitted.put_nowait(emitted)
        if emitted.type is EventType.PLANNING:
            self._planned.set()

    async def _answer(self) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._chunks()) as chunks:
            async for chunk in chunks:
                self._record.answered(chunk)
                if told := self._writer.of_answer(chunk):
                    yield told
        self._record.finish()
        yield self._writer.closing(self._run)

    async def _chunks(self) -> AsyncGenerator[dict[str, Any], None]:
        """The answer's chunks that have choices; the usage in the others is accounted for."""
        if self._run.end is End.TOOL_CALLS:
            for chunk in handed_over_in_chunks(self._run, found=not self._writer.keeps_thoughts):
                yield chunk
            return
        with use_span(self._span, end_on_exit=False):
            stream = await self._agent.stream_answer(self._run)
        self._resources.push_async_callback(stream.aclose)
        async with aclosing(stream.read(ChunkStream(chat_chunk, usage_asked=True))) as blocks:
            async for chunks in blocks:
                for chunk in chunks:
                    if chunk.get("usage"):
                        self._run.account(chunk, {})
                    if chunk.get("choices"):
                        yield chunk


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


def _cost_header(run: Run) -> dict[str, str]:
    return {"x-litellm-response-cost": str(run.usage["cost"])} if "cost" in run.usage else {}
