"""Claude Code does its work through the API: it answers, uses tools, sends agents, recovers, and all of it is charged."""

import json
import subprocess
import sys
from typing import Any
from uuid import uuid4

import pytest

from local_stack import bootstrap
from local_stack.instance import Instance
from operations.spend_rows import SpendRow
from operations.usage_tree import treed
from tests.clients.claude_code import ClaudeCode
from tests.support.ledgers import Ledgers, settled
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import finished, tool, use

ANSWER = "The answer is 42."
SECRET = "the secret word is plum"
OVERLOADED = {"status": 529, "error": "Overloaded"}
TOO_LONG = {"status": 400, "error": "prompt is too long: 205000 tokens > 200000 maximum"}
LITELLMS_ATTEMPTS = 3


@pytest.fixture
def mark() -> str:
    """A word that no other test's requests contain."""
    return f"mark-{uuid4().hex}"


@pytest.fixture
def word(mark: str) -> str:
    """The same, without a figure that the demo's model might read."""
    return mark.translate(str.maketrans("0123456789", "ghijklmnop"))


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"tool_calls": [{"name": name, "arguments": arguments}]}


def said(request: dict[str, Any]) -> str:
    """All that a request says to the model, with its quotes."""
    return json.dumps(request["body"]["messages"], ensure_ascii=False)


def charged(stack: Instance, ledgers: Ledgers, result: dict[str, Any], calls: int) -> list[SpendRow]:
    """The rows of a session's calls, once there are so many."""
    session = result["session_id"]
    return settled(lambda: [row for row in ledgers.rows() if session in row.end_user], calls, within=60)


def counted(result: dict[str, Any]) -> tuple[int, int]:
    """The tokens that Claude Code says it used, read and written, of all models."""
    used = result["modelUsage"].values()
    read = ("inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")
    return sum(one[name] for one in used for name in read), sum(one["outputTokens"] for one in used)


def test_a_question_is_answered_in_text(claude: ClaudeCode, provider: ScriptedProvider, mark: str) -> None:
    provider.script({"content": ANSWER}, contains=mark)
    ran = claude.ask(mark)
    assert (ran.code, ran.output, ran.errors) == (0, ANSWER, "")


def test_a_file_is_read_that_the_model_asked_for(
    claude: ClaudeCode, provider: ScriptedProvider, stack: Instance, mark: str
) -> None:
    (claude.project / "notes.txt").write_text(SECRET)
    provider.script(call("Read", file_path="notes.txt"), {"content": ANSWER}, contains=mark)
    ledgers = Ledgers.from_now(stack)
    result = claude.answer(mark)
    assert (result["result"], result["num_turns"]) == (ANSWER, 2)
    asked, told = provider.requests(contains=mark)
    assert (SECRET in said(asked), SECRET in said(told)) == (False, True)
    rows = charged(stack, ledgers, result, calls=2)
    assert (sum(row.prompt_tokens for row in rows), sum(row.completion_tokens for row in rows)) == counted(result)
    assert [(row.component, row.operation, row.failed, row.cost > 0) for row in rows] == [
        ("passthrough", "messages", False, True)
    ] * 2


def test_a_subagent_answers_and_the_main_agent_after_it(
    claude: ClaudeCode, provider: ScriptedProvider, stack: Instance, mark: str
) -> None:
    errand = f"errand-{uuid4().hex}"
    sent = call(
        "Agent", description="An errand", prompt=errand, subagent_type="general-purpose", run_in_background=False
    )
    provider.script(sent, {"content": ANSWER}, contains=mark)
    provider.script({"content": SECRET}, contains=errand)
    ledgers = Ledgers.from_now(stack)
    result = claude.answer(mark)
    assert (result["result"], result["subagent_stats"]["completed"]) == (ANSWER, 1)
    main, main_again = provider.requests(contains=mark)
    assert [mark in said(request) for request in provider.requests(contains=errand)] == [False, True]
    assert (SECRET in said(main), SECRET in said(main_again)) == (False, True)
    rows = charged(stack, ledgers, result, calls=3)
    assert (sum(row.prompt_tokens for row in rows), sum(row.completion_tokens for row in rows)) == counted(result)
    [session] = treed(rows).sessions
    assert (session.id, [(agent.depth, agent.sums.calls) for agent in session.agents]) == (
        result["session_id"],
        [(0, 2), (0, 1)],
    )
    assert sum(agent.sums.cost for agent in session.agents) == pytest.approx(sum(row.cost for row in rows), abs=1e-12)
    spans = ledgers.spans_of(*{row.trace_id for row in rows}, calls=3)
    assert sum(span.tokens for span in spans) == sum(counted(result))


