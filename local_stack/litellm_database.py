"""LiteLLM's database without Prisma's native engines: their host is one more that a machine would have to reach.

Prisma's query engine also exists as WebAssembly, on npm: `prisma_engine/` makes it answer as the native one does.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

ENGINE_SOURCES = Path(__file__).parent / "prisma_engine"
STAMP = ".installed"
CLIENT_STAMP = ".prisma-client"
# Prisma's own lock for migrations, so that neither it nor a second run of ours migrates at the same time.
MIGRATION_LOCK = 72707369
LOCK_ATTEMPTS = 600
APPLIED, AT = "applied ", "at "
# LiteLLM 1.106.2 writes prisma 0.11's private attribute; prisma 0.15 calls it _internal_engine and has __slots__.
CLIENT_REPAIR = """

Prisma._Prisma__engine = property(lambda self: self._internal_engine, lambda self, v: setattr(self, "_internal_engine", v))
"""
CONCURRENT_INDEX = re.compile(r'^\s*CREATE\s+INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?"([^"]+)"', re.IGNORECASE | re.MULTILINE)


class LiteLLMDatabaseError(Exception):
    """A step of the set-up failed; the message says which, and what the program that ran said."""


def install_engine(node_bin: Path, target: Path) -> None:
    """Install the query engine and its packages into `target`, unless exactly this is there already.

    Needs the package registry the first time. `npm_config_cache` says where npm keeps its downloads; unless it is
    set, that is `cache/npm` beside `target`.
    """
    node = _real_node(node_bin)
    stamp = _digest(str(node).encode(), *_sources_content())
    with _locked(target.with_name(f"{target.name}.lock")):
        if _stamped(target / STAMP, stamp):
            return
        (target / STAMP).unlink(missing_ok=True)
        shutil.copytree(ENGINE_SOURCES, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules", "test"))
        _link(target / "bin" / "node", node)
        _npm_ci(node_bin, target)
        (target / STAMP).write_text(stamp)


def generate_client(litellm_venv: Path, engine: Path, node_bin: Path) -> None:
    """Generate the Python client for LiteLLM's schema into its virtual environment, unless it is there already."""
    site = _site_packages(litellm_venv)
    schema = site / "litellm" / "proxy" / "schema.prisma"
    stamp = _digest(schema.read_bytes(), CLIENT_REPAIR.encode(), (engine / "package-lock.json").read_bytes())
    with _locked(litellm_venv / f"{CLIENT_STAMP}.lock"):
        if _stamped(litellm_venv / CLIENT_STAMP, stamp):
            return
        (litellm_venv / CLIENT_STAMP).unlink(missing_ok=True)
        command = [str(litellm_venv / "bin" / "prisma"), "generate", "--schema", str(schema)]
        _run("prisma generate", command, env=_generate_environment(litellm_venv, engine, node_bin))
        _repair_client(site / "prisma" / "client.py")
        (litellm_venv / CLIENT_STAMP).write_text(stamp)


def engine_environment(engine: Path, node_bin: Path) -> dict[str, str]:
    """The variables that a LiteLLM process needs to use the engine.

    PATH is this process's own with the needed folders in front; nothing may come before those, or LiteLLM would
    run its virtual environment's `prisma`, which takes 8 seconds, in place of the one here.
    """
    return {
        "PRISMA_QUERY_ENGINE_BINARY": str(engine / "bin" / "query-engine"),
        "DISABLE_SCHEMA_UPDATE": "true",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "PATH": _path(engine / "bin", node_bin),
    }


def migrate(psql: Path, url: str, migrations: Path) -> int:
    """Apply the migrations that the database does not record yet, in order; returns how many those were.

    Each migration and its record are one transaction, so an interrupted run is simply run again. The exception is
    an index built CONCURRENTLY, which no transaction may hold: half-built, it is dropped and built anew.
    Raises LiteLLMDatabaseError that names the migration that failed.
    """
    command = [str(psql), "-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-f", "-"]
    env = {**os.environ, **libpq_environment(url)}
    done = subprocess.run(command, input=migration_script(migrations), env=env, text=True, capture_output=True, check=False)
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
    unless_recorded = f"WHERE NOT EXISTS (SELECT FROM _prisma_migrations WHERE migration_name = {_quoted(name)} AND finished_at IS NOT NULL)"
    return f"\\echo {_quoted(AT + name)}\n" + "".join(f"SELECT {_quoted(step)} {unless_recorded} \\gexec\n" for step in steps)


