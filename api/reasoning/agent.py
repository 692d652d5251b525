"""The loop: plan, act, observe, until an end is reached; then one last call answers from what was found."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from opentelemetry.trace import Span

from api.attribution import Component, Operation
from api.errors import ReasoningStepInvalid
from api.llm_gateway import LLMAnswer, LLMGateway, LLMStream
from api.metrics import Metrics
from api.model_catalog import ModelCatalog
from api.reasoning.events import End, EventType, ReasoningEvent, tool_call_text, tool_result
from api.reasoning.prompts import Prompts
from api.reasoning.run import Limits, Run
from api.reasoning.steps import NextAction, ReasoningStep, StepInvalid, parse_step, response_format
from api.reasoning.usage import add_usage
from api.request_context import RequestContext
from api.tools import Tool, ToolCall, ToolResult, run_tools
from api.tracing import Tracing, record_content, record_failure

Emit = Callable[[ReasoningEvent], None]

# What of a caller's request goes into the steps too: who it is for and how it is billed, but not how to sample the answer.
_STEP_FIELDS = (
    "model",
    "user",
    "metadata",
    "service_tier",
    "reasoning_effort",
    "safety_identifier",
    "prompt_cache_key",
)
_ENDINGS = {
    End.FINISHED: "",
    End.REFUSED: "",
    End.REPEATED_TOOL_CALL: "The work was stopped because it went in circles: say what is still open.",
}
_LIMIT_REACHED = "The work was stopped at a limit before it was finished: say what is still open."


class ToolSource(Protocol):
    """Whoever knows the tools that can be used now."""

    def tools(self) -> list[Tool]: ...


@dataclass(frozen=True, slots=True)
class ReasoningAgent:
    """Works on requests; keeps nothing of one for another."""

    gateway: LLMGateway
    catalog: ModelCatalog
    tool_source: ToolSource
    prompts: Prompts
    tracing: Tracing
    metrics: Metrics
    limits: Limits

    async def begin(self, body: Mapping[str, Any], context: RequestContext) -> Run:
        """A run for this request, with the tools that can be used now."""
        return Run(body, context, self.tool_source.tools(), await self.catalog.find(body["model"]))

    async def reason(self, run: Run, emit: Emit) -> End:
        """Steps until an end, which is returned.

        Raises:
            ReasoningStepInvalid: the model twice replied with something that is no step.
            APIError: a call failed.
        """
        try:
            async with asyncio.timeout(self.limits.max_seconds) as deadline:
                end = await self._iterate_until_end(run, emit)
        except TimeoutError:
            if not deadline.expired():
                raise
            end = End.MAX_SECONDS
        details = {"end": end.value, "steps": run.steps, "tool_calls": run.tool_calls, "usage": run.usage}
        emit(ReasoningEvent(EventType.REASONING_COMPLETE, run.steps, {**details, "duration": round(run.seconds, 4)}))
        return end

    async def answer(self, run: Run, end: End) -> LLMAnswer:
        """The answer, complete."""
        body = self._answer_body(run, end)
        return await self.gateway.complete(
            body, component=Component.REASONING_AGENT, operation=Operation.SYNTHESIS, context=run.context
        )

    async def stream_answer(self, run: Run, end: End) -> LLMStream:
        """The answer, event by event, its usage included."""
        options = {**(run.body.get("stream_options") or {}), "include_usage": True}
        body = {**self._answer_body(run, end), "stream": True, "stream_options": options}
        return await self.gateway.stream(
            body, component=Component.REASONING_AGENT, operation=Operation.SYNTHESIS, context=run.context
        )

    async def _iterate_until_end(self, run: Run, emit: Emit) -> End:
        while (end := run.limit_reached(self.limits)) is None:
            run.steps += 1
            emit(ReasoningEvent(EventType.ITERATION_START, run.steps))
            before = run.seconds
            with self._span(run, f"step {run.steps}"):
                end = await self._iterate(run, emit)
            duration = round(run.seconds - before, 4)
            emit(ReasoningEvent(EventType.ITERATION_COMPLETE, run.steps, {"duration": duration, "usage": run.usage}))
            if end is not None:
                break
        return end

    async def _iterate(self, run: Run, emit: Emit) -> End | None:
        step = await self._plan(run, emit)
        if step is None:
            return End.REFUSED
        run.remember_step(step)
        if step.next_action is NextAction.FINISHED:
            return End.FINISHED
        if step.next_action is NextAction.CONTINUE_THINKING:
            run.remember_no_calls()
            return None
        calls = [ToolCall(request.name, request.arguments) for request in step.tools_to_use]
        if run.repeats(calls):
            return End.REPEATED_TOOL_CALL
        await self._act(run, step, calls, emit)
        return None

    async def _plan(self, run: Run, emit: Emit) -> ReasoningStep | None:
        """The next step, repaired once if need be; None when the model refuses to go on."""
        before = run.seconds
        messages = [{"role": "system", "content": self._step_prompt(run)}, *run.conversation, *run.progress]
        for attempt in (1, 2):
            content, refused, used = await self._ask_for_step(run, messages)
            if refused:
                return None
            try:
                step = parse_step(content)
            except StepInvalid as problem:
                if attempt == 2:
                    raise ReasoningStepInvalid(f"The model's reply was no reasoning step, twice: {problem}.") from None
                repair = self.prompts.repair.substitute(problem=problem)
                messages += [{"role": "assistant", "content": content or ""}, {"role": "user", "content": repair}]
            else:
                emit(_planning(run.steps, step, run.seconds - before, used))
                return step
        raise AssertionError("unreachable: the second attempt returns or raises")

    async def _ask_for_step(self, run: Run, messages: list[dict[str, Any]]) -> tuple[str | None, bool, dict[str, Any]]:
        fields = {name: run.body[name] for name in _STEP_FIELDS if name in run.body}
        answer = await self.gateway.complete(
            {**fields, "messages": messages, **response_format(run.model)},
            component=Component.REASONING_AGENT,
            operation=Operation.STEP_GENERATION,
            context=run.context,
        )
        reply = answer.json()
        used = run.account(reply, answer.headers)
        content, refusal = _spoken(reply)
        return content, bool(refusal), used

    async def _act(self, run: Run, step: ReasoningStep, calls: list[ToolCall], emit: Emit) -> None:
        found: dict[int, ToolResult] = {}

        @contextmanager
        def observe(call: ToolCall, tool: Tool | None) -> Iterator[Callable[[ToolResult], None]]:
            run.tool_calls += 1
            with (
                self._tool_span(run, call, tool) as report,
                self.metrics.tool_call(tool.name if tool else None) as count,
            ):

                def report_and_emit(result: ToolResult) -> None:
                    report(result)
                    count(result.ok)
                    found[id(call)] = result
                    emit(tool_result(run.steps, result))

                yield report_and_emit

        names = [call.name for call in calls]
        text = "".join(tool_call_text(call.name, dict(call.arguments)) for call in calls)
        details = {"tools": names, "concurrent": step.concurrent_execution}
        emit(ReasoningEvent(EventType.TOOL_EXECUTION_START, run.steps, details, text))
        try:
            await run_tools(run.tools, calls, concurrent=step.concurrent_execution, observe=observe)
        finally:
            # Also when the time is up: what some of the calls found is there for the answer.
            run.remember_results([(call, found.get(id(call))) for call in calls])

    def _step_prompt(self, run: Run) -> str:
        tools = [
            {"name": tool.name, "description": tool.description, "arguments": tool.input_schema} for tool in run.tools
        ]
        listed = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools) or "(none at present)"
        return self.prompts.step.substitute(date=datetime.now(UTC).date().isoformat(), tools=listed)

    def _answer_body(self, run: Run, end: End) -> dict[str, Any]:
        system = {"role": "system", "content": self.prompts.synthesis.template}
        ending = self.prompts.answer_now.substitute(ending=_ENDINGS.get(end, _LIMIT_REACHED)).strip()
        messages = [system, *run.conversation, *run.progress, {"role": "user", "content": ending}]
        return {**run.body, "messages": messages}

    def _span(self, run: Run, name: str) -> AbstractContextManager[Span]:
        return self.tracing.span(name, "CHAIN", metadata=run.metadata, session_id=run.context.session_id)

    @contextmanager
    def _tool_span(self, run: Run, call: ToolCall, tool: Tool | None) -> Iterator[Callable[[ToolResult], None]]:
        metadata = run.metadata | ({"mcp_server": tool.server} if tool else {})
        name = (
            tool.name if tool else "unknown"
        )  # A name that no tool has is the model's words: content, and of any length.
        with self.tracing.span(name, "TOOL", metadata=metadata, session_id=run.context.session_id) as span:
            span.set_attribute("tool.name", name)
            record_content(span, self.tracing, given=json.dumps(call.arguments, ensure_ascii=False))

            def report(result: ToolResult) -> None:
                record_content(span, self.tracing, result=result.for_model())
                if not result.ok:
                    record_failure(span, "the call failed")

            yield report


def _spoken(reply: Any) -> tuple[str | None, Any]:
    """Content and refusal of the first choice; an answer of another form has neither."""
    try:
        message = reply["choices"][0]["message"]
        content, refusal = message.get("content"), message.get("refusal")
    except (LookupError, TypeError, AttributeError):
        return None, None
    return (content if isinstance(content, str) else None), refusal


def _planning(number: int, step: ReasoningStep, seconds: float, used: dict[str, Any]) -> ReasoningEvent:
    details = {
        "thought": step.thought,
        "next_action": step.next_action.value,
        "tools": [request.name for request in step.tools_to_use],
        "calls": [{"index": n, **request.model_dump(mode="json")} for n, request in enumerate(step.tools_to_use)],
        "duration": round(seconds, 4),
        "usage": add_usage({}, used),
    }
    return ReasoningEvent(EventType.PLANNING, number, details, f"{step.thought}\n")
