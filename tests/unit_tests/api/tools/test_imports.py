"""What the API imports before it knows of any MCP server."""

import subprocess
import sys

import pytest

HEAVY = ("mcp", "mcp_types", "httpx2", "jsonschema")


@pytest.mark.parametrize("module", ["api.main", "api.tools"])
def test_without_a_server_the_mcp_client_is_not_imported(module: str) -> None:
    program = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout == "[]\n"


def test_servers_that_there_are_none_of_import_nothing_either() -> None:
    program = f"""
import asyncio, sys
from api.tools import MCPServers

async def use():
    async with MCPServers([]) as servers:
        return servers.tools(), servers.status(), servers.listing()

print(asyncio.run(use()), [name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout == "([], [], []) []\n"
