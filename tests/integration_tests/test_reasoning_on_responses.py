"""Reasoning on /v1/responses, read by OpenAI's own SDK on the real stack."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import openai
import pytest
from openai.types.responses import Response, ResponseInputParam
from pydantic import BaseModel

from local_stack import bootstrap
from local_stack.instance import Instance
from tests.integration_tests.reasoning_script import ANSWER, script_two_tools
from tests.support.ledgers import Ledgers
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import counted, finished, said, tool, use
from tests.support.stack_client import StackClient

GPT, CLAUDE = "gpt-4o-mini", "claude-haiku-4-5"
PROGRAM = Path(__file__).parent / "client_programs" / "openai_responses.py"
KINDS = ["reasoning", "mcp_call", "reasoning", "mcp_call", "reasoning", "message"]
READ: Any = {
    "type": "function",
    "name": "read_file",
    "description": "Reads a file.",
    "parameters": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    "strict": False,
}


class Distance(BaseModel):
    km: float
    miles: float


@pytest.fixture(scope="module")
def client(stack: Instance) -> StackClient:
    return StackClient.of(stack)


@pytest.fixture
def provider(client: StackClient) -> ScriptedProvider:
    return client.provider


@pytest.fixture
def mark() -> str:
    """A word that no other test's requests contain, and in which nobody reads a figure."""
    return "mark" + uuid4().hex.translate(str.maketrans("0123456789", "ghijklmnop"))


@pytest.fixture(scope="module")
def sdk(client: StackClient) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(**_options(client)) as made:
        yield made


def _options(client: StackClient) -> dict[str, Any]:
    headers = {"X-Routing-Mode": "reasoning"}
    return {
        "base_url": client.stack.url("api", "/v1"),
        "api_key": client.token,
        "default_headers": headers,
        "max_retries": 0,
    }


def _said_of_it(response: Response) -> dict[str, Any]:
    """Less what each response has of its own."""
    told = response.model_dump(mode="json", exclude={"id", "created_at", "completed_at", "parsed_output"})
    for item in told["output"]:
        del item["id"]
        for part in item.get("content") or ():
            part.pop("parsed", None)
    return told


def _calls(response: Response) -> list[tuple[Any, ...]]:
    return [
        (item.name, item.server_label, json.loads(item.arguments), item.output, item.error)
        for item in response.output
        if item.type == "mcp_call"
    ]


def test_a_plain_response_tells_each_step_each_call_and_the_answer(
    sdk: openai.OpenAI, provider: ScriptedProvider, mark: str
) -> None:
    script_two_tools(provider, mark)
    response = sdk.responses.create(model=GPT, input=mark, instructions="Be exact.", metadata={"case": "1"})
    assert (response.status, response.output_text, [item.type for item in response.output]) == (
        "completed",
        ANSWER,
        KINDS,
    )
    first, second = _calls(response)
    assert first == ("calculate", "demo-tools", {"expression": "7300 * 12.5 / 100"}, "912.5", None)
    assert (second[0], second[4]) == ("convert_units", None)
    assert response.metadata == {
        "case": "1",
        "reasoning_end": "finished",
        "reasoning_steps": "3",
        "reasoning_tool_calls": "2",
    }


@pytest.mark.parametrize("model", [GPT, CLAUDE])
def test_the_sdks_stream_helper_reads_everything_and_ends_with_the_plain_response(
    sdk: openai.OpenAI, provider: ScriptedProvider, mark: str, model: str
) -> None:
    script_two_tools(provider, mark)
    plain = sdk.responses.create(model=model, input=mark)
    script_two_tools(provider, mark)
    with sdk.responses.stream(model=model, input=mark) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == ANSWER
    assert _said_of_it(final) == _said_of_it(plain)


def test_an_answer_may_have_a_form_of_its_own(sdk: openai.OpenAI, provider: ScriptedProvider, mark: str) -> None:
    look = use(tool("calculate", expression="26 * 2"))
    provider.script(look, finished(), {"json": {"km": 42.2, "miles": 26.2}}, contains=mark)
    response = sdk.responses.parse(model=GPT, input=mark, text_format=Distance)
    assert response.output_parsed == Distance(km=42.2, miles=26.2)
    assert [item.type for item in response.output] == ["reasoning", "mcp_call", "reasoning", "message"]


async def test_the_asynchronous_client_reads_the_same(
    client: StackClient, provider: ScriptedProvider, mark: str
) -> None:
    script_two_tools(provider, mark)
    async with (
        openai.AsyncOpenAI(**_options(client)) as sdk,
        sdk.responses.stream(model=GPT, input=mark) as stream,
    ):
        final = await stream.get_final_response()
    assert (final.output_text, [item.type for item in final.output]) == (ANSWER, KINDS)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_the_usage_is_the_sum_of_what_litellm_charged(
    stack: Instance, sdk: openai.OpenAI, provider: ScriptedProvider, mark: str, stream: bool
) -> None:
    ledgers = Ledgers.from_now(stack)
    script_two_tools(provider, mark)
    raw = sdk.responses.with_raw_response.create(model=GPT, input=mark, stream=stream)
    parsed: Any = raw.parse()
    usage = list(parsed)[-1].response.usage if stream else parsed.usage
    rows = ledgers.rows_of(raw.headers["x-trace-id"], calls=4)
    assert sorted(row.operation for row in rows) == ["step_generation"] * 3 + ["synthesis"]
    assert usage.input_tokens == sum(row.prompt_tokens for row in rows)
    assert usage.output_tokens == sum(row.completion_tokens for row in rows)
    assert usage.total_tokens == sum(row.tokens for row in rows)
    assert usage.cost == pytest.approx(sum(row.cost for row in rows), abs=1e-12)
    assert usage.output_tokens_details.reasoning_tokens == 12


