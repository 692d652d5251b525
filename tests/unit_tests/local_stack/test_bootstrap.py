"""Making the virtual environments: what is handed to the installers, and what a wrong call is told."""

import subprocess
import sys
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
