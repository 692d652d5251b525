"""LiteLLM's own view of its keys, and the command that mints them, on the stack that the tests run on."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from local_stack import bootstrap, env_file
from local_stack.instance import Instance

SCRIPT = bootstrap.ROOT / "scripts" / "setup_litellm_keys.sh"
# The environment whose alias no other test uses, so that its key may be replaced at will.
ENVIRONMENT = ("--env", "prod")
ALIAS = "litellm-prod"


@dataclasses.dataclass(frozen=True)
class LiteLLM:
    url: str
    master_key: str
    file: Path

    def call(self, method: str, path: str, *, key: str | None = None, **request: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key or self.master_key}"}
        return httpx.request(method, self.url + path, headers=headers, timeout=60, trust_env=False, **request)

    def arguments(self, *more: str) -> list[str]:
        return ["sh", str(SCRIPT), "--env-file", str(self.file), "--litellm-url", self.url, *ENVIRONMENT, *more]

    def environment(self) -> dict[str, str]:
        return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    def run(self, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.arguments(*more), env=self.environment(), capture_output=True, text=True, check=False, timeout=120
        )

    def info(self, key: str) -> dict[str, Any]:
        response = self.call("GET", "/key/info", key=key)
        assert response.status_code == httpx.codes.OK, response.text
        info = response.json()["info"]
        assert isinstance(info, dict)
        return info


@contextmanager
def production_key(stack: Instance, directory: Path) -> Iterator[str]:
    """The key that ``make litellm_setup ARGS="--env prod"`` mints, deleted with the block."""
    master_key = env_file.read(stack.env_file)["LITELLM_MASTER_KEY"]
    file = directory / ".env.prod"
    file.write_text(f"LITELLM_MASTER_KEY={master_key}\nLITELLM_API_KEY=\n")
    litellm = LiteLLM(stack.url("litellm"), master_key, file)
    minted = litellm.run("--write")
    assert minted.returncode == 0, minted.stderr
    try:
        yield env_file.read(file)["LITELLM_API_KEY"]
    finally:
        litellm.call("POST", "/key/delete", json={"key_aliases": [ALIAS]}).raise_for_status()
