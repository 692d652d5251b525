"""The API under test: right before the demo provider, or before the LiteLLM of a stack of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.api import RunningAPI, running_api
from tests.support.own_stack import setting, stack_of_its_own
from tests.support.processes import free_port, running

# So short that what never comes is given up while its sender still looks, and so long that a busy sender is not given up.
SHORT = {"REQUEST_HEADER_TIMEOUT": "15", "REQUEST_BODY_TIMEOUT": "15", "ROUTING_CLASSIFIER_TIMEOUT": "5"}


@contextmanager
def api_before_the_provider(directory: Path, **settings: str) -> Iterator[RunningAPI]:
    """No LiteLLM in between: what goes wrong here is ours, and it goes fast."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = ("-m", "demo.provider", "--host", "127.0.0.1", "--port", str(port))
    with (
        running(*arguments, url=f"{url}/health", log=directory / "provider.log"),
        running_api(directory, llm_base_url=url, **_common(directory), **settings) as api,
    ):
        yield api


@contextmanager
def api_before_litellm(directory: Path) -> Iterator[RunningAPI]:
    """On a real stack of its own, started for it and ended with it."""
    with stack_of_its_own("fuzz") as stack:
        key = setting(stack, "LITELLM_TEST_KEY")
        url = stack.url("litellm")
        with running_api(directory, llm_base_url=url, llm_api_key=key, **_common(directory)) as api:
            yield api


def port_of(api: RunningAPI) -> int:
    """Where it listens."""
    return int(api.url.rpartition(":")[2])


def _common(directory: Path) -> dict[str, str]:
    no_servers = directory / "no_servers.yaml"
    no_servers.write_text("servers: []\n")
    return {"MCP_CONFIG_PATH": str(no_servers), **SHORT}
