"""docs/reasoning.md: every event is there, once, and its example looks as the real one does."""

import json
import re
from typing import Any

import httpx
import pytest

from api.dialects.anthropic.signatures import text_of
from api.reasoning.events import End, EventType
from tests.support.api import RunningAPI
from tests.support.processes import ROOT
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import ask, ask_streamed, counted, finished, reasoning_headers, said, tool, use

TEXT = (ROOT / "docs/reasoning.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^### `(\w+)`\n.*?```json\n(.*?)\n```", re.MULTILINE | re.DOTALL)
EXAMPLES: dict[str, dict[str, Any]] = {name: json.loads(example) for name, example in SECTION.findall(TEXT)}
USAGE = counted(10, 1, cost=0.001)
LIMITED = {"status": 429, "error": {"message": "slow down", "code": "rate_limit_exceeded"}}


def _form(value: Any) -> Any:
    """The names and types of a value, down to its leaves."""
    if isinstance(value, dict):
        return {name: _form(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_form(inner) for inner in value]
    return type(value)


def _unpacked(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With what a signature holds, which may be packed otherwise by another zlib."""
    return [
        {**block, "signature": text_of(block["signature"], "")} if "signature" in block else block for block in blocks
    ]


def test_every_type_of_event_is_documented_and_no_other() -> None:
    assert list(EXAMPLES) == [kind.value for kind in EventType]
    assert [example["type"] for example in EXAMPLES.values()] == list(EXAMPLES)


def test_every_end_is_documented_and_no_other() -> None:
    table = TEXT.partition("## Ends")[2].partition("## Errors")[0]
    assert re.findall(r"^\| `(\w+)` \| ", table, re.MULTILINE) == [end.value for end in End]


@pytest.mark.parametrize("kind", EventType)
def test_the_example_has_the_form_of_a_real_event(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, kind: EventType
) -> None:
    look = use(tool("calculate", expression="32 * 32"), usage=USAGE)
    provider.script(look, finished(usage=USAGE), LIMITED, contains=mark)
    event = ask_streamed(reasoner, mark).of(kind.value)[0]
    assert _form(event) == _form(EXAMPLES[kind.value])


def test_the_plain_answers_metadata_has_the_documented_form(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    documented = re.search(r"## The plain answer\n.*?```json\n(.*?)\n```", TEXT, re.DOTALL)
    assert documented is not None
    provider.script(finished(), said(), contains=mark)
    assert _form(ask(reasoner, mark).json()["metadata"]) == _form(json.loads(documented[1]))


def test_the_example_of_a_message_is_what_is_answered(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    documented = re.search(r"## On /v1/messages\n.*?```json\n(.*?)\n```", TEXT, re.DOTALL)
    assert documented is not None
    example = json.loads(documented[1])
    look = use(tool("calculate", expression="32 * 32"), thought="I need the product exactly.", usage=USAGE)
    provider.script(look, finished(usage=USAGE), said("It is 1,024.", usage=USAGE), contains=mark)
    asked = {"model": example["model"], "max_tokens": 100, "messages": [{"role": "user", "content": mark}]}
    url, headers = f"{reasoner.base_url}/messages", reasoning_headers(reasoner)
    message = httpx.post(url, json=asked, headers=headers, trust_env=False, timeout=60).json()
    assert _form(message) == _form(example)
    told, documented_blocks = map(_unpacked, (message["content"], example["content"]))
    assert told == documented_blocks


def test_the_example_for_the_sdk_runs(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    example = re.search(r"```python\n(.*?)\n```", TEXT, re.DOTALL)
    assert example is not None
    question = "What is 32 * 32, in words?"
    provider.script(finished(), said("One thousand and twenty-four."), contains=question)
    code = example[1].replace("http://127.0.0.1:8000/v1", reasoner.base_url)
    exec(code.replace("one of API_TOKENS", reasoner.headers["authorization"].removeprefix("Bearer ")), {})  # noqa: S102
    printed = capsys.readouterr().out
    assert "1 planning" in printed
    assert "One thousand and twenty-four." in printed
    assert "tokens in all calls" in printed
