"""Minting virtual keys on the real LiteLLM with the real script."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import yaml

from local_stack import bootstrap, env_file
from local_stack.instance import Instance
from tests.integration_tests.litellm_support import ALIAS, LiteLLM

MODELS = [
    entry["model_name"]
    for entry in yaml.safe_load((bootstrap.ROOT / "config" / "litellm_config.yaml").read_text())["model_list"]
]


@pytest.fixture
def litellm(stack: Instance, tmp_path: Path) -> Iterator[LiteLLM]:
    master_key = env_file.read(stack.env_file)["LITELLM_MASTER_KEY"]
    file = tmp_path / ".env.prod"
    file.write_text(f"# production's\nNOTE='it # is = mine'\nLITELLM_MASTER_KEY={master_key}\nLITELLM_API_KEY=\n")
    access = LiteLLM(stack.url("litellm"), master_key, file)
    yield access
    access.call("POST", "/key/delete", json={"key_aliases": [ALIAS]})


def written(litellm: LiteLLM) -> str:
    return env_file.read(litellm.file)["LITELLM_API_KEY"]


def test_a_minted_key_knows_its_environment_and_its_models_and_has_no_limits(litellm: LiteLLM) -> None:
    litellm.run("--write")
    info = litellm.info(written(litellm))
    assert info["key_alias"] == ALIAS
    assert info["models"] == MODELS
    assert info["metadata"] == {"environment": "production"}
    limits = ("max_budget", "tpm_limit", "rpm_limit", "max_parallel_requests", "budget_duration", "expires")
    assert {name: info[name] for name in limits} == dict.fromkeys(limits)


def test_a_minted_key_is_let_in(litellm: LiteLLM) -> None:
    litellm.run("--write")
    response = litellm.call("GET", "/v1/models", key=written(litellm))
    assert {model["id"] for model in response.json()["data"]} == set(MODELS)


def test_standard_output_is_one_name_value_line(litellm: LiteLLM) -> None:
    done = litellm.run()
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"LITELLM_API_KEY=sk-\S+\n", done.stdout)


def test_a_second_run_changes_nothing(litellm: LiteLLM) -> None:
    litellm.run("--write")
    before = litellm.file.read_text()
    done = litellm.run("--write")
    assert "litellm-prod: kept" in done.stderr
    assert litellm.file.read_text() == before


def test_the_rest_of_the_file_stays(litellm: LiteLLM) -> None:
    before = litellm.file.read_text()
    litellm.run("--write")
    assert litellm.file.read_text() == before.replace("LITELLM_API_KEY=\n", f"LITELLM_API_KEY={written(litellm)}\n")


def test_rotation_puts_a_new_key_in_the_old_one_s_place(litellm: LiteLLM) -> None:
    litellm.run("--write")
    old = written(litellm)
    litellm.run("--write", "--rotate")
    assert litellm.info(written(litellm))["key_alias"] == ALIAS
    assert litellm.call("GET", "/key/info", key=old).status_code == 401


def test_a_lost_key_is_replaced(litellm: LiteLLM) -> None:
    litellm.run()
    done = litellm.run("--write")
    assert "litellm-prod: replaced, its key was lost" in done.stderr
    assert litellm.info(written(litellm))["key_alias"] == ALIAS


def test_a_key_whose_models_differ_is_kept_with_the_configuration_s(litellm: LiteLLM) -> None:
    litellm.run("--write")
    key = written(litellm)
    litellm.call("POST", "/key/update", json={"key": key, "models": ["gpt-4o"]})
    litellm.run("--write")
    assert written(litellm) == key
    assert litellm.info(key)["models"] == MODELS


def test_an_interrupted_rotation_is_undone(litellm: LiteLLM) -> None:
    litellm.run("--write")
    key = written(litellm)
    litellm.call("POST", "/key/update", json={"key": key, "key_alias": f"{ALIAS}-replaced"})
    litellm.call("POST", "/key/generate", json={"key_alias": ALIAS})
    litellm.run("--write")
    assert written(litellm) == key
    assert litellm.info(key)["key_alias"] == ALIAS


def test_a_blocked_key_is_left_to_whoever_blocked_it(litellm: LiteLLM) -> None:
    litellm.run("--write")
    litellm.call("POST", "/key/block", json={"key": written(litellm)})
    done = litellm.run("--write")
    assert done.returncode == 1
    assert "LITELLM_API_KEY holds a key that is blocked" in done.stderr


def test_two_runs_at_once_end_with_one_key_that_works(litellm: LiteLLM) -> None:
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: litellm.run("--write"), range(2)))
    assert [done.returncode for done in results] == [0, 0]
    assert litellm.info(written(litellm))["key_alias"] == ALIAS


def test_a_wrong_master_key_is_refused_with_the_mend(litellm: LiteLLM) -> None:
    env_file.set_values(litellm.file, {"LITELLM_MASTER_KEY": "sk-wrong-one"})
    done = litellm.run()
    assert done.returncode == 1
    assert "does not accept LITELLM_MASTER_KEY" in done.stderr
    assert "sk-wrong-one" not in done.stdout + done.stderr


def test_no_secret_is_seen_in_the_process_list(litellm: LiteLLM) -> None:
    seen: set[str] = set()
    with subprocess.Popen(
        litellm.arguments("--write"), env=litellm.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as script:
        while script.poll() is None:
            seen |= command_lines(script.pid)
    assert any("operations.keys" in line for line in seen)
    assert not [line for line in seen if litellm.master_key in line or written(litellm) in line]


def command_lines(pid: int) -> set[str]:
    try:
        root = psutil.Process(pid)
        return {" ".join(process.cmdline()) for process in (root, *root.children(recursive=True))}
    except psutil.Error:
        return set()


def test_no_key_is_written_to_litellm_s_log(litellm: LiteLLM, stack: Instance) -> None:
    litellm.run("--write")
    key = written(litellm)
    litellm.run("--write", "--rotate")
    log = stack.log("litellm").read_text(errors="replace")
    assert not [secret for secret in (key, written(litellm), litellm.master_key) if secret in log]
