"""The loop: plan, act, observe, until an end is reached; then one last call answers from what was found."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from opentelemetry.trace import Span

from api.components import Component, Operation
from api.context import RequestContext
from api.dialects.openai import refusal
from api.errors import APIError, ReasoningStepInvalid
from api.llm import LLMAnswer, LLMGateway, LLMStream, ModelCatalog, is_context_overflow
from api.reasoning.events import End, EventType, ReasoningEvent, reasoning_complete, tool_call_text, tool_result
from api.reasoning.prompts import Prompts
from api.reasoning.run import Limits, Run
from api.reasoning.steps import NextAction, ReasoningStep, StepInvalid, parse_step, response_format
from api.reasoning.usage import add_usage
from api.telemetry import Metrics, Tracing, record_content, record_failure
from api.tools import Tool, ToolCall, ToolResult, run_tools

Emit = Callable[[ReasoningEvent], None]

# What of a caller's request is for the answer alone: how it is sampled, and its length, form and number. All else goes into the
# steps too: who the request is for, how it is billed, what a provider may do with the conversation, and what is not known here.
_ANSWER_FIELDS = frozenset(
    {
        *("temperature", "top_p", "top_k", "top_a", "min_p", "seed", "logit_bias", "logprobs", "top_logprobs"),
        *("frequency_penalty", "presence_penalty", "repetition_penalty"),
        *("max_tokens", "max_completion_tokens", "min_tokens", "stop", "verbosity", "n", "best_of"),
        *("stream", "stream_options", "prediction", "modalities", "audio"),
        *("response_format", "structured_outputs", "guided_json", "guided_regex", "guided_choice", "guided_grammar"),
        *("tools", "tool_choice", "parallel_tool_calls", "functions", "function_call", "web_search_options"),
    }
)
_ENDINGS = {
    End.FINISHED: "",
    End.REFUSED: "The work was stopped because its next step was refused: say what is still open.",
    End.REPEATED_TOOL_CALL: "The work was stopped because it went in circles: say what is still open.",
    End.CONTEXT_LENGTH_EXCEEDED: "The work was stopped because no more fits into the context: say what is still open.",
}
_LIMIT_REACHED = "The work was stopped at a limit before it was finished: say what is still open."
_NOT_MADE = "the call was not made, because the work went in circles"


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
        taken = {"steps": run.steps, "tool_calls": run.tool_calls}
        emit(reasoning_complete(end, usage=run.usage, duration=run.seconds, **taken))
        return end

    async def answer(self, run: Run, end: End) -> LLMAnswer:
        """The answer, complete."""
        body = self._answer_body(run, end)
        return await self.gateway.complete(
            body, component=Component.REASONING_AGENT, operation=Operation.SYNTHESIS, context=run.context
        )

    async def stream_answer(self, run: Run, end: End) -> LLMStream:
        """The answer, event by event, its usage included."""
        body = {**self._answer_body(run, end), "stream": True}
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
        try:
            step = await self._plan(run, emit)
        except APIError as error:
            if not (run.progress and is_context_overflow(error)):
                raise
            run.leave_out_longest_results()
            return End.CONTEXT_LENGTH_EXCEEDED
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
            self._leave_unmade(run, calls, emit)
            return End.REPEATED_TOOL_CALL
        await self._act(run, step, calls, emit)
        return None

    async def _plan(self, run: Run, emit: Emit) -> ReasoningStep | None:
        """The next step, repaired once if need be; None when the model refuses to go on."""
        before = run.seconds
        used: dict[str, Any] = {}
        messages = [{"role": "system", "content": self._step_prompt(run)}, *run.conversation, *run.progress]
        for attempt in (1, 2):
            content, refused, used_now = await self._ask_for_step(run, messages)
            used = add_usage(used, used_now)
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
        fields = {name: value for name, value in run.body.items() if name not in _ANSWER_FIELDS}
        answer = await self.gateway.complete(
            {**fields, "messages": messages, **response_format(run.model)},
            component=Component.REASONING_AGENT,
            operation=Operation.STEP_GENERATION,
            context=run.context,
        )
        reply = answer.json()
        used = run.account(reply, answer.headers)
        return *_spoken(reply), used

    def _leave_unmade(self, run: Run, calls: list[ToolCall], emit: Emit) -> None:
        outcomes = [(call, ToolResult(call.name, ok=False, text="", error=_NOT_MADE)) for call in calls]
        for _, result in outcomes:
            emit(tool_result(run.steps, result))
        run.remember_results(outcomes)

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
        # A name that no tool has is the model's own text, of any length.
        name = tool.name if tool else "unknown"
        with self.tracing.span(name, "TOOL", metadata=metadata, session_id=run.context.session_id) as span:
            span.set_attribute("tool.name", name)
            record_content(span, self.tracing, given=json.dumps(call.arguments, ensure_ascii=False))

            def report(result: ToolResult) -> None:
                record_content(span, self.tracing, result=result.for_model())
                if not result.ok:
                    record_failure(span, self.tracing, "the call failed")

            yield report


def _spoken(reply: Any) -> tuple[str | None, bool]:
    """Content of the first choice, and whether it is a refusal; an answer of another form is neither."""
    try:
        choice = reply["choices"][0]
        content = choice["message"].get("content")
        # Anthropic's refusals are text, and nothing but this finish reason tells them from a reply.
        refused = bool(refusal(choice["message"])) or choice.get("finish_reason") == "content_filter"
    except (LookupError, TypeError, AttributeError):
        return None, False
    return (content if isinstance(content, str) else None), refused


def _planning(number: int, step: ReasoningStep, seconds: float, used: dict[str, Any]) -> ReasoningEvent:
    details = {
        "thought": step.thought,
        "next_action": step.next_action.value,
        "tools": [request.name for request in step.tools_to_use],
        "calls": [{"index": n, **request.model_dump(mode="json")} for n, request in enumerate(step.tools_to_use)],
        "duration": round(seconds, 4),
        "usage": used,
    }
    return ReasoningEvent(EventType.PLANNING, number, details, f"{step.thought}\n")
