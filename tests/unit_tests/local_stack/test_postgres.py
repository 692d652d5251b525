"""PostgreSQL's set-up, as far as no server is needed."""

import base64
from pathlib import Path

import pytest

from local_stack import postgres
from local_stack.instance import Instance
from local_stack.postgres import PostgresError


def test_the_verifier_is_the_one_that_rfc_7677_gives_for_its_example() -> None:
    verifier = postgres.scram_verifier("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    stored, server = "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=", "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    assert verifier == f"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==${stored}:{server}"


@pytest.mark.parametrize("password", ["", "two words", "p@ss", "a/b", "ümlaut"])
def test_a_password_that_does_not_fit_into_a_url_is_refused_without_being_shown(password: str) -> None:
    with pytest.raises(PostgresError, match="LITELLM_POSTGRES_PASSWORD: use letters and digits only") as raised:
        postgres.check_password(password)
    assert not password or password not in str(raised.value)


def test_a_folder_closed_to_others_is_noticed_anywhere_above(tmp_path: Path) -> None:
    inner = tmp_path / "closed" / "open"
    inner.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    assert postgres.closed_to_others(inner / "data")


def test_the_server_listens_on_loopback_only_and_on_no_socket_file(tmp_path: Path) -> None:
    command = postgres.server_command(Instance(tmp_path, 9100))
    assert "listen_addresses=127.0.0.1" in command
    assert "unix_socket_directories=" in command
    assert "port=9104" in command


def test_only_the_one_role_may_enter_the_one_database_and_only_by_password() -> None:
    assert postgres.HOST_BASED_ACCESS == "host litellm litellm 127.0.0.1/32 scram-sha-256\n"


def test_its_programs_are_of_one_version_and_there() -> None:
    for name in ("initdb", "postgres", "psql", "pg_isready"):
        assert (postgres.programs() / name).exists()


def test_a_data_folder_that_was_never_finished_counts_as_none(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    instance.postgres_data.mkdir()
    (instance.postgres_data / "pg_hba.conf").write_text("what initdb writes\n")
    assert postgres.needs_provision(instance, "password")