REASONING = {"ANTHROPIC_CUSTOM_HEADERS": "X-Routing-Mode: reasoning"}


def test_the_agents_thoughts_and_its_tools_are_shown(claude: ClaudeCode, provider: ScriptedProvider, word: str) -> None:
    look = use(tool("calculate", expression="32 * 32"), thought="I need the product.")
    provider.script(look, finished(), {"content": ANSWER}, contains=word)
    ran = claude.ask(word, "--output-format", "stream-json", "--verbose", **REASONING)
    events = [json.loads(line) for line in ran.output.splitlines()]
    blocks = [block for event in events if event["type"] == "assistant" for block in event["message"]["content"]]
    assert [block["type"] for block in blocks] == ["thinking", "thinking", "text"]
    assert blocks[0]["thinking"] == 'I need the product.\n→ calculate({"expression": "32 * 32"})\n← calculate: 1024\n'
    assert (events[-1]["result"], ran.code, ran.errors) == (ANSWER, 0, "")


def test_the_agent_works_with_its_own_tools_and_with_claude_codes(
    claude: ClaudeCode, provider: ScriptedProvider, stack: Instance, word: str
) -> None:
    notes = claude.project / "notes.txt"
    notes.write_text(SECRET)
    both = use(tool("calculate", expression="32 * 32"), tool("Read", file_path=str(notes)), thought="Both.")
    provider.script(both, finished("I know the word."), {"content": ANSWER}, contains=word)
    ledgers = Ledgers.from_now(stack)
    ran = claude.ask(word, "--output-format", "json", **REASONING)
    assert (ran.code, ran.result["result"], ran.result["num_turns"]) == (0, ANSWER, 2)
    _, step, answer = provider.requests(contains=word)
    assert all("calculate: 1024" in said(request) and SECRET in said(request) for request in (step, answer))
    assert "raa1." not in json.dumps([step["body"], answer["body"]])
    rows = charged(stack, ledgers, ran.result, calls=3)
    assert (sum(row.prompt_tokens for row in rows), sum(row.completion_tokens for row in rows)) == counted(ran.result)
    assert {row.component for row in rows} == {"reasoning-agent"}


def test_an_answer_follows_a_json_schema(claude: ClaudeCode, provider: ScriptedProvider, mark: str) -> None:
    schema = {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]}
    provider.script(call("StructuredOutput", count=42), contains=mark)
    assert claude.answer(mark, "--json-schema", json.dumps(schema))["structured_output"] == {"count": 42}


def test_how_full_the_context_is_is_counted_and_not_asked_of_a_model(
    claude: ClaudeCode, provider: ScriptedProvider
) -> None:
    before = len(provider.requests())
    ran = claude.ask("/context")
    assert (ran.code, "Context Usage" in ran.output) == (0, True), ran
    assert {request["path"] for request in provider.requests()[before:]} == {"/v1/messages/count_tokens"}


def test_a_conversation_goes_on(claude: ClaudeCode, provider: ScriptedProvider, mark: str) -> None:
    provider.script({"content": SECRET}, {"content": ANSWER}, contains=mark)
    claude.answer(mark)
    assert claude.answer(f"{mark} again", "--continue")["result"] == ANSWER
    assert SECRET in said(provider.requests(contains=mark)[-1])


def test_an_overloaded_provider_is_asked_again(claude: ClaudeCode, provider: ScriptedProvider, mark: str) -> None:
    provider.script(*[OVERLOADED] * LITELLMS_ATTEMPTS, {"content": ANSWER}, contains=mark)
    assert claude.answer(mark)["result"] == ANSWER
    assert len(provider.requests(contains=mark)) == LITELLMS_ATTEMPTS + 1


@pytest.mark.parametrize("end", [{"fail": "drop"}, {"fail": "error_event", "error": "Boom"}], ids=["drop", "error"])
def test_an_answer_that_breaks_off_is_asked_for_again(
    claude: ClaudeCode, provider: ScriptedProvider, mark: str, end: dict[str, str]
) -> None:
    broken = {"content": "one two three four five six", "fail_after_chunks": 3, **end}
    provider.script(broken, {"content": ANSWER}, contains=mark)
    assert claude.answer(mark)["result"] == ANSWER


