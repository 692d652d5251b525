"""The local stack mends itself, disturbs nobody and leaves nothing, on an instance of its own that may be broken."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from local_stack import bootstrap, env_file, processes
from local_stack.instance import Instance
from local_stack.services import LABELS, START_ORDER
from local_stack.supervision import Supervisor
from operations import trace
from operations.litellm_admin import LiteLLMAdmin, LiteLLMError
from tests.support.environment import without_the_users_settings
from tests.support.ledgers import Ledgers
from tests.support.stack import START_LIMIT, command, free_port_base, running_stack
from tests.support.stack_client import StackClient, eventually

# A start on a busy machine may take this many seconds.
pytestmark = pytest.mark.timeout(START_LIMIT + 60)
QUICK = ("up", "--no-first-call")
BACK_WITHIN = 120.0  # seconds


@pytest.fixture(scope="module")
def own() -> Iterator[Instance]:
    with running_stack() as instance:
        yield instance


@pytest.fixture
def settings(own: Instance) -> Iterator[dict[str, str]]:
    """The instance's settings; what a test changes in its .env is undone after it."""
    text = own.env_file.read_text()
    yield env_file.read(own.env_file)
    if own.env_file.read_text() != text:
        env_file.write(own.env_file, text)
        assert command(own, *QUICK).returncode == 0


def pids(instance: Instance) -> dict[str, int]:
    return {name: state["pid"] for name, state in Supervisor(instance).states().items() if state["pid"]}


def servers(instance: Instance) -> list[str]:
    """The services of every process that leads, each as often as it runs: a double would show."""
    found = {process.pid: process for process in processes.own(instance.state)}
    leading = [process for process in found.values() if process.ppid() not in found or is_supervised(process, instance)]
    names = [processes.environment_of(process).get("REASONING_STACK_SERVICE", "postgres") for process in leading]
    return sorted(names)


def is_supervised(process: psutil.Process, instance: Instance) -> bool:
    return process.ppid() == Supervisor(instance).pid()


def answer(instance: Instance) -> httpx.Response:
    token = env_file.read(instance.env_file)["API_TOKENS"].split(",")[0]
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
    url = instance.url("api", "/v1/chat/completions")
    return httpx.post(url, json=body, headers={"authorization": f"Bearer {token}"}, timeout=60, trust_env=False)


def answers(instance: Instance) -> bool | None:
    """Whether a call works now; None to be asked again."""
    try:
        return answer(instance).status_code == 200 or None
    except httpx.HTTPError:
        return None


def mints_a_key(instance: Instance) -> bool | None:
    """Whether LiteLLM writes to its database now: a call alone may go by a key that it has read before."""
    alias = f"after-a-kill-{uuid4().hex[:8]}"
    try:
        with LiteLLMAdmin(instance.url("litellm"), env_file.read(instance.env_file)["LITELLM_MASTER_KEY"]) as admin:
            return bool(admin.generate(alias, [], "test")) and admin.delete(alias)
    except LiteLLMError:
        return None


def kill(found: list[int]) -> None:
    for pid in found:
        os.kill(pid, signal.SIGKILL)


ALL_ONCE = sorted([*START_ORDER, "supervisord"])


def test_everything_runs_once_and_answers(own: Instance) -> None:
    assert servers(own) == ALL_ONCE
    assert answer(own).status_code == 200


def test_a_second_up_is_quick_and_restarts_nothing(own: Instance) -> None:
    before = pids(own)
    started = time.monotonic()
    done = command(own, *QUICK)
    took = time.monotonic() - started
    assert done.returncode == 0, done.stderr
    assert pids(own) == before
    assert took < 10


def test_status_lists_every_service_and_its_address(own: Instance) -> None:
    done = command(own, "status")
    assert done.returncode == 0
    for name, pid in pids(own).items():
        assert name in done.stdout
        assert str(pid) in done.stdout
    assert own.url("api") in done.stdout


