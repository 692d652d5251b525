"""Tools that fail, hang, say too much, or whose server goes away and comes back: the request goes on, and the model is told."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.support.api import RunningAPI, running_api
from tests.support.demo_tools import DemoTools
from tests.support.processes import free_port
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import ask, ask_streamed, finished, mcp_config, said, tool, use

BACK_SECONDS = 2.0


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoTools]:
    demo = DemoTools(tmp_path_factory.mktemp("mortal"))
    demo.start()
    yield demo
    demo.stop()


@pytest.fixture(scope="module")
def patient(
    tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider, mortal: DemoTools
) -> Iterator[RunningAPI]:
    """An API that gives the mortal server's tools ten seconds."""
    directory = tmp_path_factory.mktemp("patient")
    config = mcp_config(directory, ("demo", mortal.url), timeout=10)
    with running_api(directory, llm_base_url=provider.url, MCP_CONFIG_PATH=str(config)) as api:
        yield api


def _told(provider: ScriptedProvider, mark: str, call: int = 1) -> str:
    """The last message of that call to the model."""
    return str(provider.requests(contains=mark)[call]["body"]["messages"][-1]["content"])


def _listed(api: RunningAPI) -> dict[str, Any]:
    response = httpx.get(f"{api.url}/tools", headers=api.headers, trust_env=False)
    return response.raise_for_status().json()  # type: ignore[no-any-return]


def _wait(until: Callable[[], bool], within: float) -> float:
    """How long it took."""
    started = time.monotonic()
    while not until():
        assert time.monotonic() - started < within
        time.sleep(0.02)
    return time.monotonic() - started


