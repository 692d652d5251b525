"""``python -m local_stack.run_service FILE``: becomes the service that FILE describes.

supervisord starts every service through this, so that no secret stands in supervisord's configuration or in a command
line, the environment is exactly the one described, and nothing of a killed predecessor is in the way.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from local_stack import processes
from local_stack.instance import SERVICE_MARKER, STATE_MARKER


def clear_the_way(state: Path, service: str) -> None:
    processes.end(processes.leftovers(state, service), patience=5)
    if service == "postgres":
        # No server of this folder is left, so its lock file is stale; its pid may already be another process's.
        (state / "postgres" / "postmaster.pid").unlink(missing_ok=True)


def main(file: Path) -> None:
    definition = json.loads(file.read_text())
    environment = definition["environment"]
    clear_the_way(Path(environment[STATE_MARKER]), environment[SERVICE_MARKER])
    os.chdir(definition["directory"])
    command = definition["command"]
    try:
        os.execve(command[0], command, environment)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.exit(f"{command[0]} cannot be started: {error.strerror}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
