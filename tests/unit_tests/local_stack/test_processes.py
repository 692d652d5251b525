"""Telling the stack's own processes from everybody else's."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local_stack import bootstrap, processes
from local_stack.instance import SERVICE_MARKER, STATE_MARKER

SLEEP = ["/bin/sleep", "60"]


class Started:
    """Processes of a test, ended with it."""

    def __init__(self) -> None:
        self.all: list[subprocess.Popen[str]] = []

    def __call__(self, state: Path, service: str, *command: str) -> int:
        environment = {"PATH": os.defpath, STATE_MARKER: str(state), SERVICE_MARKER: service}
        process = subprocess.Popen(command or SLEEP, env=environment, stdout=subprocess.PIPE, text=True)
        self.all.append(process)
        return process.pid


@pytest.fixture
def start() -> Iterator[Started]:
    started = Started()
    yield started
    for process in started.all:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def pids(found: list[psutil.Process]) -> set[int]:
    return {process.pid for process in found}


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or processes.is_gone(psutil.Process(pid))


def test_a_process_belongs_to_the_instance_whose_folder_it_carries(start: Started, tmp_path: Path) -> None:
    mine, _other = start(tmp_path / "mine", "api"), start(tmp_path / "other", "api")
    assert pids(processes.own(tmp_path / "mine")) == {mine}


def test_children_belong_to_it_too(start: Started, tmp_path: Path) -> None:
    parent = start(tmp_path, "litellm", "/bin/sh", "-c", "sleep 60 & echo $!; wait")
    assert start.all[-1].stdout is not None
    child = int(start.all[-1].stdout.readline())
    assert pids(processes.own(tmp_path)) == {parent, child}
    processes.end(processes.own(tmp_path))
    assert is_gone(child)


def test_what_supervisord_started_is_no_orphan(start: Started, tmp_path: Path) -> None:
    orphan = start(tmp_path, "phoenix")
    supervisor = start(tmp_path, "supervisord", "/bin/sh", "-c", "sleep 60 & echo $!; wait")
    assert start.all[-1].stdout is not None
    start.all[-1].stdout.readline()
    assert pids(processes.orphans(tmp_path, supervisor)) == {orphan}
    processes.end(processes.own(tmp_path))


def test_without_a_supervisord_everything_is_an_orphan(start: Started, tmp_path: Path) -> None:
    both = {start(tmp_path, "phoenix"), start(tmp_path, "api")}
    assert pids(processes.orphans(tmp_path, None)) == both


def test_only_the_services_own_leftovers_are_in_its_way(start: Started, tmp_path: Path) -> None:
    engine, _api = start(tmp_path, "litellm"), start(tmp_path, "api")
    assert pids(processes.leftovers(tmp_path, "litellm")) == {engine}


def test_ending_spares_everybody_else(start: Started, tmp_path: Path) -> None:
    mine, other = start(tmp_path / "mine", "api"), start(tmp_path / "other", "api")
    processes.end(processes.own(tmp_path / "mine"))
    assert is_gone(mine)
    assert psutil.Process(other).status() != psutil.STATUS_ZOMBIE


def test_who_does_not_end_when_asked_is_killed(start: Started, tmp_path: Path) -> None:
    stubborn = start(tmp_path, "api", sys.executable, "-c", STUBBORN)
    assert start.all[-1].stdout is not None
    start.all[-1].stdout.readline()
    processes.end(processes.own(tmp_path), patience=0.5)
    assert is_gone(stubborn)


STUBBORN = (
    "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)


def test_a_service_gets_exactly_the_environment_that_is_described(tmp_path: Path) -> None:
    environment = {STATE_MARKER: str(tmp_path), SERVICE_MARKER: "api", "WORD": "with ' \" % ; # and = in it"}
    definition = tmp_path / "api.json"
    command = [sys.executable, "-I", "-c", "import json,os; print(json.dumps(dict(os.environ))); print(os.getcwd())"]
    definition.write_text(json.dumps({"command": command, "environment": environment, "directory": str(tmp_path)}))
    done = run_service(definition)
    found, directory = done.stdout.splitlines()
    # Python itself adds LC_CTYPE where no locale is set.
    assert {name: value for name, value in json.loads(found).items() if name != "LC_CTYPE"} == environment
    assert directory == str(tmp_path)


def test_a_service_first_ends_what_an_earlier_run_of_it_left(start: Started, tmp_path: Path) -> None:
    left = start(tmp_path, "litellm")
    environment = {STATE_MARKER: str(tmp_path), SERVICE_MARKER: "litellm"}
    definition = tmp_path / "litellm.json"
    definition.write_text(json.dumps({"command": ["/bin/true"], "environment": environment, "directory": "/"}))
    assert run_service(definition).returncode == 0
    assert is_gone(left)


def test_a_service_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    environment = {STATE_MARKER: str(tmp_path), SERVICE_MARKER: "api"}
    definition = tmp_path / "api.json"
    definition.write_text(json.dumps({"command": ["/no/such"], "environment": environment, "directory": "/"}))
    done = run_service(definition)
    assert done.returncode == 1
    assert "/no/such cannot be started: No such file or directory" in done.stderr


def run_service(definition: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local_stack.run_service", str(definition)]
    return subprocess.run(command, cwd=bootstrap.ROOT, capture_output=True, text=True, timeout=30, check=False)