def test_an_answer_that_is_cut_off_is_incomplete(sdk: openai.OpenAI, provider: ScriptedProvider, mark: str) -> None:
    provider.script(finished(), said("Half of", finish_reason="length"), contains=mark)
    events = list(sdk.responses.create(model=GPT, input=mark, stream=True, max_output_tokens=16))
    last = events[-1]
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details is not None
    assert (last.response.incomplete_details.reason, last.response.output_text) == ("max_output_tokens", "Half of")


def test_a_failure_in_mid_stream_is_a_failed_response(
    sdk: openai.OpenAI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(
        use(tool("calculate", expression="6 * 7")), {"status": 400, "error": "Not so."}, contains=mark, repeat_last=True
    )
    events = list(sdk.responses.create(model=GPT, input=mark, stream=True))
    last = events[-1]
    assert last.type == "response.failed"
    assert last.response.error is not None
    assert "Not so." in last.response.error.message
    assert [item.type for item in last.response.output] == ["reasoning", "mcp_call"]
    assert last.sequence_number == len(events) - 1


def _as_codex(response: Response) -> list[Any]:
    """What a client keeps that knows no calls but its own, and keeps no ids."""
    kept = [item for item in response.output if item.type in ("reasoning", "message", "function_call")]
    return [item.model_dump(exclude={"id", "status"}, exclude_none=True) for item in kept]


def _as_it_is(response: Response) -> list[Any]:
    return [item.model_dump(exclude_none=True) for item in response.output]


@pytest.mark.parametrize("kept", [_as_codex, _as_it_is], ids=["reasoning alone", "everything"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_beside_the_clients_own_tools_a_turn_goes_on_with_what_was_found(
    sdk: openai.OpenAI, provider: ScriptedProvider, mark: str, stream: bool, kept: Any
) -> None:
    both = use(tool("calculate", expression="32 * 32"), tool("read_file", path="a.txt"), thought="Both at once.")
    provider.script(both, finished("Now I know."), said("1024 it is."), contains=mark)
    asked: ResponseInputParam = [{"role": "user", "content": mark}]
    options: Any = {"model": GPT, "tools": [READ], "store": False, "include": ["reasoning.encrypted_content"]}
    first = _ask(sdk, stream, input=asked, **options)
    [call] = [item for item in first.output if item.type == "function_call"]
    assert (call.name, json.loads(call.arguments), first.output_text) == ("read_file", {"path": "a.txt"}, "")
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "what the file says"}
    second = _ask(sdk, stream, input=[*asked, *kept(first), result], **options)
    assert second.output_text == "1024 it is."
    told = str(provider.requests(contains=mark)[1]["body"]["messages"])
    assert told.count("Both at once.") == 1
    assert told.count("1024") == 1
    assert "what the file says" in told


def _ask(sdk: openai.OpenAI, stream: bool, **asked: Any) -> Response:
    if not stream:
        return sdk.responses.create(**asked)  # type: ignore[no-any-return]
    with sdk.responses.stream(**asked) as streamed:
        return streamed.get_final_response()


def test_what_was_found_for_an_answer_that_was_given_does_not_reach_a_model_again(
    sdk: openai.OpenAI, provider: ScriptedProvider, mark: str
) -> None:
    look = use(tool("calculate", expression="32 * 32"), thought="A thought of mine.")
    provider.script(look, finished(), said("Done."), finished(), said("Again."), contains=mark)
    asked: Any = [{"role": "user", "content": mark}]
    first = sdk.responses.create(model=GPT, input=asked)
    history = [*asked, *_as_it_is(first), {"role": "user", "content": "And now?"}]
    assert sdk.responses.create(model=GPT, input=history).output_text == "Again."
    sent = str(provider.requests(contains=mark)[3]["body"])
    assert ("Done." in sent, "A thought of mine." in sent, "1024" in sent) == (True, False, False)


def test_nor_the_model_itself_in_passthrough(sdk: openai.OpenAI, provider: ScriptedProvider, mark: str) -> None:
    provider.script(finished("A thought of mine."), said("Done."), said("Again."), contains=mark)
    asked: Any = [{"role": "user", "content": mark}]
    first = sdk.responses.create(model=GPT, input=asked)
    history = [*asked, *_as_it_is(first), {"role": "user", "content": "And now?"}]
    answer = sdk.responses.create(model=GPT, input=history, extra_headers={"X-Routing-Mode": "passthrough"})
    assert answer.output_text == "Again."
    assert "A thought of mine." not in str(provider.requests(contains=mark)[2]["body"])


def test_the_next_line_of_the_sdk_reads_it_too(client: StackClient, mark: str) -> None:
    usage = counted(10, 5)
    for _ in range(2):
        client.provider.script(finished(usage=usage), said("Hello!", usage=usage), contains=mark)
    told = {"OPENAI_BASE_URL": client.stack.url("api", "/v1"), "OPENAI_API_KEY": client.token}
    done = subprocess.run(
        [str(bootstrap.venv("clients") / "bin" / "python"), "-W", "error", str(PROGRAM), mark],
        env=told,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    output = json.loads(done.stdout)
    assert output["version"].startswith("3.")
    assert (output["plain"], output["streamed"]) == ("Hello!", "Hello!")
    assert output["items"] == ["reasoning", "message"]
    assert output["tokens"] == [30, 30]
    assert output["events"][-1] == "response.completed"
