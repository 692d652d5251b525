"""The command that mints virtual keys, against a LiteLLM that answers as the real one was seen to."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from dotenv import dotenv_values

from operations import keys
from tests.unit_tests.operations.litellm_double import MASTER, URL, LiteLLMDouble

MODELS = ["gpt-4o", "gpt-4o-mini"]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.write_text(f"LITELLM_MASTER_KEY={MASTER}\n")
    return path


@pytest.fixture
def run(tmp_path: Path, file: Path, litellm: LiteLLMDouble, capsys: pytest.CaptureFixture[str]) -> Run:
    config = tmp_path / "config.yaml"
    config.write_text("model_list:\n" + "".join(f"  - {{model_name: {model}}}\n" for model in MODELS))

    def call(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, str, str]:
        fixed = ["--env-file", str(file), "--config", str(config), "--litellm-url", URL]
        code = keys.main([*fixed, *arguments], environment or {})
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_mints_one_key_for_each_of_three_environments(run: Run, litellm: LiteLLMDouble) -> None:
    code, _, _ = run()
    assert code == 0
    assert litellm.aliases() == ["litellm-dev", "litellm-eval", "litellm-test"]


def test_a_key_is_asked_for_with_models_and_environment_and_nothing_that_limits_it(
    run: Run, litellm: LiteLLMDouble
) -> None:
    run("--env", "eval")
    assert litellm.bodies("/key/generate") == [
        {"key_alias": "litellm-eval", "models": MODELS, "metadata": {"environment": "evaluation"}}
    ]


@pytest.mark.parametrize(
    ("name", "variable", "metadata"),
    [
        ("dev", "LITELLM_API_KEY", "development"),
        ("test", "LITELLM_TEST_KEY", "test"),
        ("eval", "LITELLM_EVAL_KEY", "evaluation"),
        ("prod", "LITELLM_API_KEY", "production"),
    ],
)
def test_each_environment_has_its_variable_and_its_metadata(
    run: Run, litellm: LiteLLMDouble, name: str, variable: str, metadata: str
) -> None:
    _, out, _ = run("--env", name)
    assert out == f"{variable}=sk-made-1\n"
    assert litellm.bodies("/key/generate")[0]["metadata"] == {"environment": metadata}


def test_standard_output_carries_name_value_lines_only(run: Run) -> None:
    _, out, _ = run()
    assert out == "LITELLM_API_KEY=sk-made-1\nLITELLM_TEST_KEY=sk-made-2\nLITELLM_EVAL_KEY=sk-made-3\n"


def test_writing_prints_no_key(run: Run) -> None:
    code, out, err = run("--write")
    assert (code, out) == (0, "")
    assert "sk-made" not in err


def test_writing_leaves_other_lines_and_comments_alone(run: Run, file: Path) -> None:
    file.write_text(f"# mine\nA='x # y'\nLITELLM_MASTER_KEY={MASTER}\nLITELLM_API_KEY=\nB=1=2\n")
    run("--write", "--env", "dev")
    assert file.read_text() == (f"# mine\nA='x # y'\nLITELLM_MASTER_KEY={MASTER}\nLITELLM_API_KEY=sk-made-1\nB=1=2\n")


def test_a_written_file_is_readable_by_its_owner_alone(run: Run, file: Path) -> None:
    file.chmod(0o644)
    run("--write")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_second_run_keeps_the_keys_and_the_file(run: Run, file: Path, litellm: LiteLLMDouble) -> None:
    run("--write")
    written = file.read_text()
    _, _, err = run("--write")
    assert file.read_text() == written
    assert len(litellm.bodies("/key/generate")) == 3
    assert "litellm-dev: kept, LITELLM_API_KEY works" in err


def test_a_kept_key_is_printed_too(run: Run, file: Path, litellm: LiteLLMDouble) -> None:
    key = litellm.add("litellm-dev", MODELS)
    _, out, _ = run("--env", "dev", environment={"LITELLM_API_KEY": key})
    assert out == f"LITELLM_API_KEY={key}\n"


def test_a_kept_key_gets_the_models_of_the_configuration(run: Run, litellm: LiteLLMDouble) -> None:
    key = litellm.add("litellm-dev", ["gpt-4o", "o1"])
    _, _, err = run("--env", "dev", environment={"LITELLM_API_KEY": key})
    assert litellm.bodies("/key/update") == [{"key": litellm.keys[0].token, "models": MODELS}]
    assert "(+gpt-4o-mini, -o1)" in err


def test_an_alias_whose_key_is_lost_is_replaced_and_that_is_said(run: Run, litellm: LiteLLMDouble) -> None:
    lost = litellm.add("litellm-dev", MODELS)
    _, out, err = run("--env", "dev")
    assert out == "LITELLM_API_KEY=sk-made-2\n"
    assert litellm.alias_of(lost) is None
    assert litellm.aliases() == ["litellm-dev"]
    assert "litellm-dev: replaced, its key was lost" in err


def test_a_key_that_litellm_does_not_know_is_replaced(run: Run, file: Path) -> None:
    file.write_text(f"LITELLM_MASTER_KEY={MASTER}\nLITELLM_API_KEY=sk-of-another-database\n")
    run("--write", "--env", "dev")
    assert dotenv_values(file)["LITELLM_API_KEY"] == "sk-made-1"


def test_a_value_that_cannot_be_a_key_is_never_sent(run: Run, file: Path, litellm: LiteLLMDouble) -> None:
    file.write_text(f'LITELLM_MASTER_KEY={MASTER}\nLITELLM_API_KEY="grüße, welt"\n')
    assert run("--write", "--env", "dev")[0] == 0
    assert litellm.bodies("/key/info") == []


def test_rotation_replaces_a_key_that_works(run: Run, file: Path, litellm: LiteLLMDouble) -> None:
    old = litellm.add("litellm-dev", MODELS)
    file.write_text(f"LITELLM_MASTER_KEY={MASTER}\nLITELLM_API_KEY={old}\n")
    _, _, err = run("--write", "--env", "dev", "--rotate")
    assert dotenv_values(file)["LITELLM_API_KEY"] == "sk-made-2"
    assert litellm.alias_of(old) is None
    assert "litellm-dev: replaced, as asked" in err


RESTART = "restart the API, which has the old one: make up (or make docker_restart)"


def test_after_a_rotation_one_is_told_to_restart_the_api(run: Run, file: Path, litellm: LiteLLMDouble) -> None:
    file.write_text(f"LITELLM_MASTER_KEY={MASTER}\nLITELLM_API_KEY={litellm.add('litellm-dev', MODELS)}\n")
    _, out, err = run("--write", "--env", "dev", "--rotate")
    assert f"LITELLM_API_KEY has changed: {RESTART}" in err
    assert out == ""


def test_after_a_lost_key_was_replaced_one_is_told_to_hand_it_over_and_restart(
    run: Run, file: Path, litellm: LiteLLMDouble
) -> None:
    litellm.add("litellm-dev", MODELS)
    _, _, err = run("--env", "dev", environment={"LITELLM_API_KEY": "sk-lost"})
    assert f"LITELLM_API_KEY has changed: put it into {file}, then {RESTART}" in err


def test_one_is_told_so_even_if_a_later_key_fails(run: Run, file: Path, litellm: LiteLLMDouble) -> None:
    litellm.failures["/key/generate"] = [None, (500, "boom")]
    code, _, err = run("--write")
    assert code == 1
    assert RESTART in err


@pytest.mark.parametrize("arguments", [["--env", "dev"], ["--env", "test", "--rotate"]], ids=["kept", "another's"])
def test_a_key_that_the_api_keeps_is_no_reason_to_restart_it(
    run: Run, file: Path, litellm: LiteLLMDouble, arguments: list[str]
) -> None:
    file.write_text(f"LITELLM_MASTER_KEY={MASTER}\nLITELLM_API_KEY={litellm.add('litellm-dev', MODELS)}\n")
    code, _, err = run("--write", *arguments)
    assert code == 0
    assert "restart the API" not in err


def test_the_old_key_is_deleted_only_after_the_new_one_was_made(run: Run, litellm: LiteLLMDouble) -> None:
    litellm.add("litellm-dev", MODELS)
    run("--env", "dev", "--rotate")
    order = [path for path, body in litellm.requests if path == "/key/generate" or litellm_retired(body)]
    assert order[-2:] == ["/key/generate", "/key/delete"]


def litellm_retired(body: dict[str, object]) -> bool:
    return body.get("key_aliases") == ["litellm-dev-replaced"]


def test_a_rotation_that_fails_leaves_the_old_key_as_it_was(run: Run, file: Path, litellm: LiteLLMDouble) -> None:
    old = litellm.add("litellm-dev", MODELS)
    file.write_text(f"LITELLM_MASTER_KEY={MASTER}\nLITELLM_API_KEY={old}\n")
    litellm.failures["/key/generate"] = [(500, "boom")]
    code, _, err = run("--write", "--env", "dev", "--rotate")
    assert code == 1
    assert litellm.alias_of(old) == "litellm-dev"
    assert dotenv_values(file)["LITELLM_API_KEY"] == old
    assert "Nothing was changed: the old key of litellm-dev still works" in err


def test_a_failure_that_cannot_be_undone_says_where_the_old_key_is(run: Run, litellm: LiteLLMDouble) -> None:
    old = litellm.add("litellm-dev", MODELS)
    litellm.failures["/key/generate"] = [(500, "boom")]
    litellm.failures["/key/update"] = [None, (500, "boom")]
    code, _, err = run("--env", "dev", "--rotate", environment={"LITELLM_API_KEY": old})
    assert code == 1
    assert litellm.alias_of(old) == "litellm-dev-replaced"
    assert "The old key still works, under the alias litellm-dev-replaced" in err


def test_an_interrupted_rotation_is_undone_by_the_next_run(run: Run, litellm: LiteLLMDouble) -> None:
    used = litellm.add("litellm-dev-replaced", MODELS)
    never_handed_over = litellm.add("litellm-dev", MODELS)
    _, out, err = run("--env", "dev", environment={"LITELLM_API_KEY": used})
    assert out == f"LITELLM_API_KEY={used}\n"
    assert litellm.alias_of(used) == "litellm-dev"
    assert litellm.alias_of(never_handed_over) is None
    assert "an earlier replacement was interrupted" in err


def test_a_blocked_key_is_not_replaced_unasked(run: Run, litellm: LiteLLMDouble) -> None:
    key = litellm.add("litellm-dev", MODELS, blocked=True)
    code, _, err = run("--env", "dev", environment={"LITELLM_API_KEY": key})
    assert code == 1
    assert "LITELLM_API_KEY holds a key that is blocked" in err
    assert litellm.bodies("/key/generate") == []


def test_a_blocked_key_is_replaced_when_asked(run: Run, litellm: LiteLLMDouble) -> None:
    key = litellm.add("litellm-dev", MODELS, blocked=True)
    _, out, _ = run("--env", "dev", "--rotate", environment={"LITELLM_API_KEY": key})
    assert out == "LITELLM_API_KEY=sk-made-2\n"


@pytest.mark.parametrize("rotate", [[], ["--rotate"]])
def test_a_working_key_of_another_environment_is_never_overwritten(
    run: Run, file: Path, litellm: LiteLLMDouble, rotate: list[str]
) -> None:
    development = litellm.add("litellm-dev", MODELS)
    file.write_text(f"LITELLM_MASTER_KEY={MASTER}\nLITELLM_API_KEY={development}\n")
    code, _, err = run("--write", "--env", "prod", *rotate)
    assert code == 1
    assert dotenv_values(file)["LITELLM_API_KEY"] == development
    assert "holds a working key of litellm-dev, not of litellm-prod" in err
    assert "--env-file .env.prod" in err
    assert litellm.bodies("/key/generate") == []


def test_a_production_key_can_be_printed_beside_a_development_file(run: Run, litellm: LiteLLMDouble) -> None:
    development = litellm.add("litellm-dev", MODELS)
    _, out, _ = run("--env", "prod", environment={"LITELLM_API_KEY": development})
    assert out == "LITELLM_API_KEY=sk-made-2\n"


def test_a_production_key_is_not_taken_for_lost_because_another_file_was_read(run: Run, litellm: LiteLLMDouble) -> None:
    development, production = litellm.add("litellm-dev", MODELS), litellm.add("litellm-prod", MODELS)
    code, _, err = run("--env", "prod", environment={"LITELLM_API_KEY": development})
    assert code == 1
    assert "litellm-prod exists already" in err
    assert litellm.alias_of(production) == "litellm-prod"


def test_development_and_production_cannot_share_a_variable(run: Run) -> None:
    code, _, err = run("--env", "dev", "--env", "prod")
    assert code == 1
    assert "both go by LITELLM_API_KEY" in err


def test_an_environment_variable_wins_over_the_file(run: Run, file: Path) -> None:
    file.write_text("LITELLM_MASTER_KEY=sk-of-yesterday\n")
    assert run(environment={"LITELLM_MASTER_KEY": MASTER})[0] == 0


def test_an_empty_environment_variable_does_not_hide_the_file(run: Run) -> None:
    assert run(environment={"LITELLM_MASTER_KEY": ""})[0] == 0


@pytest.mark.parametrize(
    "line",
    [
        f"LITELLM_MASTER_KEY='{MASTER}'",
        f'export LITELLM_MASTER_KEY="{MASTER}" # mine',
        f"LITELLM_MASTER_KEY = {MASTER}",
    ],
)
def test_a_quoted_spaced_or_commented_master_key_is_read_right(run: Run, file: Path, line: str) -> None:
    file.write_text(f"A='it # is'\nB=\"a=b c\"\n{line}\n")
    assert run()[0] == 0


def test_an_empty_master_key_is_named_with_its_file(run: Run, file: Path, litellm: LiteLLMDouble) -> None:
    file.write_text("LITELLM_MASTER_KEY=\n")
    code, _, err = run()
    assert code == 1
    assert f"LITELLM_MASTER_KEY is empty: set it in {file}" in err
    assert litellm.requests == []


def test_a_master_key_of_the_wrong_form_is_refused_without_being_shown(run: Run, file: Path) -> None:
    file.write_text("LITELLM_MASTER_KEY=hunter2\n")
    code, _, err = run()
    assert code == 1
    assert "LITELLM_MASTER_KEY must start with sk-" in err
    assert "hunter2" not in err


def test_a_master_key_that_litellm_refuses_says_so(run: Run, file: Path) -> None:
    file.write_text("LITELLM_MASTER_KEY=sk-wrong\n")
    code, _, err = run()
    assert code == 1
    assert "does not accept LITELLM_MASTER_KEY" in err
    assert "sk-wrong" not in err


def test_a_virtual_key_in_the_master_key_s_place_is_named(run: Run, file: Path, litellm: LiteLLMDouble) -> None:
    file.write_text(f"LITELLM_MASTER_KEY={litellm.add('litellm-dev', MODELS)}\n")
    code, _, err = run()
    assert code == 1
    assert "LITELLM_MASTER_KEY is a virtual key" in err


def test_waits_until_litellm_is_ready_and_says_what_it_waits_for(run: Run, litellm: LiteLLMDouble) -> None:
    litellm.unready = [httpx.ConnectError("refused"), httpx.Response(503, json={"db": "Not connected"})]
    code, _, err = run()
    assert code == 0
    assert "Waiting for LiteLLM at http://litellm.test:4000: it cannot be reached (refused)" in err


def test_gives_up_at_the_limit_with_the_mend(run: Run, litellm: LiteLLMDouble) -> None:
    litellm.unready = [httpx.ConnectError("refused") for _ in range(50)]
    code, _, err = run("--timeout", "0.2")
    assert code == 1
    assert "not ready after 0.2 s: it cannot be reached (refused). Start it with `make up`" in err


def test_a_database_that_is_not_connected_is_named(run: Run, litellm: LiteLLMDouble) -> None:
    litellm.unready = [httpx.Response(200, json={"db": "Not connected"}) for _ in range(50)]
    assert "its database is not connected" in run("--timeout", "0.2")[2]


@pytest.mark.parametrize(
    ("status", "message"),
    [(503, "No DB Connected"), (500, "Authentication Error, connect ENOENT"), (500, "Can't reach database server")],
)
def test_a_database_that_dies_meanwhile_is_named(run: Run, litellm: LiteLLMDouble, status: int, message: str) -> None:
    litellm.failures["/key/list"] = [(status, message)]
    code, _, err = run()
    assert code == 1
    assert "LiteLLM's database is down" in err


def test_keys_are_taken_out_of_what_litellm_says(run: Run, litellm: LiteLLMDouble) -> None:
    litellm.failures["/key/generate"] = [(400, "no key sk-very-secret for you")]
    _, _, err = run()
    assert "sk-very-secret" not in err
    assert "No key of litellm-dev exists yet" in err


def test_no_key_stands_in_a_url(run: Run, litellm: LiteLLMDouble) -> None:
    run("--write")
    run("--write", "--rotate")
    assert not [url for url in litellm.urls if "sk-" in url]


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_limit_that_is_no_time_is_refused(run: Run, seconds: str) -> None:
    with pytest.raises(SystemExit):
        run("--timeout", seconds)


@pytest.mark.parametrize("url", ["litellm", "ftp://litellm", "http://", "http://127.0.0.1:99999"])
def test_an_address_that_cannot_be_litellm_s_is_named(run: Run, url: str) -> None:
    code, _, err = run("--litellm-url", url)
    assert code == 1
    assert "write --litellm-url http://127.0.0.1:4000" in err


@pytest.mark.parametrize("text", ["", "model_list: 3", "model_list: [{name: x}]", "a: [", "[]"])
def test_a_configuration_without_models_is_named(run: Run, tmp_path: Path, text: str) -> None:
    config = tmp_path / "other.yaml"
    config.write_text(text)
    code, _, err = run("--config", str(config))
    assert code == 1
    assert str(config) in err


def test_a_file_that_is_not_text_is_named(run: Run, file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    code, _, err = run()
    assert code == 1
    assert f"{file} cannot be read" in err
