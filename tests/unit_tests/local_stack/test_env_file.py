"""The .env file: made once, filled in, changed line by line."""

from pathlib import Path

import pytest

from local_stack import bootstrap, env_file
from local_stack.env_file import EnvFileError

EXAMPLE = bootstrap.ROOT / ".env.dev.example"


def test_a_first_run_generates_every_secret_and_keeps_the_examples_words(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    generated = env_file.ensure(path, EXAMPLE)
    values = env_file.read(path)
    assert set(generated) == set(env_file.GENERATED)
    assert all(values[name] for name in generated)
    assert values["LITELLM_MASTER_KEY"].startswith("sk-")
    assert path.read_text().splitlines()[0] == EXAMPLE.read_text().splitlines()[0]


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    env_file.ensure(path, EXAMPLE)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_others_could_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    env_file.ensure(path, EXAMPLE)
    path.chmod(0o644)
    env_file.ensure(path, EXAMPLE)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    env_file.ensure(path, EXAMPLE)
    before = path.read_text()
    assert env_file.ensure(path, EXAMPLE) == []
    assert path.read_text() == before


def test_no_two_files_share_a_secret(tmp_path: Path) -> None:
    for name in ("one", "two"):
        env_file.ensure(tmp_path / name, EXAMPLE)
    one, two = env_file.read(tmp_path / "one"), env_file.read(tmp_path / "two")
    assert all(one[name] != two[name] for name in env_file.GENERATED)


def test_a_secret_of_the_users_own_is_kept_and_only_what_is_empty_is_generated(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("API_TOKENS='mine, and yours'\nLITELLM_MASTER_KEY=\n")
    generated = env_file.ensure(path, EXAMPLE)
    assert "API_TOKENS" not in generated
    assert env_file.read(path)["API_TOKENS"] == "mine, and yours"
    assert env_file.read(path)["LITELLM_MASTER_KEY"].startswith("sk-")


def test_a_missing_example_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvFileError, match=r"none is missing"):
        env_file.ensure(tmp_path / ".env", tmp_path / "none")


def test_a_value_is_set_on_its_own_line_and_comments_stay() -> None:
    text = "# A=comment\nexport A = old\nAB=other\n"
    assert env_file.with_values(text, {"A": "new"}) == "# A=comment\nA=new\nAB=other\n"


def test_a_name_that_is_not_there_is_added_at_the_end() -> None:
    assert env_file.with_values("A=1", {"B": "2"}) == "A=1\nB=2\n"


def test_a_backslash_is_written_as_it_is() -> None:
    assert env_file.with_values("A=\n", {"A": r"\1\g<0>"}) == "A=\\1\\g<0>\n"


def test_values_with_spaces_quotes_hashes_and_equals_signs_are_read_right(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A='two words'\nB=\"say \\\"hi\\\"\"\nC='a#b'\nD=x=y\nE=${A}$\n")
    assert env_file.read(path) == {"A": "two words", "B": 'say "hi"', "C": "a#b", "D": "x=y", "E": "${A}$"}


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    with pytest.raises(UnicodeEncodeError):
        env_file.write(path, "A=\udc80\n")
    assert path.read_text() == "A=1\n"
    assert list(tmp_path.iterdir()) == [path]
