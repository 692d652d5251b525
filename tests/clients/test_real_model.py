"""Claude Code, unchanged, with a small real model behind the real stack: whatever it says, it is shown and it is charged."""

from pathlib import Path

import pytest

from local_stack.instance import Instance
from operations.spend_rows import SpendRow
from tests.clients.claude_code import ClaudeCode
from tests.support.api import running_api
from tests.support.ledgers import Ledgers
from tests.support.real_model import real_model, served_by
from tests.support.stack_client import eventually

pytestmark = pytest.mark.timeout(400)
# Without its tools Claude Code has little to send.
LONGEST = 16  # tokens
FEW = {"CLAUDE_CODE_MAX_OUTPUT_TOKENS": str(LONGEST), "API_TIMEOUT_MS": "200000"}


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
        assert result["type"] == "result"
        told = result["modelUsage"][model.as_anthropics]["outputTokens"]
        rows = eventually(lambda: _rows_of(ledgers, result["session_id"], told), f"rows of {told} tokens", within=60)
    assert all(0 < row.completion_tokens <= LONGEST and row.operation == "messages" for row in rows)


def _rows_of(ledgers: Ledgers, session: str, tokens: int) -> list[SpendRow] | None:
    """Those of a session, once they hold so many tokens of answers: an answer that is cut at its limit is asked to go on."""
    rows = [row for row in ledgers.rows() if session in row.end_user and not row.failed]
    return rows if tokens > 0 and sum(row.completion_tokens for row in rows) == tokens else None
