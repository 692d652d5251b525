"""An API of our own on the real stack, so that its settings are the tests'; the provider is the stack's scripted one."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local_stack.instance import Instance
from tests.integration_tests.contract.wire import Wire
from tests.support.api import RunningAPI, running_api
from tests.support.collector import Collector, collector
from tests.support.provider import ScriptedProvider


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("contract")


@pytest.fixture(scope="session")
def secrets(stack: Instance) -> dict[str, str]:
    """What the stack's .env says."""
    lines = [line for line in stack.env_file.read_text().splitlines() if "=" in line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture(scope="session")
def provider(stack: Instance) -> ScriptedProvider:
    return ScriptedProvider(stack.url("demo-provider"))


@pytest.fixture(scope="session")
def spans() -> Iterator[Collector]:
    with collector() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def api(directory: Path, stack: Instance, secrets: dict[str, str], spans: Collector) -> Iterator[RunningAPI]:
    settings = {
        "ENABLE_TRACING": "true",
        "PHOENIX_COLLECTOR_ENDPOINT": spans.endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "MCP_CONFIG_PATH": str(without_tools(directory)),
        # So generous that a busy machine is not taken for a classifier that fails.
        "ROUTING_CLASSIFIER_TIMEOUT": "3",
    }
    with running_api(
        directory, llm_base_url=stack.url("litellm"), llm_api_key=secrets["LITELLM_TEST_KEY"], **settings
    ) as api:
        yield api


@pytest.fixture(scope="session")
def wire(api: RunningAPI, provider: ScriptedProvider) -> Iterator[Wire]:
    """A client of the API whose provider answers as told."""
    with httpx.Client(base_url=api.base_url, headers=api.headers, trust_env=False, timeout=60) as client:
        yield Wire(client, provider)


@pytest.fixture(scope="session")
def litellm(stack: Instance, secrets: dict[str, str], provider: ScriptedProvider) -> Iterator[Wire]:
    """The same without the API in between."""
    headers = {"authorization": f"Bearer {secrets['LITELLM_TEST_KEY']}"}
    with httpx.Client(base_url=stack.url("litellm", "/v1"), headers=headers, trust_env=False, timeout=60) as client:
        yield Wire(client, provider)


@dataclass(frozen=True)
class Administration:
    """LiteLLM with its master key."""

    client: httpx.Client

    def mint(self, **limits: Any) -> str:
        """A virtual key with these limits."""
        alias = f"contract-{uuid4().hex}"
        answer = self.client.post("/key/generate", json={"key_alias": alias, **limits}).raise_for_status()
        return str(answer.json()["key"])

    def delete(self, key: str) -> None:
        self.client.post("/key/delete", json={"keys": [key]}).raise_for_status()


@pytest.fixture(scope="session")
def administration(stack: Instance, secrets: dict[str, str]) -> Iterator[Administration]:
    headers = {"authorization": f"Bearer {secrets['LITELLM_MASTER_KEY']}"}
    with httpx.Client(base_url=stack.url("litellm"), headers=headers, trust_env=False, timeout=60) as client:
        yield Administration(client)


def without_tools(directory: Path) -> Path:
    """An MCP configuration that names no server: these tests are about the model."""
    file = directory / "no_servers.yaml"
    file.write_text("servers: []\n")
    return file


@pytest.fixture
def mark() -> str:
    """A word that no other test's requests contain."""
    return f"mark-{uuid4().hex}"
