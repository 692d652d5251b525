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
    """Where it listens, as OpenAI's API."""

    base_url: str
    name: str = NAME


@contextmanager
def real_model(directory: Path) -> Iterator[RealModel]:
    """The model in a process of its own, on a free port, once it is loaded."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    python = str(bootstrap.venv("local_model") / "bin" / "python")
    program = str(Path(__file__).with_name("real_model_server.py"))
    with running(program, str(port), url=f"{url}/health", log=directory / "model.log", python=python):
        _wait_until_loaded(f"{url}/health")
        yield RealModel(f"{url}/v1")


@contextmanager
def served_by(stack: Instance, model: RealModel) -> Iterator[str]:
    """The model among those of this stack's LiteLLM, as one that obeys a schema, and a virtual key for it."""
    master = env_file.read(stack.env_file)["LITELLM_MASTER_KEY"]
    upstream = {"model": f"openai/{model.name}", "api_base": model.base_url, "api_key": "none", **PRICES}
    known = {"supports_response_schema": True}
    headers = {"authorization": f"Bearer {master}"}
    with httpx.Client(base_url=stack.url("litellm"), headers=headers, timeout=60, trust_env=False) as admin:
        deployment = {"model_name": model.name, "litellm_params": upstream, "model_info": known}
        added = _told(admin.post("/model/new", json=deployment))
        key = _told(admin.post("/key/generate", json={"models": [model.name], "metadata": {"environment": "test"}}))
        try:
            yield key["key"]
        finally:
            _told(admin.post("/key/delete", json={"keys": [key["key"]]}))
            _told(admin.post("/model/delete", json={"id": added["model_id"]}))


def _told(response: httpx.Response) -> dict[str, Any]:
    assert response.is_success, f"{response.request.url.path}: {response.text}"
    return dict(response.json())


def _wait_until_loaded(url: str) -> None:
    deadline = time.monotonic() + LOADED_WITHIN
    while not httpx.get(url, timeout=LOADED_WITHIN, trust_env=False).is_success:
        assert time.monotonic() < deadline, f"The model was not loaded within {LOADED_WITHIN} s."
        time.sleep(0.1)
