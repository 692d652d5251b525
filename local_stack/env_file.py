"""The instance's .env: made once from the example, with secrets generated, and changed line by line afterwards."""

from __future__ import annotations

import io
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from dotenv import dotenv_values

OWNER_ONLY = 0o600


class EnvFileError(Exception):
    """The .env file cannot be made or read; the message says why."""


def _hex() -> str:
    return secrets.token_hex(24)


def _key() -> str:
    """LiteLLM takes a master key only if it starts with sk-."""
    return f"sk-{_hex()}"


GENERATED: dict[str, Callable[[], str]] = {
    "API_TOKENS": lambda: f"rk-{_hex()}",
    "LITELLM_MASTER_KEY": _key,
    "LITELLM_SALT_KEY": _key,
    "LITELLM_POSTGRES_PASSWORD": _hex,
    "PHOENIX_POSTGRES_PASSWORD": _hex,
}
MINTED = ("LITELLM_API_KEY", "LITELLM_TEST_KEY", "LITELLM_EVAL_KEY")


def read(path: Path) -> dict[str, str]:
    """Values as they stand: ``$`` is not expanded, so that a password may hold one. Raises EnvFileError."""
    try:
        written = dotenv_values(stream=io.StringIO(path.read_text(encoding="utf-8")), interpolate=False)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise EnvFileError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise EnvFileError(f"{path} cannot be read: it is not text in UTF-8") from error
    return {name: value for name, value in written.items() if value is not None}


def with_values(text: str, values: Mapping[str, str]) -> str:
    """Sets each name on its own line where it has one, comments kept, and at the end where it has none."""
    for name, value in values.items():
        line = f"{name}={value}"
        text, count = re.subn(rf"(?m)^[ \t]*(?:export[ \t]+)?{name}[ \t]*=.*$", line.replace("\\", r"\\"), text)
        if not count:
            text = f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n"
    return text


def write(path: Path, text: str) -> None:
    """In one step, so that a reader never sees half a file; readable by the owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".env.")
    try:
        os.fchmod(descriptor, OWNER_ONLY)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def set_values(path: Path, values: Mapping[str, str]) -> None:
    write(path, with_values(path.read_text(), values))


def ensure(path: Path, example: Path) -> list[str]:
    """Makes the file if there is none and fills in secrets that are empty; returns the names of those it generated."""
    if not path.exists() and not example.exists():
        raise EnvFileError(f"{example} is missing: it is the pattern for {path}")
    text = path.read_text() if path.exists() else example.read_text()
    present = read(path if path.exists() else example)
    missing = {name: generate() for name, generate in GENERATED.items() if not present.get(name, "").strip()}
    if missing or not path.exists():
        write(path, with_values(text, missing))
    elif path.stat().st_mode & 0o077:
        path.chmod(OWNER_ONLY)
    return list(missing)
