"""Claude Code, unchanged, with a small real model behind the real stack: whatever it says, it is shown and it is charged."""

from pathlib import Path

import pytest

from local_stack.instance import Instance
from tests.clients.claude_code import ClaudeCode
from tests.support.api import running_api
from tests.support.ledgers import Ledgers, settled
from tests.support.real_model import real_model, served_by

pytestmark = pytest.mark.timeout(400)
# It reads 25 tokens a second or more on a busy machine: without its tools Claude Code has few to send, and an answer is short.
FEW = {"CLAUDE_CODE_MAX_OUTPUT_TOKENS": "16", "API_TIMEOUT_MS": "200000"}


def test_it_shows_what_a_real_model_says(program: Path, stack: Instance, tmp_path: Path) -> None:
    ledgers = Ledgers.from_now(stack)
    with (
        real_model(tmp_path) as model,
        served_by(stack, model) as key,
        running_api(tmp_path, llm_base_url=stack.url("litellm"), llm_api_key=key) as api,
    ):
        token = api.headers["authorization"].removeprefix("Bearer ")
        claude = ClaudeCode(program, api.url, token, tmp_path / "claude", limit=300)
        options = ("--model", model.as_anthropics, "--tools", "", "--system-prompt", "Be brief.")
        ran = claude.ask("Tell me a story.", *options, "--output-format", "json", **FEW)
        result = ran.result
        rows = settled(lambda: [row for row in ledgers.rows() if result["session_id"] in row.end_user], 1, within=60)
    assert (result["type"], result["num_turns"]) == ("result", 1)
    used = result["modelUsage"][model.as_anthropics]
    assert 0 < used["outputTokens"] <= int(FEW["CLAUDE_CODE_MAX_OUTPUT_TOKENS"])
    told = [(row.operation, row.completion_tokens) for row in rows if not row.failed]
    assert told == [("messages", used["outputTokens"])], rows
