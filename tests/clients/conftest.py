"""The stack is the integration tests'; Claude Code is installed once."""

from pathlib import Path

import pytest

from local_stack.instance import Instance
from tests.clients.claude_code import ClaudeCode, install
from tests.integration_tests.conftest import stack
from tests.support.provider import ScriptedProvider
from tests.support.stack_client import StackClient

__all__ = ["stack"]


@pytest.fixture(scope="session")
def program() -> Path:
    return install()


@pytest.fixture
def claude(program: Path, stack: Instance, tmp_path: Path) -> ClaudeCode:
    return ClaudeCode(program, stack.url("api"), StackClient.of(stack).token, tmp_path)


@pytest.fixture
def provider(stack: Instance) -> ScriptedProvider:
    return StackClient.of(stack).provider
