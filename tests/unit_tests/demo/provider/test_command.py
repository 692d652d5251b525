"""The control routes exist on request only, and on loopback only."""

import subprocess
import sys

import httpx
import pytest

from demo.provider.app import create_app
from demo.provider.connections import Connections
from tests.unit_tests.demo.provider.wire import QUESTION


@pytest.mark.parametrize(("method", "path"), [("POST", "/_script"), ("GET", "/_requests"), ("GET", "/_connections")])
async def test_without_scripting_there_is_no_control(method: str, path: str) -> None:
    transport = httpx.ASGITransport(create_app(Connections(), scripted=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://demo") as client:
        assert (await client.request(method, path, json={"replies": [{}]})).status_code == 404
        assert (await client.post("/v1/chat/completions", json=QUESTION)).status_code == 200


def test_scripting_is_refused_off_loopback() -> None:
    command = [sys.executable, "-m", "demo.provider", "--host", "0.0.0.0", "--scripted"]  # noqa: S104
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert "--host 127.0.0.1" in ended.stderr


def test_help_names_every_option() -> None:
    command = [sys.executable, "-m", "demo.provider", "--help"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert all(option in ended.stdout for option in ("--host", "--port", "--scripted"))
