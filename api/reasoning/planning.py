"""One step, from the question to the plan: asked for in a form that the provider takes, repaired once if need be."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from api.components import Component, Operation
from api.errors import APIError, ReasoningStepInvalid
from api.llm import LLMGateway
from api.reasoning.argument_schema import strict_arguments, without_unsaid
from api.reasoning.asking import RefusedForms, StepForm, length_limit, refuses_form
from api.reasoning.client_tools import Described
from api.reasoning.messages import arranged
from api.reasoning.prompts import Prompts
from api.reasoning.replies import Reply, read_reply
from api.reasoning.run import Limits, Run
from api.reasoning.steps import ReasoningStep, StepInvalid
from api.reasoning.usage import add_usage

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


@dataclass(frozen=True, slots=True)
class Plan:
    """A step, in the form in which its model reads it again, and what it used."""

    step: ReasoningStep
    text: str
    used: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Planner:
    """Asks models for steps; keeps nothing of a request, and of a model which forms its provider refuses."""

    gateway: LLMGateway
    prompts: Prompts
    limits: Limits
    refused: RefusedForms = field(default_factory=RefusedForms)

    async def plan(self, run: Run) -> Plan | None:
        """The next step; None when the model refuses to plan one.

        Raises:
            ReasoningStepInvalid: the model twice replied with something that is no step.
            APIError: a call failed.
        """
        model = run.body["model"]
        first = min(self.refused.of(model), len(run.forms) - 1)
        failure: APIError | None = None
        for place, form in enumerate(run.forms[first:], first):
            try:
                plan = await self._plan_in(form, run)
            except APIError as error:
                failure = failure or error
                if not refuses_form(error):
                    raise
            else:
                if failure is not None:  # The form alone was in the way: this one is taken.
                    self.refused.remember(model, place)
                return plan
        raise failure or AssertionError("there is always a form")

    async def _plan_in(self, form: StepForm, run: Run) -> Plan | None:
        used: dict[str, Any] = {}
        exchange: list[dict[str, str]] = []
        for attempt in (1, 2):
            reply, used_now = await self._ask(form, run, exchange)
            used = add_usage(used, used_now)
            if reply.refused:
                return None
            try:
                step = _without_unsaid(reply.step(), run.offered)
                run.client.check(step)
            except StepInvalid as problem:
                if attempt == 2:
                    raise ReasoningStepInvalid(f"The model's reply was no reasoning step, twice: {problem}.") from None
                repair = self.prompts.repair.substitute(problem=problem)
                exchange = [{"role": "assistant", "content": reply.told}, {"role": "user", "content": repair}]
            else:
                return Plan(step, step.told(nested=form.nested), used)
        raise AssertionError("unreachable: the second attempt returns or raises")

    async def _ask(self, form: StepForm, run: Run, exchange: list[dict[str, str]]) -> tuple[Reply, dict[str, Any]]:
        fields = {name: value for name, value in run.body.items() if name not in _ANSWER_FIELDS}
        messages = arranged(
            self._instructions(form, run.offered), run.conversation(nested=form.nested), [*run.progress, *exchange]
        )
        limit = length_limit(run.model, run.body, self.limits.max_step_tokens)
        answer = await self.gateway.complete(
            {**fields, **limit, **form.fields, "messages": messages},
            component=Component.REASONING_AGENT,
            operation=Operation.STEP_GENERATION,
            context=run.context,
        )
        told = answer.json()
        return read_reply(told), run.account(told, answer.headers)

    def _instructions(self, form: StepForm, tools: Sequence[Described]) -> str:
        listed = [
            {"name": tool.name, "description": tool.description, "arguments": tool.input_schema} for tool in tools
        ]
        drawn = self.prompts.nested_form if form.nested else self.prompts.form
        return self.prompts.step.substitute(
            date=datetime.now(UTC).date().isoformat(),
            form=drawn.template,
            tools="\n".join(json.dumps(tool, ensure_ascii=False) for tool in listed) or "(none at present)",
        )


def _without_unsaid(step: ReasoningStep, tools: Sequence[Described]) -> ReasoningStep:
    """A schema that requires all fields of a tool's arguments lets a model say null for those that it leaves out."""
    named = {tool.name: tool.input_schema for tool in tools}
    for request in step.tools_to_use:
        schema = named.get(request.name)
        if schema is not None and strict_arguments(schema) is not None:
            request.arguments = without_unsaid(request.arguments, schema)
    return step
