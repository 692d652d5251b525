"""LiteLLM's schema and its generated client: the migrations on a real PostgreSQL, the client through the engine."""

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local_stack.litellm_database import (
    LiteLLMDatabaseError,
    engine_environment,
    generate_client,
    install_engine,
    migrate,
)
from tests.integration_tests.prisma_engine_support import PostgresServer

STATE = Path(__file__).parents[2] / ".stack"
NODE_BIN = STATE / "venvs" / "stack" / "bin"
LITELLM = STATE / "venvs" / "litellm"

CLIENT_SCRIPT = """
import asyncio, json
from prisma import Json, Prisma
from prisma.errors import UniqueViolationError

async def main():
    db = Prisma()
    await db.connect()
    db._Prisma__engine = db._Prisma__engine  # what LiteLLM writes
    row = {"token": "t", "metadata": Json({"environment": "dev"}), "models": ["m"], "spend": 4.5e-06}
    await db.litellm_verificationtoken.create(data=row)
    try:
        await db.litellm_verificationtoken.create(data=row)
    except UniqueViolationError:
        duplicate = "refused"
    async with db.batch_() as batch:
        for _ in range(2):
            batch.litellm_verificationtoken.update(where={"token": "t"}, data={"spend": {"increment": 1.5}})
    found = await db.litellm_verificationtoken.find_unique(where={"token": "t"})
    [raw] = await db.query_raw('SELECT spend FROM "LiteLLM_VerificationToken" WHERE token = $1', "t")
    print(json.dumps([duplicate, found.metadata, found.models, found.spend, raw["spend"]]))
    await db.disconnect()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def shipped_migrations() -> Path:
    [folder] = LITELLM.glob("lib/python*/site-packages/litellm_proxy_extras/migrations")
    return folder


def write_migrations(folder: Path, **sql_by_name: str) -> Path:
    for name, sql in sql_by_name.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "migration.sql").write_text(sql)
    return folder


def test_all_of_litellm_s_migrations_apply_to_an_empty_database_and_then_none(server: PostgresServer) -> None:
    url = server.new_database("migrated")
    shipped = len(list(shipped_migrations().glob("*/migration.sql")))
    psql = server.programs / "psql"
    assert migrate(psql, url, shipped_migrations()) == shipped
    assert migrate(psql, url, shipped_migrations()) == 0
    assert server.sql('SELECT count(*) FROM "LiteLLM_SpendLogs"', "migrated") == "0"
    assert server.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid", "migrated") == "0"
    unfinished = "SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NULL OR length(checksum) <> 64"
    assert server.sql(unfinished, "migrated") == "0"


def test_a_migration_that_fails_leaves_nothing_behind_and_is_taken_up_again(
    server: PostgresServer, tmp_path: Path
) -> None:
    url, psql = server.new_database("failing"), server.programs / "psql"
    folder = write_migrations(tmp_path, m1="CREATE TABLE a (x INT)", m2="CREATE TABLE b (x INT); SELECT 1/0;")
    with pytest.raises(LiteLLMDatabaseError, match=r"migration m2 failed: .*division by zero"):
        migrate(psql, url, folder)
    assert server.sql("SELECT to_regclass('a') IS NOT NULL, to_regclass('b') IS NULL", "failing") == "t|t"
    write_migrations(tmp_path, m2="CREATE TABLE b (x INT);")
    assert migrate(psql, url, folder) == 1


def test_set_local_holds_for_its_own_migration_alone(server: PostgresServer, tmp_path: Path) -> None:
    setting = "CREATE TABLE {} AS SELECT current_setting('lock_timeout') AS value"
    folder = write_migrations(
        tmp_path, m1=f"SET LOCAL lock_timeout = '7s'; {setting.format('a')}", m2=setting.format("b")
    )
    migrate(server.programs / "psql", server.new_database("local_settings"), folder)
    assert server.sql("SELECT a.value, b.value FROM a, b", "local_settings") == "7s|0"


def test_an_index_whose_concurrent_build_was_interrupted_is_built_anew(server: PostgresServer, tmp_path: Path) -> None:
    url, psql = server.new_database("half_indexed"), server.programs / "psql"
    folder = write_migrations(
        tmp_path, m1="CREATE TABLE a (x INT)", m2='CREATE INDEX CONCURRENTLY IF NOT EXISTS "A_idx" ON a (x)'
    )
    migrate(psql, url, folder)
    server.sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = '\"A_idx\"'::regclass", "half_indexed")
    server.sql("DELETE FROM _prisma_migrations WHERE migration_name = 'm2'", "half_indexed")
    assert migrate(psql, url, folder) == 1
    assert server.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = '\"A_idx\"'::regclass", "half_indexed") == "t"


def test_an_attempt_that_prisma_never_finished_is_made_again_and_closed(server: PostgresServer, tmp_path: Path) -> None:
    url, psql = server.new_database("unfinished"), server.programs / "psql"
    migrate(psql, url, write_migrations(tmp_path, m1="SELECT 1"))
    attempt = "INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('x', 'y', 'm2')"
    server.sql(attempt, "unfinished")
    assert migrate(psql, url, write_migrations(tmp_path, m2="CREATE TABLE a (x INT)")) == 1
    open_attempts = "SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL"
    assert server.sql(open_attempts, "unfinished") == "0"


def test_two_runs_at_the_same_time_apply_each_migration_once(server: PostgresServer) -> None:
    url = server.new_database("raced")
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(migrate, server.programs / "psql", url, shipped_migrations()) for _ in range(2)]
    shipped = len(list(shipped_migrations().glob("*/migration.sql")))
    assert sorted(run.result() for run in runs) == [0, shipped]


def test_litellm_s_generated_client_works_through_the_engine(server: PostgresServer) -> None:
    engine = STATE / "prisma-engine"
    install_engine(NODE_BIN, engine)
    generate_client(LITELLM, engine, NODE_BIN)
    url = server.new_database("client")
    migrate(server.programs / "psql", url, shipped_migrations())
    env = {**engine_environment(engine, NODE_BIN), "DATABASE_URL": url, "HOME": "/nowhere"}
    env["PATH"] += f":{os.defpath}"
    done = subprocess.run(
        [LITELLM / "bin" / "python", "-c", CLIENT_SCRIPT], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    spend = 4.5e-06 + 1.5 + 1.5
    last_line = done.stdout.splitlines()[-1]
    assert json.loads(last_line) == ["refused", {"environment": "dev"}, ["m"], spend, spend]
