"""An answer before it takes the form of one of the APIs: what is said, how it is cut into pieces, what it cost."""

import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from demo.provider import model
from demo.provider.prompt import Prompt
from demo.provider.script import Reply, ScriptedToolCall
from demo.provider.usage import CHARACTERS_PER_TOKEN, Usage, prompt_tokens, tokens_in

LONGEST_THOUGHT = 200
# Texts that Anthropic documents for tests: its models refuse the one and redact what they think of the other.
REFUSAL_TRIGGER = "ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL"
REDACTION_TRIGGER = "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING"
PIECE = re.compile(r"\s*\S+\s*$|\s*\S+|\s+")


@dataclass(frozen=True)
class ToolCall:
    """`arguments` is JSON text, as OpenAI sends it."""

    id: str
    name: str
    arguments: str

    @property
    def arguments_object(self) -> dict[str, Any]:
        """The arguments as Anthropic sends them; text that is no JSON object has no form there and becomes `{}`."""
        try:
            value = json.loads(self.arguments)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass
class Answer:
    """`finish_reason` is OpenAI's; `pieces` joined are the refusal, if there is one, or the text.

    `thought` is what was thought before it was said, and `is_redacted` keeps it from the client.
    """

    text: str | None
    usage: Usage
    pieces: list[str] = field(default_factory=list)
    tool_calls: list[ToolCall] = field(default_factory=list)
    refusal: str | None = None
    finish_reason: str = "stop"
    stopped_at: str | None = None
    thought: str | None = None
    is_redacted: bool = False


def compose(prompt: Prompt, reply: Reply) -> Answer:
    """The scripted answer to the prompt, or the demo model's own."""
    if reply.says_something:
        answer = _scripted(reply)
    else:
        thought = f"The question is: {prompt.question[:LONGEST_THOUGHT]}" if prompt.thinks else None
        answer = _spoken(prompt, tokens_in(thought or ""))
        answer.thought, answer.is_redacted = thought, REDACTION_TRIGGER in prompt.question
    answer.finish_reason = reply.finish_reason or answer.finish_reason
    thinking = tokens_in(answer.thought or "")
    said = sum(tokens_in(call.name + call.arguments) for call in answer.tool_calls)
    said += tokens_in(answer.text or "") + tokens_in(answer.refusal or "") + thinking
    answer.usage = Usage(prompt_tokens(prompt), said * prompt.n, reply.usage, thinking)
    return answer


def split(text: str) -> list[str]:
    """The text in words, each with the white space before it: joined, they are the text again."""
    return PIECE.findall(text)


def _scripted(reply: Reply) -> Answer:
    text = reply.content
    if "json_content" in reply.model_fields_set:
        text = json.dumps(reply.json_content, ensure_ascii=False)
    if text is None and reply.chunks is not None:
        text = "".join(reply.chunks)
    pieces = reply.chunks if reply.chunks is not None else split(reply.refusal or text or "")
    calls = [_call(call) for call in reply.tool_calls]
    finish = "tool_calls" if calls else "stop"
    answer = Answer(text, Usage(0, 0), list(pieces), calls, reply.refusal, finish)
    answer.thought, answer.is_redacted = reply.thinking, reply.redacted_thinking
    return answer


def _spoken(prompt: Prompt, thought_tokens: int) -> Answer:
    if REFUSAL_TRIGGER in prompt.question:
        return Answer(None, Usage(0, 0), refusal="", finish_reason="content_filter")
    said = model.think(prompt)
    calls = [_call(ScriptedToolCall(name=name, arguments=arguments)) for name, arguments in said.tool_calls]
    if calls:
        return Answer(None, Usage(0, 0), [], calls, finish_reason="tool_calls")
    text, stopped_at = _stopped(said.text, prompt.stop)
    longest = (
        len(text) if prompt.max_tokens is None else max(prompt.max_tokens - thought_tokens, 0) * CHARACTERS_PER_TOKEN
    )
    if len(text) > longest:
        return Answer(text[:longest], Usage(0, 0), split(text[:longest]), finish_reason="length")
    return Answer(text, Usage(0, 0), split(text), stopped_at=stopped_at)


def _stopped(text: str, stops: list[str]) -> tuple[str, str | None]:
    """The text before the first stop sequence in it, and that sequence."""
    found = [(place, stop) for stop in stops if stop and (place := text.find(stop)) >= 0]
    if not found:
        return text, None
    place, stop = min(found)
    return text[:place], stop


def _call(call: ScriptedToolCall) -> ToolCall:
    arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments, ensure_ascii=False)
    return ToolCall(f"call_{secrets.token_hex(12)}", call.name, arguments)
