"""The application over a LiteLLM that respx plays: everything of ours is real, the wire is not."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import respx
from pydantic import SecretStr
from starlette.testclient import TestClient

from api.config import Settings
from api.main import create_app
from tests.support.played_litellm import LITELLM, PlayedTransport

TOKEN = "token-of-the-tests"
ANSWER = {"id": "chatcmpl-1", "object": "chat.completion", "choices": [{"index": 0}], "usage": {"total_tokens": 3}}
SSE = {"content-type": "text/event-stream"}

CALLERS = "callers:" + "".join(
    f"\n- {{name: {name}, tokens: [{{sha256: {sha256(f'{name}-token'.encode()).hexdigest()}}}], {fields}}}"
    for name, fields in {
        "chat-page": "allowed: [set_memory_user, tools]",
        "alice": "memory_user: alice",
        "bob": "",
        "thinker": "routing_mode: reasoning, memory_user: thinker",
        "undecided": "routing_mode: auto, memory_user: undecided",
    }.items()
)
MEMORY = """
enabled: true
patterns: [{header: user-agent, pattern: ^claude-cli, user_id: claude-cli}]
upstream: {models: [gpt-4o, memory/*]}
answer_headers: [x-supermemory-*]
"""


def sent_to(route: respx.Route) -> dict[str, Any]:
    """The body of the last request that LiteLLM got on this route."""
    return json.loads(route.calls.last.request.content)  # type: ignore[no-any-return]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    no_servers = tmp_path / "mcp_servers.yaml"
    no_servers.write_text("servers: []\n")
    return Settings(
        mcp_config_path=no_servers,
        llm_api_key=SecretStr("sk-virtual"),
        llm_base_url=LITELLM,
        api_tokens=(SecretStr(TOKEN),),
        allowed_hosts=("testserver",),
        max_request_bytes=10_000,
    )


@pytest.fixture
def litellm() -> respx.Router:
    """Answers for LiteLLM; a call that no route of it expects fails the test."""
    router = respx.Router(base_url=LITELLM, assert_all_called=False)
    router.get("/key/info").respond(200, json={"info": {"metadata": {"environment": "test"}}})
    return router


@pytest.fixture
def named(settings: Settings, litellm: respx.Router, tmp_path: Path) -> Iterator[TestClient]:
    """Of a server that knows callers by name, and rules for a memory service before gpt-4o and every `memory/…`."""
    callers, memory = tmp_path / "callers.yaml", tmp_path / "memory_routing.yaml"
    callers.write_text(CALLERS)
    memory.write_text(MEMORY)
    told = {
        "callers_config_path": callers,
        "memory_routing_config_path": memory,
        "routing_classifier_model": "memory/classifier",
    }
    app = create_app(settings.model_copy(update=told), transport=PlayedTransport(litellm))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def token(name: str) -> dict[str, str]:
    """The header by which the caller of this name is let in."""
    return {"x-api-key": f"{name}-token"}


@pytest.fixture
def client(settings: Settings, litellm: respx.Router) -> Iterator[TestClient]:
    app = create_app(settings, transport=PlayedTransport(litellm))
    with TestClient(app, headers={"authorization": f"Bearer {TOKEN}"}, raise_server_exceptions=False) as client:
        yield client
