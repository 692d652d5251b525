"""Every command told wrong: an exit status that is not 0 and one line that names what was wrong, in words."""

import importlib
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from local_stack import bootstrap
from local_stack.__main__ import main as local_stack

TRACE = "0af7651916cd43dd8448eb211c80319c"
# What a reader should never meet: Python's names for what went wrong, and ours for who noticed.
PYTHONIC = (
    "Traceback",
    "Error(",
    "Error:",
    "invalid int",
    "point_in_time",
    "seconds value",
    "object",
    "NoneType",
    "KeyError",
)
# Each operation with what it needs to begin; whatever is put after that comes into effect.
OPERATIONS = {
    "connect": [],
    "dashboards": ["phoenix"],
    "keys": ["--timeout", "0.1"],
    "prices": [],
    "trace": [TRACE, "--no-wait"],
    "usage": [],
}
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Names for things of this kind."""
    (tmp_path / "file").write_text("")
    (tmp_path / "binary").write_bytes(b"A=\xff\n")
    (tmp_path / "broken.yaml").write_text("a: [")
    (tmp_path / "other.yaml").write_text("model_list: [5]")
    (tmp_path / "prices.yaml").write_text(
        "model_list: [{model_name: m, litellm_params: {}, model_info: {input_cost_per_token: dear}}]"
    )
    (tmp_path / "ports.env").write_text("LITELLM_PORT=many\nPHOENIX_PORT=70000\nAPI_PORT=-1\nAPI_TOKENS=t\n")
    (tmp_path / "key.env").write_text("LITELLM_MASTER_KEY=sk-x\nAPI_TOKENS=t\n")
    names = ("file", "binary", "broken.yaml", "other.yaml", "prices.yaml", "ports.env", "key.env")
    return {"FOLDER": str(tmp_path), "NONE": str(tmp_path / "none"), **{name: str(tmp_path / name) for name in names}}


def told(
    command: Callable[[list[str]], int], arguments: list[str], files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> str:
    """The one line that the command says before it ends badly."""
    try:
        status = command([files.get(argument, argument) for argument in arguments])
    except SystemExit as end:
        status = int(end.code or 0)
    said = capsys.readouterr()
    lines = [line for line in said.err.splitlines() if not line.startswith("Waiting for LiteLLM")]
    assert (status in (1, 2), len(lines), said.out) == (True, 1, "")
    assert lines[0].startswith("error: ")
    assert [word for word in PYTHONIC if word in lines[0]] == []
    return lines[0]


KEYS = {"LITELLM_MASTER_KEY": "sk-master", "API_TOKENS": "t"}


def operation(name: str, environment: Mapping[str, str] = KEYS) -> Callable[[list[str]], int]:
    """Its `main`, in an environment that has nothing of the user's."""
    main = importlib.import_module(f"operations.{name}").main
    return lambda arguments: int(main(arguments, environment))


EVERYWHERE = {
    "no such option": (["--nonsense"], "--nonsense"),
    "a folder for a file": (["--env-file", "FOLDER"], "--env-file"),
    "a binary file": (["--env-file", "binary"], "not text in UTF-8"),
    "a file for a folder": (["--state-dir", "file"], "--state-dir"),
    "no such folder": (["--state-dir", "NONE"], "--state-dir"),
    "a port that is no number": (["--port-base", "many"], "--port-base 'many' is not a number"),
    "a port out of range": (["--port-base", "70000"], "--port-base 70000: choose a number from"),
    "a port below the range": (["--port-base", "-5"], "--port-base"),
}


