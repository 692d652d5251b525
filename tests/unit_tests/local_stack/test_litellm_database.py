"""What LiteLLM's database set-up says to psql and to LiteLLM, without either."""

import hashlib
import os
from pathlib import Path

import pytest

from local_stack.litellm_database import LiteLLMDatabaseError, engine_environment, migrate
from local_stack.litellm_migrations import libpq_environment, migration_script

URL = "postgresql://litellm:s3cret@127.0.0.1:5433/litellm"


def write_migration(folder: Path, name: str, sql: str) -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / "migration.sql").write_text(sql)
    return folder


def write_program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)
    return path


def test_the_url_becomes_libpq_variables() -> None:
    found = libpq_environment(URL)
    assert {name: found[name] for name in ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE")} == {
        "PGHOST": "127.0.0.1",
        "PGPORT": "5433",
        "PGUSER": "litellm",
        "PGPASSWORD": "s3cret",
        "PGDATABASE": "litellm",
    }


def test_escaped_characters_of_the_url_are_decoded() -> None:
    found = libpq_environment("postgresql://a%40b:p%2Fw@h/my%20db")
    assert (found["PGUSER"], found["PGPASSWORD"], found["PGDATABASE"]) == ("a@b", "p/w", "my db")


def test_the_port_is_5432_unless_the_url_has_one() -> None:
    assert libpq_environment("postgresql://u:p@h/d")["PGPORT"] == "5432"


def test_prisma_s_parameters_are_honoured() -> None:
    found = libpq_environment("postgresql://u:p@localhost/d?host=/run/pg&schema=own&sslmode=require&connection_limit=5")
    assert (found["PGHOST"], found["PGSSLMODE"]) == ("/run/pg", "require")
    assert "-c search_path=own" in found["PGOPTIONS"]


@pytest.mark.parametrize("url", ["mysql://u:s3cret@h/d", "postgresql://u:s3cret@h", "s3cret"])
def test_a_url_that_names_no_database_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ValueError, match="DATABASE_URL is not of the form") as error:
        libpq_environment(url)
    assert "s3cret" not in str(error.value)


def test_migrations_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("2_b", "10_c", "1_a"):
        write_migration(tmp_path, name, "SELECT 1;")
    script = migration_script(tmp_path)
    assert script.index("'at 10_c'") < script.index("'at 1_a'") < script.index("'at 2_b'")


def test_a_migration_and_its_record_are_one_message_to_the_server(tmp_path: Path) -> None:
    script = migration_script(write_migration(tmp_path, "1_a", "CREATE TABLE a (b TEXT DEFAULT 'c')"))
    commands = script.partition("\\echo 'at 1_a'\n")[2]
    assert commands.count("\\gexec") == 1
    assert commands.startswith("SELECT 'CREATE TABLE a (b TEXT DEFAULT ''c'')\n;\nUPDATE _prisma_migrations")
    assert "INSERT INTO _prisma_migrations" in commands


def test_an_index_built_concurrently_is_a_message_of_its_own(tmp_path: Path) -> None:
    sql = '-- why\nCREATE INDEX CONCURRENTLY IF NOT EXISTS "a_idx" ON a (b);'
    script = migration_script(write_migration(tmp_path, "1_a", sql))
    assert script.count("\\gexec") == 3
    assert f"SELECT '{sql}' WHERE NOT EXISTS" in script


def test_concurrently_in_a_comment_changes_nothing(tmp_path: Path) -> None:
    sql = '-- no CREATE INDEX CONCURRENTLY "x" here\nCREATE INDEX "a_idx" ON a (b);'
    assert migration_script(write_migration(tmp_path, "1_a", sql)).count("\\gexec") == 1


def test_the_record_s_checksum_is_that_of_the_file(tmp_path: Path) -> None:
    sql = "SELECT 1;\r\n"
    (tmp_path / "1_a").mkdir()
    (tmp_path / "1_a" / "migration.sql").write_bytes(sql.encode())
    assert hashlib.sha256(sql.encode()).hexdigest() in migration_script(tmp_path)


def test_a_folder_without_migrations_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(LiteLLMDatabaseError, match=r"no migrations in .*expected NAME/migration.sql"):
        migration_script(tmp_path)


def test_psql_gets_the_password_in_its_environment_alone(tmp_path: Path) -> None:
    psql = write_program(
        tmp_path / "psql",
        f'echo "$@" > {tmp_path}/arguments; echo "$PGPASSWORD" > {tmp_path}/password; cat > {tmp_path}/input',
    )
    migrate(psql, URL, write_migration(tmp_path / "migrations", "1_a", "SELECT 1;"))
    assert (tmp_path / "password").read_text() == "s3cret\n"
    assert "s3cret" not in (tmp_path / "arguments").read_text() + (tmp_path / "input").read_text()


def test_migrate_counts_what_psql_reports_as_applied(tmp_path: Path) -> None:
    psql = write_program(
        tmp_path / "psql",
        "cat > /dev/null; echo 'at 1_a'; echo 'applied 1_a'; echo 'at 2_b'; echo 'applied 2_b'; echo 'at 3_c'",
    )
    assert migrate(psql, URL, write_migration(tmp_path / "migrations", "1_a", "SELECT 1;")) == 2


def test_a_failure_names_the_migration_and_what_the_server_said(tmp_path: Path) -> None:
    psql = write_program(
        tmp_path / "psql", "cat > /dev/null; echo 'at 1_a'; echo 'at 2_b'; echo 'ERROR: no' >&2; exit 3"
    )
    with pytest.raises(LiteLLMDatabaseError, match="migration 2_b failed: ERROR: no"):
        migrate(psql, URL, write_migration(tmp_path / "migrations", "1_a", "SELECT 1;"))


def test_litellm_is_told_of_the_engine_and_finds_its_stub_first(tmp_path: Path) -> None:
    found = engine_environment(tmp_path / "engine", tmp_path / "node")
    assert found["PRISMA_QUERY_ENGINE_BINARY"] == str(tmp_path / "engine" / "bin" / "query-engine")
    assert found["PATH"].split(os.pathsep) == [str(tmp_path / "engine" / "bin"), str(tmp_path / "node")]
    assert (found["DISABLE_SCHEMA_UPDATE"], found["LITELLM_LOCAL_MODEL_COST_MAP"]) == ("true", "True")
