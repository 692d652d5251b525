"""An upstream that nobody here wrote: a small real model, which answers as it likes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from local_stack import bootstrap, env_file
from local_stack.instance import Instance
from tests.support.processes import free_port, running
from tests.support.real_model_server import NAME

LOADED_WITHIN = 60.0  # seconds
# None of its prices is real: what costs nothing would say nothing of who is charged.
PRICES = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}


@dataclass(frozen=True)
class RealModel:
    """Where it listens; its name for OpenAI's API, and the one by which it is asked as one of Anthropic's models."""

    url: str
    name: str = NAME
    as_anthropics: str = f"{NAME}-as-anthropics"


@contextmanager
def real_model(directory: Path) -> Iterator[RealModel]:
    """The model in a process of its own, on a free port, once it is loaded."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    python = str(bootstrap.venv("local_model") / "bin" / "python")
    program = str(Path(__file__).with_name("real_model_server.py"))
    with running(program, str(port), url=f"{url}/health", log=directory / "model.log", python=python):
        _wait_until_loaded(f"{url}/health")
        yield RealModel(url)


@contextmanager
def served_by(stack: Instance, model: RealModel) -> Iterator[str]:
    """The model among those of this stack's LiteLLM, twice, as one that obeys a schema, and a virtual key for it."""
    master = env_file.read(stack.env_file)["LITELLM_MASTER_KEY"]
    upstreams = {
        model.name: {"model": f"openai/{model.name}", "api_base": f"{model.url}/v1"},
        model.as_anthropics: {"model": f"anthropic/{model.name}", "api_base": model.url},
    }
    headers = {"authorization": f"Bearer {master}"}
    with httpx.Client(base_url=stack.url("litellm"), headers=headers, timeout=60, trust_env=False) as admin:
        added = [_told(admin.post("/model/new", json=_deployment(*upstream))) for upstream in upstreams.items()]
        key = _told(admin.post("/key/generate", json={"models": [*upstreams], "metadata": {"environment": "test"}}))
        try:
            yield key["key"]
        finally:
            _told(admin.post("/key/delete", json={"keys": [key["key"]]}))
            for deployment in added:
                _told(admin.post("/model/delete", json={"id": deployment["model_id"]}))


def _deployment(name: str, upstream: dict[str, Any]) -> dict[str, Any]:
    known = {"supports_response_schema": True}
    return {"model_name": name, "litellm_params": {**upstream, "api_key": "none", **PRICES}, "model_info": known}


def _told(response: httpx.Response) -> dict[str, Any]:
    assert response.is_success, f"{response.request.url.path}: {response.text}"
    return dict(response.json())


def _wait_until_loaded(url: str) -> None:
    deadline = time.monotonic() + LOADED_WITHIN
    while not httpx.get(url, timeout=LOADED_WITHIN, trust_env=False).is_success:
        assert time.monotonic() < deadline, f"The model was not loaded within {LOADED_WITHIN} s."
        time.sleep(0.1)
