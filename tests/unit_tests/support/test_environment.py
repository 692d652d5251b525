"""A developer's terminal full of keys, and a stack that tests start: it gets none of them."""

import sys
from pathlib import Path

import pytest

from local_stack import bootstrap
from local_stack.instance import Instance
from tests.support.environment import without_the_users_settings
from tests.support.own_stack import stack_of_its_own
from tests.support.stack import command

PRIVATE = {
    "OPENAI_API_KEY": "sk-of-the-developer",
    "ANTHROPIC_API_BASE": "https://gateway.example",
    "OPENAI_API_BASE": "https://gateway.example/v1",
    "API_TOKENS": "rk-of-the-developer",
    "REQUIRE_AUTH": "false",
    "HTTP_READ_TIMEOUT": "1",
    "LITELLM_MASTER_KEY": "sk-of-another-stack",
    "TRACE_CONTENT": "off",
    "MCP_CONFIG_PATH": "of-the-developer.yaml",
    "PHOENIX_PROJECT_NAME": "of-the-developer",
    "STACK_PORT_BASE": "8100",
    "REASONING_STACK_STARTED": "1.0",
}
KEPT = {"PATH": "/usr/bin:/bin", "HTTPS_PROXY": "http://proxy.example", "SSL_CERT_FILE": "/certificates.pem"}
# In the place of `python -m local_stack`: what it was told by the environment.
ENV = f"#!/bin/sh\n{sys.executable} -c 'import os; print(*os.environ)'\nexit 1\n"


@pytest.fixture
def _stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(ENV)
    python.chmod(0o755)
    monkeypatch.setattr(bootstrap, "venv", lambda _name: tmp_path / "venv")
    for name, value in PRIVATE.items():
        monkeypatch.setenv(name, value)


def test_settings_keys_and_addresses_stay_outside_and_what_installations_need_is_kept(tmp_path: Path) -> None:
    assert without_the_users_settings(Instance(tmp_path, 9100), PRIVATE | KEPT) == KEPT


def test_a_setting_of_the_instances_own_file_stays_outside_too(tmp_path: Path) -> None:
    instance = Instance(tmp_path, 9100)
    instance.env_file.write_text("REASONING_OF_MY_OWN=1\n")
    assert without_the_users_settings(instance, {"REASONING_OF_MY_OWN": "2"}) == {}


@pytest.mark.usefixtures("_stand_in")
def test_a_stack_of_the_tests_is_started_without_them(tmp_path: Path) -> None:
    told = command(Instance(tmp_path / "state", 9100), "up").stdout.split()
    assert "PATH" in told
    assert PRIVATE.keys() & set(told) == set()


@pytest.mark.usefixtures("_stand_in")
def test_so_is_one_for_a_run_that_is_started_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "state_root", lambda: tmp_path)
    with pytest.raises(Exception, match="did not start"), stack_of_its_own("of-a-test"):
        pass
    told = capfd.readouterr().err.split()
    assert "PATH" in told
    assert PRIVATE.keys() & set(told) == set()
