"""The first call: one request the whole way, then what LiteLLM and Phoenix say about it."""

from __future__ import annotations

import dataclasses
import os
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx

from local_stack import console, environments, litellm_config, traces
from local_stack.instance import Instance

# Asked where it can be: the cheapest of the first provider, and the one that the documents speak of.
PREFERRED_MODEL = "gpt-4o-mini"
QUESTION = "Say hello in one short sentence."
CALL_SECONDS = 120.0
# LiteLLM writes its spend log in batches.
SPEND_SECONDS = 20.0
POLL_SECONDS = 0.25
# A key's alias and a component are LiteLLM's to tell; these are the tags that the API puts on every call.
COMPONENT_TAG = "component:"

T = TypeVar("T")


class FirstCallError(Exception):
    """The call, or a trace of it, did not arrive; the message says where it was lost."""


@dataclasses.dataclass(frozen=True)
class Spend:
    """LiteLLM's own record of a call. ``cost`` is in US dollars."""

    cost: float
    key_alias: str
    component: str


def poll(seconds: float, attempt: Callable[[], T | None]) -> T | None:
    deadline = time.monotonic() + seconds
    while True:
        found = attempt()
        if found is not None or time.monotonic() > deadline:
            return found
        time.sleep(POLL_SECONDS)


def askable_model(instance: Instance, settings: Mapping[str, str]) -> str:
    """A chat model whose provider's key is set: the preferred one, or the first of the configuration.

    Raises FirstCallError, LiteLLMConfigError.
    """
    if environments.uses_demo_provider(instance, settings):
        return PREFERRED_MODEL
    models = [model for model in litellm_config.models(instance.litellm_config) if model.chats]
    askable = [model.name for model in models if environments.present(settings, [model.key])]
    if not askable:
        raise FirstCallError(
            f"No chat model in {instance.litellm_config} has its provider's key set, so none was asked for a first call. "
            f"Everything runs; set a key in {instance.env_file} and run make up again"
        )
    return PREFERRED_MODEL if PREFERRED_MODEL in askable else askable[0]


class FirstCall:
    """Raises FirstCallError, LiteLLMConfigError, TraceError."""

    def __init__(self, instance: Instance, settings: Mapping[str, str]) -> None:
        self.instance, self.settings = instance, settings
        self.model = askable_model(instance, settings)
        self.trace_id, self.span_id = secrets.token_hex(16), secrets.token_hex(8)
        self.http = httpx.Client(timeout=CALL_SECONDS, trust_env=False)

    def make(self) -> None:
        """Prints what became of it. Raises FirstCallError, TraceError."""
        with self.http:
            console.say(f"First call: {self.model} is asked {QUESTION!r} through the API ...")
            answer = self._ask()
            spans = self._spans()
            took = time.time() - float(os.environ["REASONING_STACK_STARTED"])
            spend = self._spend(str(answer["id"]))
        self._report(answer, spend, spans, took)

    def _ask(self) -> dict[str, Any]:
        token = self.settings.get("API_TOKENS", "").split(",")[0].strip()
        headers = {"authorization": f"Bearer {token}", "traceparent": f"00-{self.trace_id}-{self.span_id}-01"}
        body = {"model": self.model, "messages": [{"role": "user", "content": QUESTION}]}
        try:
            response = self.http.post(self.instance.url("api", "/v1/chat/completions"), json=body, headers=headers)
        except httpx.HTTPError as error:
            raise FirstCallError(f"The API did not answer the first call: {error or type(error).__name__}") from error
        if response.status_code != httpx.codes.OK:
            raise FirstCallError(
                f"The first call was answered with status {response.status_code}: {response.text[:600]}"
            )
        return dict(response.json())

    def _ask_litellm(self, path: str, parameters: dict[str, str]) -> Any:
        headers = {"authorization": f"Bearer {self.settings['LITELLM_MASTER_KEY']}"}
        response = self.http.get(self.instance.url("litellm", path), params=parameters, headers=headers)
        return response.json() if response.status_code == httpx.codes.OK else None

    def _spend(self, call: str) -> Spend:
        rows = poll(SPEND_SECONDS, lambda: self._ask_litellm("/spend/logs", {"request_id": call}) or None)
        if not rows:
            raise FirstCallError(f"LiteLLM has no spend log of the call {call} after {SPEND_SECONDS:.0f} s")
        row = rows[0]
        key = self._ask_litellm("/key/info", {"key": row["api_key"]})
        if key is None:
            raise FirstCallError("LiteLLM does not know the key that the call was charged to")
        tags = [tag for tag in row.get("request_tags") or [] if tag.startswith(COMPONENT_TAG)]
        component = tags[0].removeprefix(COMPONENT_TAG) if tags else "(none)"
        return Spend(cost=float(row["spend"]), key_alias=str(key["info"].get("key_alias")), component=component)

    def _spans(self) -> int:
        """How many Phoenix shows once it has the whole trace."""
        phoenix = traces.Phoenix(self.instance.url("phoenix"), environments.project(self.settings))
        spans, lacking = traces.whole(phoenix, self.trace_id, traces.WAIT_SECONDS)
        if lacking:
            raise FirstCallError(
                f"Phoenix does not show the trace {self.trace_id} after {traces.WAIT_SECONDS:.0f} s: {lacking[0]} is missing"
            )
        return len(spans)

    def _report(self, answer: dict[str, Any], spend: Spend, spans: int, took: float) -> None:
        text = str(answer["choices"][0]["message"]["content"]).strip()
        link = self.instance.url("phoenix", f"/redirects/traces/{self.trace_id}")
        rows = [
            ("Answer", text),
            ("Cost", f"${spend.cost:.8f}"),
            ("Charged to", spend.key_alias),
            ("Component", spend.component),
            ("Trace", f"{link} ({spans} spans)"),
            ("Time", f"{took:.1f} s from start to traced answer"),
        ]
        for label, value in rows:
            console.say(f"  {label + ':':<12} {value}")