def test_a_prompt_that_is_too_long_is_called_so_at_once(
    claude: ClaudeCode, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(TOO_LONG, repeat_last=True, contains=mark)
    ran = claude.ask(mark, "--output-format", "json")
    assert (ran.code, ran.result["terminal_reason"]) == (1, "prompt_too_long")
    assert ran.result["result"].startswith("Prompt is too long · the request is ~205000 tokens (limit 200000)")
    assert len(provider.requests(contains=mark)) == 1


def test_a_conversation_that_is_too_long_is_summed_up_and_goes_on(
    claude: ClaudeCode, provider: ScriptedProvider, mark: str
) -> None:
    summary = {"content": f"<summary>{SECRET}</summary>"}
    provider.script({"content": "One."}, {"content": "Two."}, TOO_LONG, summary, {"content": ANSWER}, contains=mark)
    claude.answer(f"{mark} one")
    claude.answer(f"{mark} two", "--continue")
    assert claude.answer(f"{mark} three", "--continue")["result"] == ANSWER
    assert SECRET in said(provider.requests(contains=mark)[-1])


@pytest.mark.parametrize(
    ("asked", "answers"),
    [("claude-opus-4-8", "claude-opus-5"), ("claude-haiku-4-5-20251001", "claude-haiku-4-5"), ("sonnet", None)],
)
def test_the_names_that_it_knows_are_answered_by_a_model_that_there_is(
    claude: ClaudeCode, provider: ScriptedProvider, mark: str, asked: str, answers: str | None
) -> None:
    provider.script({"content": ANSWER}, contains=mark)
    assert claude.answer(mark, "--model", asked)["result"] == ANSWER
    model = provider.requests(contains=mark)[-1]["body"]["model"]
    assert model == answers or (answers is None and "sonnet" in model)


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-5-mini", "deepseek-v4-flash"])
def test_a_model_of_another_provider_uses_its_tools(
    claude: ClaudeCode, provider: ScriptedProvider, mark: str, model: str
) -> None:
    (claude.project / "notes.txt").write_text(SECRET)
    provider.script(call("Read", file_path="notes.txt"), {"content": ANSWER}, contains=mark)
    ran = claude.ask(mark, "--model", model)
    assert (ran.code, ran.output) == (0, ANSWER), ran
    assert SECRET in provider.requests(contains=mark, raw="true")[-1]["raw"]


def test_a_model_that_there_is_not_is_called_so(claude: ClaudeCode) -> None:
    ran = claude.ask("Hello", "--model", "nope")
    assert (ran.code, "nope" in ran.output) == (1, True), ran


def test_a_wrong_token_is_called_so_at_once(claude: ClaudeCode) -> None:
    ran = claude.ask("Hello", ANTHROPIC_AUTH_TOKEN="wrong")
    assert (ran.code, ran.output.startswith("Failed to authenticate. API Error: 401")) == (1, True), ran


def test_what_it_sends_arrives_as_if_there_were_nothing_between(
    claude: ClaudeCode, provider: ScriptedProvider, mark: str
) -> None:
    provider.script({"content": ANSWER}, repeat_last=True, contains=mark)
    for base_url in (claude.url, provider.url):
        assert claude.ask(mark, ANTHROPIC_BASE_URL=base_url).output == ANSWER
    through, direct = provider.requests(contains=mark)
    assert _sent(through) == _sent(direct)


def _sent(request: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """The body but for the session's name, and the betas."""
    body = {name: value for name, value in request["body"].items() if name != "metadata"}
    return body, set(request["headers"]["anthropic-beta"].split(","))


def test_the_lines_that_make_connect_prints_are_all_that_it_needs(claude: ClaudeCode, stack: Instance) -> None:
    command = [sys.executable, "-m", "operations.connect", "--state-dir", str(stack.state), "--client", "claude-code"]
    printed = subprocess.run(command, cwd=bootstrap.ROOT, capture_output=True, text=True, timeout=100, check=True)
    ran = claude.shell(printed.stdout)
    assert (ran.code, "You asked: “Hello”" in ran.output) == (0, True), ran


def test_a_person_is_answered_and_the_session_gets_its_name(
    claude: ClaudeCode, provider: ScriptedProvider, stack: Instance, mark: str
) -> None:
    provider.script({"content": ANSWER}, contains=mark, repeat_last=True)
    ledgers = Ledgers.from_now(stack)
    with claude.interactive(CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="") as terminal:
        terminal.wait_for("❯")
        terminal.enter(mark)
        terminal.wait_for(ANSWER)
        rows = settled(lambda: [row for row in ledgers.rows() if not row.failed], 2, within=60)
    assert {row.operation for row in rows} == {"messages", "title"}
