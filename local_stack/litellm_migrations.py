"""LiteLLM's schema in PostgreSQL: the SQL migrations that litellm-proxy-extras brings, applied by one psql session.

They are recorded as Prisma records them, so that its own commands find a database that they know.
"""

import hashlib
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

# Prisma's own lock for migrations, so that neither it nor a second run of ours migrates at the same time.
MIGRATION_LOCK = 72707369
LOCK_ATTEMPTS = 600
APPLIED, AT = "applied ", "at "
CONCURRENT_INDEX = re.compile(
    r'^\s*CREATE\s+INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?"([^"]+)"', re.IGNORECASE | re.MULTILINE
)


class LiteLLMDatabaseError(Exception):
    """A step of the set-up failed; the message says which, and what the program that ran said."""


def migrate(psql: Path, url: str, migrations: Path) -> int:
    """Apply the migrations that the database does not record yet, in order; returns how many those were.

    Each migration and its record are one transaction, so an interrupted run is simply run again. The exception is
    an index built CONCURRENTLY, which no transaction may hold: half-built, it is dropped and built anew.
    Raises LiteLLMDatabaseError that names the migration that failed.
    """
    command = [str(psql), "-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-f", "-"]
    env = {**os.environ, **libpq_environment(url)}
    done = subprocess.run(
        command, input=migration_script(migrations), env=env, text=True, capture_output=True, check=False
    )
    if done.returncode:
        at = [line.removeprefix(AT) for line in done.stdout.splitlines() if line.startswith(AT)]
        where = f"migration {at[-1]}" if at else "preparing the migrations"
        raise LiteLLMDatabaseError(f"{where} failed: {done.stderr.strip()}")
    return sum(line.startswith(APPLIED) for line in done.stdout.splitlines())


def libpq_environment(url: str) -> dict[str, str]:
    """The variables by which libpq finds the database: the password in the environment, which `ps` does not show.

    Raises ValueError, without the URL in it, if that names no database.
    """
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    if not parts.scheme.startswith("postgres") or not parts.path.strip("/"):
        raise ValueError("DATABASE_URL is not of the form postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
    options = ["-c client_min_messages=warning", "-c synchronous_commit=off"]
    options += [f"-c search_path={schema}" for schema in query.get("schema", [])]
    found = {
        "PGHOST": query.get("host", [unquote(parts.hostname or "")])[0],
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.strip("/")),
        "PGSSLMODE": query.get("sslmode", [""])[0],
        "PGOPTIONS": " ".join(options),
    }
    return {name: value for name, value in found.items() if value}


def migration_script(migrations: Path) -> str:
    """What psql runs: wait for the lock, make Prisma's table of records, then every migration that has no record."""
    files = sorted(migrations.glob("*/migration.sql"), key=lambda file: file.parent.name)
    if not files:
        raise LiteLLMDatabaseError(f"no migrations in {migrations}: expected NAME/migration.sql")
    return "".join([_PREPARE, *(_migration_commands(file) for file in files)])


# The wait commits at every turn: a session that waits inside one transaction would block CREATE INDEX CONCURRENTLY.
_PREPARE = rf"""\o /dev/null
DO $$ BEGIN
  FOR attempt IN 1..{LOCK_ATTEMPTS} LOOP
    IF pg_try_advisory_lock({MIGRATION_LOCK}) THEN RETURN; END IF;
    COMMIT;
    PERFORM pg_sleep(0.1);
  END LOOP;
  RAISE EXCEPTION 'another migration of this database is still running';
END $$;
\o
CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0);
"""


def _migration_commands(file: Path) -> str:
    r"""The psql commands for one migration.

    `\gexec` sends a result's text to the server as one message, and the server runs one message as one transaction:
    newer migrations use SET LOCAL and so need it. psql itself does not look into the text.
    """
    name, content = file.parent.name, file.read_bytes()
    sql, record = content.decode(), _record(name, hashlib.sha256(content).hexdigest())
    index = CONCURRENT_INDEX.search(sql)
    steps = [_drop_if_invalid(index.group(1)), sql, record] if index else [f"{sql}\n;\n{record}"]
    recorded = f"FROM _prisma_migrations WHERE migration_name = {_quoted(name)} AND finished_at IS NOT NULL"
    sends = [f"SELECT {_quoted(step)} WHERE NOT EXISTS (SELECT {recorded}) \\gexec\n" for step in steps]
    return f"\\echo {_quoted(AT + name)}\n" + "".join(sends)


def _record(name: str, checksum: str) -> str:
    """Records `name` as applied, and closes an attempt of Prisma's own that never finished: Prisma would not go on."""
    applied = f"gen_random_uuid()::text, '{checksum}', now(), {_quoted(name)}, 1"
    return (
        "UPDATE _prisma_migrations SET rolled_back_at = now()"  # noqa: S608 (the name is quoted, the checksum is hex)
        f" WHERE migration_name = {_quoted(name)} AND finished_at IS NULL AND rolled_back_at IS NULL;\n"
        "INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, applied_steps_count)"
        f" VALUES ({applied}) RETURNING '{APPLIED}' || migration_name"
    )


def _drop_if_invalid(index: str) -> str:
    """An interrupted CREATE INDEX CONCURRENTLY leaves an index that nothing uses; IF NOT EXISTS takes it for done."""
    regclass = f"to_regclass(quote_ident({_quoted(index)}))"
    return (
        f"DO $drop$ BEGIN IF EXISTS (SELECT FROM pg_index WHERE NOT indisvalid AND indexrelid = {regclass})"
        f" THEN EXECUTE format('DROP INDEX %I', {_quoted(index)}); END IF; END $drop$"
    )


def _quoted(text: str) -> str:
    """`text` as a literal for SQL and for psql's own commands; psql looks for variables in neither."""
    return "'" + text.replace("'", "''") + "'"