# The call, and what client and model are told of its failure.
FAILURES = {
    "fails": (tool("fail", message="out of paper"), "out of paper"),
    "hangs": (tool("hang"), "gave no answer within 1 s; the call was cancelled"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_tool_that_does_not_work_is_told_to_client_and_model_and_ends_nothing(
    hurried: RunningAPI, provider: ScriptedProvider, mark: str, case: str
) -> None:
    call, told = FAILURES[case]
    provider.script(
        use(call, tool("calculate", expression="6 * 7"), concurrent=True), finished(), said("Done."), contains=mark
    )
    stream = ask_streamed(hurried, mark)
    results = {event["tool"]: event for event in stream.of("tool_result")}
    assert results[call["name"]]["ok"] is False
    assert told in results[call["name"]]["content"]
    assert results["calculate"]["content"] == "42"
    assert told in _told(provider, mark)
    assert (stream.of("reasoning_complete")[0]["end"], stream.text) == ("finished", "Done.")


def test_a_tool_that_hangs_is_cancelled(
    hurried: RunningAPI, provider: ScriptedProvider, tools_server: DemoTools, mark: str
) -> None:
    tools_server.forget()
    provider.script(use(tool("hang")), finished(), said(), contains=mark)
    ask(hurried, mark)
    _wait(lambda: tools_server.received()["cancelled hang"] == 1, within=2)


def test_ten_megabytes_are_cut_for_client_and_model_with_a_note_of_what_is_missing(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(use(tool("big", bytes=10_000_000)), finished(), said("Done."), contains=mark)
    stream = ask_streamed(reasoner, mark)
    [result] = stream.of("tool_result")
    assert (len(result["content"]), result["left_out_characters"]) == (20_000, 9_980_000)
    assert "the last 9,980,000 of 10,000,000 characters are left out" in _told(provider, mark)
    assert len(_told(provider, mark)) < 21_000
    assert len(stream.thinking) < 1_000
    assert stream.text == "Done."


def test_an_error_of_fifty_thousand_characters_is_cut_for_client_and_model_with_a_note(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(use(tool("fail", message="x" * 50_000)), finished(), said("Done."), contains=mark)
    stream = ask_streamed(reasoner, mark)
    [result] = stream.of("tool_result")
    assert (result["ok"], len(result["content"])) == (False, 20_000)
    assert result["left_out_characters"] >= 30_000
    assert f"the last {result['left_out_characters']:,} of " in _told(provider, mark)
    assert len(_told(provider, mark)) < 50_000 + 21_000  # The model's own arguments, and what is kept of the error.
    assert stream.text == "Done."


def test_a_call_whose_server_dies_under_it_is_not_sent_twice_and_the_server_is_used_when_it_is_back(
    patient: RunningAPI, provider: ScriptedProvider, mortal: DemoTools, mark: str
) -> None:
    mortal.forget()
    provider.script(use(tool("counter", seconds=20)), finished(), said("Done."), contains=mark)
    provider.script(use(tool("calculate", expression="6 * 7")), finished(), said(), contains=f"again {mark[::-1]}")

    def kill_and_restart() -> None:
        _wait(lambda: mortal.received()["tools/call counter"] == 1, within=5)
        mortal.kill()
        mortal.start()

    killer = threading.Thread(target=kill_and_restart)
    killer.start()
    stream = ask_streamed(patient, mark)
    killer.join()
    [lost] = stream.of("tool_result")
    assert (lost["ok"], stream.text) == (False, "Done.")
    assert "the outcome is unknown" in lost["content"]
    assert ask_streamed(patient, f"again {mark[::-1]}").of("tool_result")[0]["content"] == "42"
    assert mortal.received()["tools/call counter"] == 1


def test_a_server_that_is_away_is_named_and_its_tools_are_used_as_soon_as_it_is_back(
    patient: RunningAPI, provider: ScriptedProvider, mortal: DemoTools, mark: str
) -> None:
    mortal.kill()
    _wait(lambda: not _listed(patient)["servers"][0]["healthy"], within=5)
    listed = _listed(patient)
    assert listed["servers"][0]["error"]
    assert {entry["healthy"] for entry in listed["tools"]} == {False}
    mortal.start()
    assert _wait(lambda: bool(_listed(patient)["servers"][0]["healthy"]), within=5) < BACK_SECONDS
    provider.script(use(tool("calculate", expression="6 * 7")), finished(), said(), contains=mark)
    assert ask_streamed(patient, mark).of("tool_result")[0]["content"] == "42"


def test_without_any_server_the_api_starts_and_reasons(
    tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider, mark: str
) -> None:
    directory = tmp_path_factory.mktemp("alone")
    config = mcp_config(directory, ("nowhere", f"http://127.0.0.1:{free_port()}/mcp"))
    provider.script(use(tool("calculate", expression="1")), finished(), said("Done."), contains=mark)
    with running_api(directory, llm_base_url=provider.url, MCP_CONFIG_PATH=str(config)) as api:
        stream = ask_streamed(api, mark)
        assert (_listed(api)["tools"], _listed(api)["servers"][0]["healthy"]) == ([], False)
    assert "there is no tool named 'calculate'" in stream.of("tool_result")[0]["content"]
    assert "(none at present)" in provider.requests(contains=mark)[0]["body"]["messages"][0]["content"]
    assert stream.text == "Done."


def test_the_tools_are_listed_with_schema_server_and_health(reasoner: RunningAPI) -> None:
    listed = _listed(reasoner)
    by_name = {entry["name"]: entry for entry in listed["tools"]}
    assert {"calculate", "convert_units", "current_time", "search_docs", "slow", "fail"} <= set(by_name)
    assert by_name["calculate"]["input_schema"]["required"] == ["expression"]
    assert {(entry["server"], entry["healthy"]) for entry in listed["tools"]} == {("demo", True)}
    expected = {"name": "demo", "healthy": True, "error": None, "tools": list(by_name), "left_out": {}}
    assert listed["servers"] == [expected]


def test_the_list_of_tools_is_only_for_those_with_a_token(reasoner: RunningAPI) -> None:
    assert httpx.get(f"{reasoner.url}/tools", trust_env=False).status_code == 401


def test_the_model_is_shown_every_tool_with_its_schema(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(finished(), said(), contains=mark)
    ask(reasoner, mark)
    prompt = provider.requests(contains=mark)[0]["body"]["messages"][0]["content"]
    for entry in _listed(reasoner)["tools"]:
        assert f'{{"name": "{entry["name"]}", "description": ' in prompt
