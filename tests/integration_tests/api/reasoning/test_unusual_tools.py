"""Servers whose tools and answers are not as they should be, behind the whole API: the request goes on all the same."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.api import RunningAPI, running_api
from tests.support.mcp_clients import ScriptedServer
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import ask_streamed, finished, mcp_config, said, tool, use

LEVELS = 40
# Each definition refers to the next one twice.
UNFOLDING: dict[str, Any] = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(LEVELS)}
SCHEMA = {
    "type": "object",
    "$defs": {**UNFOLDING, f"d{LEVELS}": {"type": "string"}},
    "properties": {
        "code": {"type": "string", "pattern": "^(a+)+$"},
        "deep": {"$ref": "#/$defs/d0"},
        "note": {"type": "string", "nullable": True},
    },
}
LISTED = [{"name": "bad"}, {"name": "act", "inputSchema": SCHEMA, "outputSchema": {"required": ["n"]}}, None]


def answer(params: dict[str, Any]) -> dict[str, Any]:
    """A page with a tool of its own, and a cursor that stands still."""
    page = [] if "cursor" in params else LISTED
    return {"tools": page, "nextCursor": "again"}


@pytest.fixture(scope="module")
def unusual() -> Iterator[str]:
    """The address of such a server, in a thread of its own."""
    loop, over, addresses = asyncio.new_event_loop(), asyncio.Event(), []
    server = ScriptedServer(tools_list=answer, tools_call={"structuredContent": {"found": 3}})
    ready = threading.Event()

    async def serve() -> None:
        async with server.running() as url:
            addresses.append(url)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    yield addresses[0]
    loop.call_soon_threadsafe(over.set)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider, unusual: str) -> Iterator[RunningAPI]:
    directory = tmp_path_factory.mktemp("unusual")
    config = mcp_config(directory, ("unusual", unusual))
    with running_api(directory, llm_base_url=provider.url, MCP_CONFIG_PATH=str(config)) as running:
        yield running


def test_the_list_of_tools_says_which_are_left_out_and_why(api: RunningAPI) -> None:
    listed = httpx.get(f"{api.url}/tools", headers=api.headers, trust_env=False).raise_for_status().json()
    [server] = listed["servers"]
    assert (server["healthy"], server["tools"]) == (True, ["act"])
    assert server["left_out"] == {"bad": "it has no inputSchema", "tool 3 of the list": "it is not an object"}
    assert [tool["name"] for tool in listed["tools"]] == ["act"]


@pytest.mark.parametrize(
    ("arguments", "ok", "told"),
    [
        ({"code": "aaa", "note": None}, True, '{"found": 3}'),
        ({"code": "a" * 60 + "!"}, False, "does not match '^(a+)+$'"),
        ({"deep": "fits"}, True, '{"found": 3}'),
    ],
)
def test_a_call_is_checked_in_time_and_its_answer_told_whatever_its_form(
    api: RunningAPI, provider: ScriptedProvider, mark: str, arguments: dict[str, Any], told: str, *, ok: bool
) -> None:
    provider.script(use(tool("act", **arguments)), finished(), said("Done."), contains=mark)
    stream = ask_streamed(api, mark)
    [result] = stream.of("tool_result")
    assert (result["ok"], stream.text) == (ok, "Done.")
    assert told in result["content"]
    assert ("does not fit the tool's output schema" in result["content"]) is ok
    prompts = [str(request["body"]["messages"]) for request in provider.requests(contains=mark)]
    assert told.split("'")[0].replace('"', "") in prompts[1].replace('"', "").replace("\\", "")
