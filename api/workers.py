"""Several processes on one port: uvicorn's supervisor, and what each of the servers that it starts is."""

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from multiprocessing import parent_process
from pathlib import Path
from tempfile import mkdtemp
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from uvicorn import Config
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from api.colleagues import Colleagues
from api.config import Settings, load_settings
from api.garbage_collection import collect_at_safe_points, keep_for_good
from api.loading import load

if TYPE_CHECKING:
    from api.main import Application

# Seconds after which a worker that does not even run is replaced. Its first answer comes after its imports, on a busy machine too.
ANSWERS_WITHIN: Final = 30
# Bytes of a path to which a socket's own name can still be added; the least of all systems is 104 with it.
LONGEST_PATH: Final = 78


class Supervisor(Multiprocess):
    """Replaces workers that die, and ends them all when it is told to stop."""

    def keep_subprocess_alive(self) -> None:
        # Of the pipe by which a worker says that it lives, its end has to be its alone: open here as well, the pipe of one that
        # died while it was asked would not end, and nothing else would be done until its time was up.
        for process in self.processes:
            process.child_conn.close()
        super().keep_subprocess_alive()

    def terminate_all(self) -> None:
        # Open here, the port would go on to take connections that nobody serves, until the last stream has ended.
        for listening in self.sockets:
            listening.close()
        super().terminate_all()


def supervise(workers: int, options: Mapping[str, Any]) -> None:
    """Serves in so many processes until it is told to stop; `options` are uvicorn's.

    Exits as one process does if the application cannot start.
    """
    with _directory() as directory:
        application = partial(worker_application, directory, workers)
        config = Config(
            application, factory=True, workers=workers, timeout_worker_healthcheck=ANSWERS_WITHIN, **options
        )
        supervisor = Supervisor(config, [config.bind_socket()])
        supervisor.run()
        if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
            sys.exit(STARTUP_FAILURE)


def worker_application(directory: Path, workers: int) -> "Application":
    """What one of the workers serves; called once, in its own process."""
    Thread(target=end_with_parent, args=(directory,), name="parent", daemon=True).start()
    collect_at_safe_points()
    try:
        load()
        keep_for_good()
        return _application(directory, workers)
    except Exception:  # noqa: BLE001 - any other worker would fail on it too
        traceback.print_exc()
        sys.exit(STARTUP_FAILURE)  # any other status has the supervisor try again for ever


def _application(directory: Path, workers: int) -> "Application":
    from api.main import create_app

    return create_app(share_of(load_settings(), workers), colleagues=Colleagues(directory))


def share_of(settings: Settings, workers: int) -> Settings:
    """The settings of one of them: it is LiteLLM's memory that the bytes in flight take, and there is one LiteLLM."""
    return settings.model_copy(update={"max_bytes_in_flight": settings.max_bytes_in_flight // workers})


@contextmanager
def _directory() -> Iterator[Path]:
    """Where the workers meet, readable by this user alone; gone with the last of them."""
    try:
        directory = Path(mkdtemp(prefix="reasoning-api-"))
    except OSError as error:
        sys.exit(f"Several workers need a directory for temporary files (TMPDIR): {error}")
    if len(os.fsencode(directory)) > LONGEST_PATH:
        directory.rmdir()
        sys.exit(
            f"Several workers need a shorter path to temporary files (TMPDIR): {directory} is too long for a socket."
        )
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def end_with_parent(directory: Path) -> None:
    """Without its parent nobody would replace a worker, or tell it to stop; killed, the parent cannot say so itself."""
    if (parent := parent_process()) is not None:
        parent.join()
        shutil.rmtree(directory, ignore_errors=True)
        os.kill(os.getpid(), signal.SIGTERM)