def _record(name: str, checksum: str) -> str:
    """Record `name` as applied. An attempt of Prisma's own that never finished is closed, or Prisma would refuse to go on."""
    return (
        "UPDATE _prisma_migrations SET rolled_back_at = now()"
        f" WHERE migration_name = {_quoted(name)} AND finished_at IS NULL AND rolled_back_at IS NULL;\n"
        "INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, applied_steps_count)"
        f" VALUES (gen_random_uuid()::text, '{checksum}', now(), {_quoted(name)}, 1) RETURNING '{APPLIED}' || migration_name"
    )


def _drop_if_invalid(index: str) -> str:
    """An interrupted CREATE INDEX CONCURRENTLY leaves an index that is never used, and that IF NOT EXISTS takes for done."""
    return (
        "DO $drop$ BEGIN IF EXISTS (SELECT FROM pg_index WHERE NOT indisvalid AND indexrelid = to_regclass("
        f"quote_ident({_quoted(index)}))) THEN EXECUTE format('DROP INDEX %I', {_quoted(index)}); END IF; END $drop$"
    )


def _quoted(text: str) -> str:
    """`text` as a literal for SQL and for psql's own commands; psql looks for variables in neither."""
    return "'" + text.replace("'", "''") + "'"


def _real_node(node_bin: Path) -> Path:
    """Node's own program. A virtual environment's `node` is a Python script that runs it."""
    return Path(_run("node", [str(node_bin / "node"), "-p", "process.execPath"]).strip())


def _npm_ci(node_bin: Path, target: Path) -> None:
    env = {
        "npm_config_cache": str(target.parent / "cache" / "npm"),
        **os.environ,
        "PATH": _path(target / "bin", node_bin),
        "npm_config_update_notifier": "false",
    }
    command = [str(node_bin / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    _run("npm ci", command, cwd=target, env=env)


def _generate_environment(litellm_venv: Path, engine: Path, node_bin: Path) -> dict[str, str]:
    """Both engines have to be named and both caches to be the engine's folder, or Prisma starts to download."""
    return {
        **os.environ,
        "HOME": str(engine / ".home"),
        "PRISMA_HOME_DIR": str(engine / ".home"),
        "PRISMA_BINARY_CACHE_DIR": str(engine),
        "PRISMA_QUERY_ENGINE_BINARY": str(engine / "bin" / "query-engine"),
        "PRISMA_SCHEMA_ENGINE_BINARY": str(engine / "bin" / "schema-engine"),
        "CHECKPOINT_DISABLE": "1",
        "PRISMA_HIDE_UPDATE_MESSAGE": "1",
        "PATH": _path(litellm_venv / "bin", engine / "bin", node_bin),
    }


def _repair_client(client: Path) -> None:
    source = client.read_text(encoding="utf-8")
    if "_Prisma__engine" not in source:
        client.write_text(source + CLIENT_REPAIR, encoding="utf-8")


def _site_packages(venv: Path) -> Path:
    code = "import json, sysconfig; print(json.dumps(sysconfig.get_path('purelib')))"
    return Path(json.loads(_run("python", [str(venv / "bin" / "python"), "-c", code])))


def _sources_content() -> Iterator[bytes]:
    for file in sorted(ENGINE_SOURCES.rglob("*")):
        inside = file.relative_to(ENGINE_SOURCES)
        if file.is_file() and inside.parts[0] not in {"node_modules", "test"}:
            yield str(inside).encode() + file.read_bytes()


def _digest(*contents: bytes) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def _stamped(stamp: Path, content: str) -> bool:
    return stamp.is_file() and stamp.read_text() == content


def _link(link: Path, to: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(to)


def _path(*first: Path) -> str:
    return os.pathsep.join([*map(str, first), os.environ.get("PATH", os.defpath)])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two stacks that are set up at the same time take turns. The lock ends with the process, however that ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(what: str, command: list[str], *, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(command, env=env, cwd=cwd, text=True, capture_output=True, check=False)
    except OSError as error:
        raise LiteLLMDatabaseError(f"{what} could not be started: {error}") from error
    if done.returncode:
        raise LiteLLMDatabaseError(f"{what} failed with status {done.returncode}:\n{(done.stderr or done.stdout).strip()}")
    return done.stdout
