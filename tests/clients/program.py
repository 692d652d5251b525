"""A client's program at work in a project, and what it printed."""

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

LIMIT: Final = 90.0  # seconds, for one run; a second or two is usual
NOWHERE: Final = "http://127.0.0.1:9"  # nobody listens there
# What a program sends anywhere but to this machine does not arrive.
OFFLINE: Final = {"HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "NO_PROXY": "127.0.0.1"}


@dataclass(frozen=True)
class Ran:
    """What a run printed, and how it ended."""

    code: int
    output: str
    errors: str

    @property
    def result(self) -> dict[str, Any]:
        """The output, where it is one JSON object."""
        return json.loads(self.output)  # type: ignore[no-any-return]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The output, where it is one JSON object a line."""
        return [json.loads(line) for line in self.output.splitlines()]


def run(command: Sequence[str], directory: Path, environment: Mapping[str, str], limit: float = LIMIT) -> Ran:
    """The program, run to its end without a person, within so many seconds."""
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=limit)
    except BaseException:
        # With whatever it started: it is the first of a group of its own.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    return Ran(process.returncode, output.strip(), errors.strip())
