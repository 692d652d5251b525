"""A worker is not left behind, and takes its share of what all may hold."""

import signal
import subprocess
import sys
from pathlib import Path

from api.config import Settings
from api.workers import share_of
from tests.support.processes import ROOT

PARENT = """
import multiprocessing, pathlib, sys, time
from api.workers import end_with_parent

def work(directory):
    print('works', flush=True)
    end_with_parent(directory)
    time.sleep(600)

if __name__ == '__main__':
    multiprocessing.get_context('spawn').Process(target=work, args=(pathlib.Path(sys.argv[1]),)).start()
    time.sleep(600)
"""


def test_the_bytes_in_flight_are_divided_among_them(settings: Settings) -> None:
    share = share_of(settings.model_copy(update={"max_bytes_in_flight": 1000}), 3)
    assert share == settings.model_copy(update={"max_bytes_in_flight": 333})


def test_a_worker_whose_parent_was_killed_is_told_to_stop_and_their_directory_is_gone(tmp_path: Path) -> None:
    (program := tmp_path / "parent.py").write_text(PARENT)
    (directory := tmp_path / "workers").mkdir()
    command = [sys.executable, str(program), str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={"PYTHONPATH": str(ROOT)}, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "works\n"
        parent.send_signal(signal.SIGKILL)
        # The worker has the same standard output, which ends with it.
        assert parent.stdout.read() == ""
    assert not directory.exists()
