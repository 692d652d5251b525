"""The loop: plan, act, observe, until an end is reached; then one last call answers from what was found."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from opentelemetry.trace import Span

from api.components import Component, Operation
from api.context import RequestContext
from api.errors import APIError
from api.llm import LLMAnswer, LLMGateway, LLMStream, ModelCatalog, is_context_overflow
from api.reasoning.asking import step_forms
from api.reasoning.client_tools import beside, read_client_tools
from api.reasoning.events import End, EventType, ReasoningEvent, reasoning_complete, tool_call_text, tool_result
from api.reasoning.messages import arranged
from api.reasoning.planning import Planner
from api.reasoning.prompts import Prompts
from api.reasoning.run import Limits, Run
from api.reasoning.steps import NextAction, ReasoningStep
from api.telemetry import Metrics, Tracing, record_content, record_failure
from api.tools import Tool, ToolCall, ToolResult, run_tools

Emit = Callable[[ReasoningEvent], None]

# No call of ours has tools: the steps name them in words, and the answer needs none.
_OF_TOOLS = frozenset({"tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"})
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
    planner: Planner = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "planner", Planner(self.gateway, self.prompts, self.limits))

    async def begin(self, body: Mapping[str, Any], context: RequestContext) -> Run:
        """A run for this request, with the tools that can be used now: ours, and those that it brings."""
        client = read_client_tools(body)
        tools, model = beside(self.tool_source.tools(), client), await self.catalog.find(body["model"])
        forms = step_forms(model, [*tools, *client.tools], may_finish=not client.required)
        return Run(body, context, tools, model, forms, client)

    async def reason(self, run: Run, emit: Emit) -> None:
        """Steps until an end, which is the run's then.

        Raises:
            ReasoningStepInvalid: the model twice replied with something that is no step.
            APIError: a call failed.
        """
        try:
            async with asyncio.timeout(self.limits.max_seconds) as deadline:
                run.end = await self._iterate_until_end(run, emit)
        except TimeoutError:
            if not deadline.expired():
                raise
            run.end = End.MAX_SECONDS
        taken = {"steps": run.steps, "tool_calls": run.tool_calls}
        emit(reasoning_complete(run.end, usage=run.usage, duration=run.seconds, **taken))

    async def answer(self, run: Run) -> LLMAnswer:
        """The answer, complete."""
        body = self._answer_body(run)
        return await self.gateway.complete(
            body, component=Component.REASONING_AGENT, operation=Operation.SYNTHESIS, context=run.context
        )

    async def stream_answer(self, run: Run) -> LLMStream:
        """The answer, event by event, its usage included."""
        body = {**self._answer_body(run), "stream": True}
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
        if step.next_action is NextAction.FINISHED:
            return End.FINISHED
        if step.next_action is NextAction.CONTINUE_THINKING:
            run.remember_no_calls()
            return None
        calls = [ToolCall(request.name, request.arguments) for request in step.tools_to_use]
        if run.repeats(calls):
            self._leave_unmade(run, calls, emit)
            return End.REPEATED_TOOL_CALL
        refused = await self._leave_to_client(run, calls)
        await self._act(run, step, calls, refused, emit)
        return End.TOOL_CALLS if run.left_to_client else None

    async def _leave_to_client(self, run: Run, calls: list[ToolCall]) -> dict[int, ToolResult]:
        """The calls of the client's own tools become its to make; unless one does not fit: then what is wrong, by id."""
        theirs = [call for call in calls if call.name in run.client.names]
        if run.client.single:
            theirs = theirs[:1]
        refused = await run.client.refused(theirs)
        if not refused:
            run.left_to_client = theirs
        return {id(theirs[place]): result for place, result in refused.items()}

    async def _plan(self, run: Run, emit: Emit) -> ReasoningStep | None:
        """The next step; None when the model refuses to go on."""
        before = run.seconds
        plan = await self.planner.plan(run)
        if plan is None:
            return None
        emit(_planning(run.steps, plan.step, run.seconds - before, plan.used))
        run.remember_step(plan.step.thought, plan.text)
        return plan.step

    def _leave_unmade(self, run: Run, calls: list[ToolCall], emit: Emit) -> None:
        outcomes = [(call, ToolResult(call.name, ok=False, text="", error=_NOT_MADE)) for call in calls]
        servers = {tool.name: tool.server for tool in run.tools}
        for index, (_, result) in enumerate(outcomes):
            emit(tool_result(run.steps, index, result, servers.get(result.tool, "")))
        run.remember_results(outcomes)

    async def _act(
        self, run: Run, step: ReasoningStep, calls: list[ToolCall], refused: dict[int, ToolResult], emit: Emit
    ) -> None:
        """Makes the calls that are ours; of the client's, `refused` says which did not fit."""
        found: dict[int, ToolResult] = {}
        places = {id(call): index for index, call in enumerate(calls)}
        ours = [call for call in calls if call.name not in run.client.names]

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
                    emit(tool_result(run.steps, places[id(call)], result, tool.server if tool else ""))

                yield report_and_emit

        made = ours or [call for call in calls if id(call) in refused]
        if made:
            emit(_execution_start(run, made, concurrent=step.concurrent_execution))
        for call in calls:
            if (result := refused.get(id(call))) is not None:
                found[id(call)] = result
                emit(tool_result(run.steps, places[id(call)], result, ""))
        try:
            await run_tools(run.tools, ours, concurrent=step.concurrent_execution, observe=observe)
        finally:
            # Also when the time is up: what some of the calls found is there for the answer.
            told = [call for call in calls if call in ours or id(call) in refused]
            if told:
                run.remember_results([(call, found.get(id(call))) for call in told])

    def _answer_body(self, run: Run) -> dict[str, Any]:
        ending = _ENDINGS.get(run.end or End.FINISHED, _LIMIT_REACHED)
        ending = self.prompts.answer_now.substitute(ending=ending).strip()
        since = [*run.progress, {"role": "user", "content": ending}]
        kept = {name: value for name, value in run.body.items() if name not in _OF_TOOLS}
        nested = bool(run.forms) and run.forms[0].nested
        conversation = run.conversation(nested=nested)
        return {**kept, "messages": arranged(self.prompts.synthesis.template, conversation, since)}

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


def _execution_start(run: Run, calls: list[ToolCall], *, concurrent: bool) -> ReasoningEvent:
    text = "".join(tool_call_text(call.name, dict(call.arguments)) for call in calls)
    servers = {tool.name: tool.server for tool in run.tools}
    names = [call.name for call in calls]
    details = {"tools": names, "servers": [servers.get(name, "") for name in names], "concurrent": concurrent}
    return ReasoningEvent(EventType.TOOL_EXECUTION_START, run.steps, details, text)


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