@pytest.mark.parametrize("mistake", EVERYWHERE)
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_names_the_option(
    name: str, mistake: str, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, named = EVERYWHERE[mistake]
    assert named in told(operation(name), [*OPERATIONS[name], *wrong], files, capsys)


ONE_BY_ONE = {
    "connect": [
        (["--client", "nobody"], "--client"),
        (["--base-url", "x"], "--base-url"),
        (["--env-file", "ports.env"], "API_PORT='-1'"),
        (["--env-file", "NONE"], "--env-file"),
    ],
    "dashboards": [
        (["grafana"], "choose from 'litellm', 'phoenix'"),
        ([], "name"),
        (["phoenix", "--env-file", "ports.env"], "PHOENIX_PORT='70000'"),
        (["litellm", "--env-file", "NONE"], "--env-file"),
    ],
    "keys": [
        (["--env", "staging"], "--env"),
        (["--env", "dev", "--env", "prod"], "--env dev and --env prod"),
        (["--timeout", "soon"], "--timeout"),
        (["--timeout", "-1"], "--timeout"),
        (["--config", "NONE"], "--config"),
        (["--config", "FOLDER"], "--config"),
        (["--config", "broken.yaml"], "broken.yaml, line 1"),
        (["--config", "other.yaml"], "other.yaml has no model_list"),
        (["--config", "binary"], "binary is not YAML"),
        (["--litellm-url", "localhost:4000"], "--litellm-url"),
        (["--litellm-url", NOWHERE, "--timeout", "0.1"], f"LiteLLM at {NOWHERE} is not ready"),
        (["--env-file", "ports.env"], "LITELLM_PORT='many'"),
    ],
    "prices": [
        (["--phoenix-url", "x"], "--phoenix-url"),
        (["--phoenix-url", NOWHERE], f"Phoenix at {NOWHERE}"),
        (["--config", "NONE"], "--config"),
        (["--config", "broken.yaml", "--phoenix-url", NOWHERE], "broken.yaml, line 1"),
        (["--config", "other.yaml", "--phoenix-url", NOWHERE], "other.yaml has no model_list"),
        (["--config", "prices.yaml", "--phoenix-url", NOWHERE], "'dear' is not a number"),
        (["--env-file", "ports.env"], "PHOENIX_PORT='70000'"),
    ],
    "trace": [
        ([], "TRACE"),
        (["last"], "'last' is no trace id"),
        (["--wait", "long", TRACE], "--wait"),
        (["--wait", "0", TRACE], "--wait"),
        (["--wait", "1", "--no-wait", TRACE], "--no-wait"),
        ([TRACE, "--phoenix-url", "x"], "--phoenix-url"),
        ([TRACE, "--phoenix-url", NOWHERE], f"Phoenix does not answer at {NOWHERE}"),
        ([TRACE, "--env-file", "ports.env"], "PHOENIX_PORT='70000'"),
    ],
    "usage": [
        (["--since", "tomorrow"], "--since: 'tomorrow' is no time"),
        (["--until", "-3d"], "--until"),
        (["--since", "1d", "--until", "2d"], "--since"),
        (["--since", "2999-01-01"], "--since 2999-01-01"),
        (["--by", "colour"], "--by"),
        (["--by", ""], "--by"),
        (["--format", "xml"], "--format"),
        (["--plot", "cost.svg"], "--plot"),
        (["--plot", "nowhere/cost.png"], "--plot"),
        (["--litellm-url", "x"], "--litellm-url"),
        (["--litellm-url", NOWHERE], f"LiteLLM cannot be reached at {NOWHERE}"),
        (["--env-file", "ports.env"], "LITELLM_PORT='many'"),
    ],
    "docker": [
        ([], "command"),
        (["fly"], "choose from 'up', 'down'"),
        (["up", "--env-file", "FOLDER"], "--env-file"),
        (["up", "--compose", ""], "--compose"),
        (["up", "--compose", "'"], "--compose"),
        (["up", "--compose", "no-such-compose"], "`no-such-compose` does not work here"),
        (["up", "--compose", "FOLDER"], "does not work here"),
    ],
}


@pytest.mark.parametrize(
    ("name", "wrong", "named"),
    [(name, *case) for name, cases in ONE_BY_ONE.items() for case in cases],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else value,
)
def test_an_operation_says_what_is_wrong_with_its_own_options(
    name: str, wrong: list[str], named: str, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert named in told(operation(name), wrong, files, capsys)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ([], "COMMAND"),
        (["fly"], "COMMAND"),
        (["up", "--port-base", "many"], "--port-base"),
        (["up", "--port-base", "70000"], "--port-base"),
        (["up", "--state-dir", "file"], "--state-dir"),
        (["down", "--state-dir", "file"], "--state-dir"),
        (["status", "--state-dir", "file"], "--state-dir"),
        (["reset", "--yes", "--state-dir", "file"], "--state-dir"),
        (["logs", "nothing"], "service"),
        (["logs", "-n", "few"], "--lines"),
        (["logs", "--lines", "-3"], "--lines"),
        (["start", "nothing"], "service"),
        (["stop"], "service"),
        (["restart", "api", "--state-dir", "NONE"], "The stack does not run"),
        (["lock", "--nonsense"], "--nonsense"),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else value,
)
def test_the_local_stack_names_the_option(
    wrong: list[str], named: str, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert named in told(local_stack, wrong, files, capsys)


def test_an_unknown_set_of_requirements_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "'nothing'" in told(bootstrap.main, ["nothing"], {}, capsys)


@pytest.mark.parametrize("name", ["usage", "keys"])
def test_a_key_that_cannot_be_a_master_key_is_said_so(
    name: str, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for key, wanted in (("", "LITELLM_MASTER_KEY is empty"), ("master", "LITELLM_MASTER_KEY must start with sk-")):
        assert wanted in told(operation(name, {"LITELLM_MASTER_KEY": key}), ["--env-file", "file"], files, capsys)


@pytest.mark.parametrize("name", ["connect", "dashboards", "docker", "keys", "prices", "trace", "usage"])
def test_every_operation_explains_its_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        operation(name)(["--help"])
    assert end.value.code == 0
    assert "--env-file" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["up", "down", "status", "logs", "reset", "start", "stop", "restart", "lock"])
def test_every_command_of_the_local_stack_explains_its_options(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        local_stack([command, "--help"])
    assert end.value.code == 0
    assert "usage: python -m local_stack" in capsys.readouterr().out


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Something that is connected to and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        yield listener


def _heed_ctrl_c() -> None:
    """A shell starts what runs in its background without an ear for Ctrl-C, and its children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("name", "option"),
    [("usage", "--litellm-url"), ("trace", "--phoenix-url"), ("prices", "--phoenix-url"), ("connect", "--env-file")],
)
def test_ctrl_c_ends_a_command_in_a_word(name: str, option: str, silent: socket.socket, tmp_path: Path) -> None:
    port = silent.getsockname()[1]
    (tmp_path / ".env").write_text(f"API_PORT={port}\nAPI_TOKENS=t\n")
    where = str(tmp_path / ".env") if option == "--env-file" else f"http://127.0.0.1:{port}"
    arguments = [*([TRACE] if name == "trace" else []), option, where]
    process = subprocess.Popen(
        [sys.executable, "-m", f"operations.{name}", *arguments],
        cwd=bootstrap.ROOT,
        env={"LITELLM_MASTER_KEY": "sk-x"},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_ctrl_c,
    )
    with silent.accept()[0]:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "Interrupted"
    assert "Traceback" not in said
