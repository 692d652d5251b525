"""What `make tests` does is charged to no developer: its stack is not theirs, and even there another key pays."""

import pytest

from local_stack import bootstrap, env_file
from local_stack.instance import Instance
from local_stack.ports import Ports
from tests.support.stack_client import StackClient

KEYS = ("LITELLM_API_KEY", "LITELLM_TEST_KEY", "LITELLM_EVAL_KEY", "LITELLM_MASTER_KEY", "API_TOKENS")


def test_the_tests_have_data_and_settings_of_their_own(stack: Instance) -> None:
    assert not stack.is_default
    assert not stack.state.is_relative_to(bootstrap.state_root())
    assert stack.env_file != bootstrap.ROOT / ".env"


def test_the_tests_have_ports_of_their_own(stack: Instance) -> None:
    usual = {port for name in ("litellm", "postgres", "phoenix", "api") for port in Ports().of_service(name).values()}
    own = {port for name in ("litellm", "postgres", "phoenix", "api") for port in stack.ports.of_service(name).values()}
    assert usual & own == set()


def test_no_key_of_the_developers_is_known_to_the_tests(stack: Instance) -> None:
    developers = env_file.read(bootstrap.ROOT / ".env") if (bootstrap.ROOT / ".env").exists() else {}
    own = env_file.read(stack.env_file)
    assert all(own[name] and own[name] != developers.get(name) for name in KEYS)


@pytest.mark.last
def test_nothing_of_the_whole_run_was_charged_to_development(stack: Instance) -> None:
    client = StackClient.of(stack)
    # LiteLLM writes its log in batches: with this call's row, those of all earlier calls are there.
    client.spend_rows(client.ask("the last one").trace_id, calls=1)
    assert client.logged("LITELLM_TEST_KEY") > 0
    assert (client.logged("LITELLM_API_KEY"), client.spent("LITELLM_API_KEY")) == (0, 0)
