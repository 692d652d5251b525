"""Making the virtual environments: what is handed to the installers, and what a wrong call is told."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack import bootstrap


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    script = Path(bootstrap.__file__)
    return subprocess.run([sys.executable, str(script), *arguments], capture_output=True, text=True, check=False)


def test_a_package_index_of_pips_configuration_becomes_uvs_default() -> None:
    listing = "global.index-url='https://packages.example/simple'\nglobal.cert='/etc/ca.pem'\n"
    settings = bootstrap.uv_settings(bootstrap.pip_settings(listing))
    assert settings == {"UV_DEFAULT_INDEX": "https://packages.example/simple", "SSL_CERT_FILE": "/etc/ca.pem"}


def test_further_indexes_are_handed_over_only_beside_an_index_that_replaces_the_usual_one() -> None:
    further = {"extra-index-url": "file:///one\nfile:///two"}
    assert bootstrap.uv_settings(further) == {}
    assert bootstrap.uv_settings({"index-url": "https://main.example", **further}) == {
        "UV_DEFAULT_INDEX": "https://main.example",
        "UV_INDEX": "file:///one file:///two",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_the_environment_wins_over_pips_files_because_pip_lists_it_last() -> None:
    listing = "global.index-url='https://file.example'\n:env:.index-url='https://environment.example'\n"
    assert bootstrap.pip_settings(listing)["index-url"] == "https://environment.example"


def test_lines_that_are_no_settings_are_passed_over() -> None:
    assert bootstrap.pip_settings("WARNING: something\n\n") == {}


def test_caches_stay_in_the_state_folder_unless_the_user_chose_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", "/elsewhere")
    monkeypatch.delenv("PIP_CACHE_DIR", raising=False)
    environment = bootstrap.clean_environment()
    assert environment["UV_CACHE_DIR"] == "/elsewhere"
    assert environment["PIP_CACHE_DIR"] == str(bootstrap.ROOT / ".stack" / "cache" / "pip")


def test_nothing_leads_an_installation_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "PIP_TARGET", "PIP_USER"):
        monkeypatch.setenv(name, "1")
    environment = bootstrap.clean_environment()
    assert not {"PYTHONPATH", "PIP_TARGET", "PIP_USER"} & environment.keys()
    assert environment["UV_PYTHON_DOWNLOADS"] == "never"


def test_an_unknown_set_is_named_with_those_that_exist() -> None:
    done = run("nonsense")
    assert done.returncode == 1
    assert "'nonsense'" in done.stderr
    assert "litellm" in done.stderr


def test_help_says_how_it_is_called() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "SET[,SET...]" in done.stdout


def test_a_command_that_does_not_exist_is_said_to_be_missing() -> None:
    done = run("stack", "--", "no-such-program")
    assert done.returncode == 127
    assert "no-such-program" in done.stderr


def test_the_command_runs_with_the_sets_programs_first_and_its_exit_status_is_handed_on() -> None:
    done = run("stack", "--", "python", "-c", "import sys; print(sys.executable); sys.exit(7)")
    assert done.returncode == 7
    assert done.stdout.strip() == str(bootstrap.venv("stack") / "bin" / "python")


def test_files_that_are_rewritten_later_are_no_longer_shared_with_the_cache(tmp_path: Path) -> None:
    package = tmp_path / "lib" / "python3.11" / "site-packages" / "prisma"
    package.mkdir(parents=True)
    cached = tmp_path / "cached.py"
    cached.write_text("as installed")
    (package / "client.py").hardlink_to(cached)
    bootstrap.own_copy(tmp_path, "prisma")
    (package / "client.py").write_text("generated")
    assert cached.read_text() == "as installed"


def test_a_lock_is_waited_for_and_said_so(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(bootstrap.ROOT)!r})\n"
        "from pathlib import Path\nfrom local_stack.bootstrap import locked\n"
        f"with locked(Path({str(tmp_path / 'lock')!r}), 'the other one'): print('mine')\n"
    )
    with bootstrap.locked(tmp_path / "lock", "nobody"):
        other = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert other.stderr is not None
        assert other.stderr.readline() == "Waiting for the other one ...\n"
    out, _ = other.communicate(timeout=10)
    assert out == "mine\n"


NEWEST = f"3.{bootstrap.NEWEST_MINOR_TRIED}.9"


def _saying(version: str) -> str:
    """A program that is asked what Python it is."""
    return f"#!/bin/sh\nprintf '{version}\\n/opt/python\\n'\n"


RUNS = _saying("3.13.9")
BROKEN = "#!/bin/sh\necho 'no such version' >&2\nexit 127\n"


def _program(folder: Path, name: str, script: str) -> Path:
    program = folder / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(script)
    program.chmod(0o755)
    return program


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Of a user who has no Python but what the test puts into this folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("PYTHON", raising=False)
    bootstrap.newest_python.cache_clear()
    yield tmp_path
    bootstrap.newest_python.cache_clear()


def test_pythons_are_looked_for_on_the_path_and_where_pyenv_and_uv_keep_theirs(home: Path) -> None:
    found = [
        _program(home, ".pyenv/versions/3.13.0/bin/python3.13", RUNS),
        _program(home, "bin/python3.12", RUNS),
        _program(home, ".local/share/uv/python/cpython-3.12.4-linux-x86_64-gnu/bin/python3.12", RUNS),
    ]
    _program(home, "bin/python3.99", RUNS)
    assert list(bootstrap.newer_programs(11)) == [str(program) for program in found]


def test_a_shim_of_pyenvs_is_not_asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(_program(home, "shims/python3.13", BROKEN).parent))
    assert list(bootstrap.newer_programs(11)) == []


def test_a_python_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    assert bootstrap.probe(str(_program(tmp_path, "python3.13", BROKEN))) is None
    assert bootstrap.probe(str(tmp_path / "none")) is None
    program = str(_program(tmp_path, "other", RUNS))
    assert bootstrap.probe(program) == bootstrap.Python("3.13.9", "/opt/python", program)


def test_a_python_that_is_there_in_full_is_taken() -> None:
    found = bootstrap.probe(sys.executable)
    assert found is not None
    assert found.is_same(bootstrap.own_python())


def test_the_python_that_was_named_is_every_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON", "python3.11")
    assert {bootstrap.python_for(name) for name in bootstrap.SETS} == {bootstrap.own_python()}


@pytest.mark.usefixtures("home")
def test_without_a_newer_python_the_services_have_this_one() -> None:
    assert bootstrap.python_for("litellm") == bootstrap.own_python()


ASK = "from local_stack import bootstrap as b; print(b.is_current('litellm'))"


def _is_current(checkout: Path, made_with: str, **environment: str) -> bool:
    """Whether a checkout takes its LiteLLM's environment, stamped as made with this version, for one that need not be made anew."""
    (checkout / "local_stack").mkdir()
    shutil.copy(bootstrap.__file__, checkout / "local_stack")
    (checkout / "requirements").mkdir()
    (checkout / "requirements" / "litellm.txt").write_text("litellm==1\n")
    _program(checkout, ".stack/venvs/litellm/bin/python", RUNS)
    python = "b.own_python()" if made_with == "own" else f"b.Python({made_with!r}, '/opt/python')"
    stamp = f"(b.venv('litellm') / '.stamp').write_text(b.stamp('litellm', {python}))"
    program = ASK.replace("print", f"{stamp}; print")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=checkout, env={"HOME": str(checkout), "PATH": "/nowhere", **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout == "True\n"


def test_an_environment_of_an_older_python_is_made_anew_once_a_newer_is_there(tmp_path: Path) -> None:
    _program(tmp_path, f".pyenv/versions/{NEWEST}/bin/python3.{bootstrap.NEWEST_MINOR_TRIED}", _saying(NEWEST))
    assert not _is_current(tmp_path, "3.11.0")


def test_an_environment_of_the_newest_python_stays(tmp_path: Path) -> None:
    _program(tmp_path, f".pyenv/versions/{NEWEST}/bin/python3.{bootstrap.NEWEST_MINOR_TRIED}", _saying(NEWEST))
    newer_than_this_one = sys.version_info.minor < bootstrap.NEWEST_MINOR_TRIED
    assert _is_current(tmp_path, NEWEST if newer_than_this_one else "own")


def test_whoever_sees_no_newer_python_leaves_a_service_the_one_that_it_has(tmp_path: Path) -> None:
    assert _is_current(tmp_path, "3.99.0")


def test_an_environment_of_another_python_than_the_one_named_is_made_anew(tmp_path: Path) -> None:
    assert not _is_current(tmp_path, "3.99.0", PYTHON="python3")


def test_an_environment_of_the_python_named_stays(tmp_path: Path) -> None:
    assert _is_current(tmp_path, "own", PYTHON="python3")