def test_nothing_secret_stands_in_a_command_line_or_a_log(own: Instance, settings: dict[str, str]) -> None:
    secrets = [settings[name] for name in (*env_file.GENERATED, *env_file.MINTED)]
    texts = [" ".join(process.cmdline()) for process in processes.own(own.state)]
    texts += [log.read_text(errors="replace") for log in own.logs.iterdir()]
    texts.append((own.run / "supervisord.conf").read_text())
    assert all(secrets)
    assert not [secret for secret in secrets for text in texts if secret in text]


def test_everything_listens_on_loopback_only(own: Instance) -> None:
    listening = {
        connection.laddr.ip
        for process in processes.own(own.state)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    # gRPC opens an IPv4 address as an IPv6 one that stands for it.
    addresses = {address.removeprefix("::ffff:") for address in listening}
    assert addresses == {"127.0.0.1"}


def test_the_first_call_says_what_it_cost_who_paid_which_part_made_it_and_where_its_trace_is(own: Instance) -> None:
    started = time.monotonic()
    done = command(own, "up")
    took = time.monotonic() - started
    assert done.returncode == 0, done.stderr
    said = {
        line.split(":", 1)[0].strip(): line.split(":", 1)[1].strip() for line in done.stdout.splitlines() if ":" in line
    }
    assert "demo" in said["Answer"]
    assert float(said["Cost"].removeprefix("$")) > 0
    assert said["Charged to"] == "litellm-dev"
    assert said["Component"] == "passthrough"
    counted = re.fullmatch(r"(\d+\.\d) s from start to traced answer", said["Time"])
    assert counted is not None
    assert 0 < float(counted[1]) <= took + 0.1
    assert_shows_the_trace(own, said["Trace"])
    assert own.url("api", "/v1") in done.stdout
    assert str(own.env_file) in done.stdout
    assert env_file.read(own.env_file)["API_TOKENS"] not in done.stdout


def assert_shows_the_trace(instance: Instance, said: str) -> None:
    link = re.fullmatch(r"(\S+/redirects/traces/([0-9a-f]{32})) \((\d+) spans\)", said)
    assert link is not None, said
    assert link[1].startswith(instance.url("phoenix", "/"))
    page = httpx.get(link[1], follow_redirects=True, timeout=30, trust_env=False)
    assert (page.status_code, page.headers["content-type"].split(";")[0]) == (200, "text/html")
    # What the page's script asks, to lead on to the trace in its project.
    asked = {"query": "query ($id: String!) { getTraceByOtelId(traceId: $id) { id } }", "variables": {"id": link[2]}}
    answered = httpx.post(instance.url("phoenix", "/graphql"), json=asked, timeout=30, trust_env=False).json()
    assert answered["data"]["getTraceByOtelId"]["id"]
    assert len(trace.fetch(instance, env_file.read(instance.env_file), link[2])) >= int(link[3]) > 1


def test_calls_are_charged_to_the_development_key_and_to_no_other(own: Instance) -> None:
    assert answer(own).status_code == 200
    client = StackClient.of(own)
    charged = eventually(lambda: client.spent("LITELLM_API_KEY") or None, "the development key is charged")
    rows = Ledgers(own, datetime.now(UTC) - timedelta(hours=1)).rows()
    assert {(row.key, row.environment) for row in rows} == {("litellm-dev", "development")}
    assert charged > 0
    assert [client.spent(name) for name in ("LITELLM_TEST_KEY", "LITELLM_EVAL_KEY")] == [0, 0]


def test_a_changed_setting_restarts_just_the_service_that_knows_it(own: Instance, settings: dict[str, str]) -> None:
    before = pids(own)
    env_file.set_values(own.env_file, {"API_TOKENS": "rk-another"})
    done = command(own, *QUICK)
    after = pids(own)
    assert done.returncode == 0, done.stderr
    assert {name for name in after if after[name] != before[name]} == {"api"}
    assert answer(own).status_code == 200


def test_up_goes_by_what_is_exported_and_asks_a_model_whose_provider_has_a_key(own: Instance) -> None:
    exported = {
        "API_TOKENS": "rk-exported",
        "PHOENIX_PROJECT_NAME": "exported",
        "ANTHROPIC_API_KEY": "sk-exported",
        "ANTHROPIC_API_BASE": own.url("demo-provider"),
    }
    done = command(own, "up", **exported)
    back = command(own, *QUICK)
    assert done.returncode == 0, done.stderr
    assert "First call: claude-haiku-4-5 is asked" in done.stdout
    assert re.search(r"Answer: +\S", done.stdout)
    assert "API_TOKENS in your environment" in done.stdout
    assert back.returncode == 0, back.stderr
    assert answer(own).status_code == 200


def test_up_after_a_rotation_gives_the_running_api_its_new_key(own: Instance, settings: dict[str, str]) -> None:
    rotate = ["--rotate", "--env", "dev", "--write", "--state-dir", str(own.state), "--port-base", str(own.port_base)]
    python = str(bootstrap.venv("stack") / "bin" / "python")
    done = subprocess.run(
        [python, "-m", "operations.keys", *rotate], cwd=bootstrap.ROOT, capture_output=True, text=True,
        timeout=60, env=without_the_users_settings(own), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "restart the API" in done.stderr
    assert command(own, *QUICK).returncode == 0
    assert answer(own).status_code == 200


def test_an_edited_file_that_a_service_reads_restarts_just_that_service(
    own: Instance, settings: dict[str, str]
) -> None:
    tools = own.state / "mcp.yaml"
    tools.write_text("servers: []\n")
    env_file.set_values(own.env_file, {"MCP_CONFIG_PATH": str(tools)})
    assert command(own, *QUICK).returncode == 0
    before = pids(own)
    tools.write_text("servers: []  # edited\n")
    done = command(own, *QUICK)
    after = pids(own)
    assert done.returncode == 0, done.stderr
    assert {name for name in after if after[name] != before[name]} == {"api"}


def test_a_service_that_cannot_start_is_named_with_its_log(own: Instance, settings: dict[str, str]) -> None:
    env_file.set_values(own.env_file, {"HTTP_CONNECT_TIMEOUT": "soon"})
    done = command(own, *QUICK)
    assert done.returncode == 1
    assert re.search(r"API \(api\) (does not run: |crashed 3 times in a row)", done.stderr)
    assert "HTTP_CONNECT_TIMEOUT" in done.stderr
    assert str(own.log("api")) in done.stderr


def test_a_stopped_service_is_shown_and_started_again(own: Instance) -> None:
    assert command(own, "stop", "demo-tools").returncode == 0
    assert command(own, "status").returncode == 1
    assert command(own, "start", "demo-tools").returncode == 0
    assert command(own, "status").returncode == 0


def test_after_a_kill_of_every_service_all_are_back_once_with_their_data(
    own: Instance, settings: dict[str, str]
) -> None:
    kill(list(pids(own).values()))
    done = command(own, *QUICK)
    assert done.returncode == 0, done.stderr
    assert servers(own) == ALL_ONCE
    assert env_file.read(own.env_file) == settings
    assert answer(own).status_code == 200


@pytest.mark.parametrize("name", ["api", "demo-provider", "litellm"])
def test_a_killed_service_is_back_without_a_command(own: Instance, name: str) -> None:
    before = pids(own)[name]
    kill([before])
    eventually(
        lambda: pids(own).get(name) not in (None, before) or None, f"{name} was started again", within=BACK_WITHIN
    )
    eventually(lambda: answers(own), f"calls work after a kill of {name}", within=BACK_WITHIN)
    assert servers(own) == ALL_ONCE


def test_after_a_kill_of_litellms_query_engine_calls_work_again_without_a_command(own: Instance) -> None:
    [engine] = [process for process in processes.own(own.state) if process.name() == "query-engine"]
    kill([engine.pid])
    eventually(lambda: mints_a_key(own), "LiteLLM uses its database", within=BACK_WITHIN)
    eventually(lambda: answers(own), "calls work", within=BACK_WITHIN)


def test_after_a_kill_of_postgresqls_backends_calls_work_again_without_a_command(own: Instance) -> None:
    """PostgreSQL itself then ends all its sessions, because one of them may have broken what they share."""
    server = pids(own)["postgres"]
    backends = [
        process.pid for process in psutil.Process(server).children() if "litellm litellm" in " ".join(process.cmdline())
    ]
    assert backends
    kill(backends[:1])
    eventually(lambda: mints_a_key(own), "LiteLLM uses its database", within=BACK_WITHIN)
    eventually(lambda: answers(own), "calls work", within=BACK_WITHIN)
    assert pids(own)["postgres"] == server


def test_after_a_kill_of_the_supervisor_its_orphans_are_ended_and_all_are_back_once(own: Instance) -> None:
    before = pids(own)
    supervisor = Supervisor(own).pid()
    assert supervisor is not None
    kill([supervisor])
    done = command(own, *QUICK)
    assert done.returncode == 0, done.stderr
    assert f"api (pid {before['api']})" in done.stdout
    assert servers(own) == ALL_ONCE
    assert answer(own).status_code == 200


def test_a_taken_port_is_named_before_anything_is_started(tmp_path: Path) -> None:
    instance = Instance(tmp_path / "state", free_port_base())
    with socket.create_server(("127.0.0.1", instance.ports.litellm)):
        done = command(instance, *QUICK)
    assert done.returncode == 1
    assert f"litellm: port {instance.ports.litellm} (" in done.stderr
    assert f"pid {os.getpid()}" in done.stderr
    assert "STACK_PORT_BASE=" in done.stderr
    assert processes.own(instance.state) == []


def test_down_ends_everything_of_its_own_and_nothing_else(own: Instance) -> None:
    before = processes.own(own.state)
    with subprocess.Popen(
        ["/bin/sleep", "60"], env={**os.environ, "REASONING_STACK_STATE": f"{own.state}-not"}
    ) as bystander:
        done = command(own, "down")
        alive = bystander.poll() is None
        bystander.kill()
    assert done.returncode == 0, done.stderr
    assert alive
    assert [label for label in LABELS.values() if f"Stopped {label}" not in done.stdout] == []
    assert all(processes.is_gone(process) for process in before)
    assert processes.own(own.state) == []
    assert "Nothing was running" in command(own, "down").stdout


def test_down_after_a_kill_of_the_supervisor_leaves_nothing(own: Instance) -> None:
    assert command(own, *QUICK).returncode == 0
    before = processes.own(own.state)
    supervisor = Supervisor(own).pid()
    assert supervisor is not None
    kill([supervisor])
    done = command(own, "down")
    assert done.returncode == 0, done.stderr
    assert "Ended what an earlier run had left behind: " in done.stdout
    assert all(processes.is_gone(process) for process in before)
    assert processes.own(own.state) == []


def test_reset_asks_first_and_then_deletes_the_data_and_the_minted_keys(own: Instance) -> None:
    with_key = env_file.read(own.env_file)["LITELLM_API_KEY"]
    refused = command(own, "reset")
    assert refused.returncode == 1
    assert env_file.read(own.env_file)["LITELLM_API_KEY"] == with_key != ""
    assert own.postgres_data.exists()
    assert command(own, "reset", "--yes").returncode == 0
    values = env_file.read(own.env_file)
    assert [values[name] for name in env_file.MINTED] == ["", "", ""]
    assert values["LITELLM_MASTER_KEY"]
    assert not own.postgres_data.exists()
