"""A prompt that is missing or malformed stops the start-up with its name."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import ROOT, free_port

FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (Path.unlink, "cannot be read"),
    "malformed": (lambda file: file.write_text("It costs $5"), "holds a '$'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_process_ends_and_says_which_prompt_and_why(tmp_path: Path, fault: str) -> None:
    spoil, told = FAULTS[fault]
    shutil.copytree(ROOT / "api", tmp_path / "api")
    spoil(tmp_path / "api/reasoning/prompts/step.md")
    (tmp_path / "mcp.yaml").write_text("servers: []\n")
    environment = {
        "PATH": os.environ["PATH"],
        "LLM_API_KEY": "sk-virtual",
        "API_TOKENS": "token",
        "MCP_CONFIG_PATH": str(tmp_path / "mcp.yaml"),
    }
    command = [sys.executable, "-m", "uvicorn", "--factory", "api.main:create_app", "--port", str(free_port())]
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode != 0
    assert "api/reasoning/prompts/step.md" in ended.stderr
    assert told in ended.stderr
