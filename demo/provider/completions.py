"""OpenAI's older completions: text in, text out."""

import secrets
import time
from typing import Any

from demo.provider import checks
from demo.provider.answer import Answer
from demo.provider.chat import DONE, fingerprint
from demo.provider.chat_request import stops
from demo.provider.delivery import Event, event
from demo.provider.endpoint import Call, Dialect
from demo.provider.errors import ProviderError
from demo.provider.prompt import Prompt, Turn
from demo.provider.usage import chat_usage

# This API's own default, short as it is.
DEFAULT_MAX_TOKENS = 16


def read(call: Call) -> Prompt:
    body = call.required_body()
    prompt = Prompt(checks.model_of(body), [Turn("user", text) for text in _texts(body)], body)
    for name, (low, high) in {"temperature": (0.0, 2.0), "top_p": (0.0, 1.0), "n": (1, 128)}.items():
        checks.in_range(body, name, low, high)
    given = body.get("max_tokens")
    prompt.max_tokens = DEFAULT_MAX_TOKENS if given is None else given
    prompt.stream, prompt.stop = bool(body.get("stream")), stops(body.get("stop"))
    prompt.n = (body.get("n") or 1) * len(prompt.turns)
    return prompt


def plain(prompt: Prompt, answer: Answer) -> dict[str, Any]:
    text = (answer.text or "") if not prompt.body.get("echo") else prompt.question + (answer.text or "")
    choices = [_choice(index, text, answer.finish_reason) for index in range(prompt.n)]
    return {**_head(prompt), "choices": choices, "usage": chat_usage(answer.usage)}


def events(prompt: Prompt, answer: Answer) -> list[Event]:
    head = _head(prompt)
    wants_usage = bool((prompt.body.get("stream_options") or {}).get("include_usage"))
    null_usage: dict[str, Any] = {"usage": None} if wants_usage else {}
    chunks: list[Event] = []
    for index in range(prompt.n):
        choices = [_choice(index, piece, None) for piece in answer.pieces] + [_choice(index, "", answer.finish_reason)]
        chunks += [event({**head, "choices": [c], **null_usage}, piece=c["finish_reason"] is None) for c in choices]
    if wants_usage:
        chunks.append(event({**head, "choices": [], "usage": chat_usage(answer.usage)}))
    return [*chunks, DONE]


def _texts(body: dict[str, Any]) -> list[str]:
    """A text, several, or tokens, whose words nobody here can know."""
    given = body.get("prompt", "<|endoftext|>")
    if isinstance(given, str):
        return [given]
    if not isinstance(given, list) or not given:
        raise ProviderError("Invalid type for 'prompt': expected a string or an array.", param="prompt")
    if isinstance(given[0], int):
        return [f"({len(given)} tokens)"]
    return [text if isinstance(text, str) else f"({len(text)} tokens)" for text in given]


def _choice(index: int, text: str, finish_reason: str | None) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish_reason}


def _head(prompt: Prompt) -> dict[str, Any]:
    return {
        "id": f"cmpl-{secrets.token_hex(14)}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": prompt.model,
        "system_fingerprint": fingerprint(prompt),
    }


DIALECT = Dialect("/completions", read=read, plain=plain, events=events)
