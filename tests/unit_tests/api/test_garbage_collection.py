"""That garbage is collected, and never in the midst of setting a context variable. Each in a process of its own."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from api import garbage_collection

ROOT = Path(__file__).parents[3]

# Finalizers that set a context variable, as tracing's do, while others are being set.
FINALIZERS = """
    import contextvars

    variables = [contextvars.ContextVar(str(number)) for number in range(64)]

    class Finalized:
        def __init__(self):
            self.cycle = self

        def __del__(self):
            variables[0].set(object())

    def work():
        for number in range(400_000):
            Finalized()
            variables[number % 64].set(object())
            if number % 7 == 0:
                contextvars.ContextVar("more").set(number)
            if number % 3_000 == 0:
                contextvars.copy_context().run(lambda: None)

    for _ in range(ROUNDS):
        contextvars.copy_context().run(work)
    """
SAFELY = "from api.garbage_collection import collect_at_safe_points\ncollect_at_safe_points()\n"


def _run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.mark.skipif(not garbage_collection.NEEDED, reason="Python 3.12 and later do not crash by themselves")
def test_without_it_this_python_crashes() -> None:
    # What is read after it was freed may still be there, so it does not always die at once.
    assert _run("ROUNDS = 50\n" + textwrap.dedent(FINALIZERS)).returncode == -11


def test_finalizers_may_set_context_variables() -> None:
    done = _run(SAFELY + "ROUNDS = 8\n" + textwrap.dedent(FINALIZERS))
    assert (done.returncode, done.stderr) == (0, "")


CYCLES = """
    import gc, time, weakref

    class Cycle:
        def __init__(self):
            self.cycle = self

    def old():
        "Garbage that has survived to the oldest generation."
        cycle = Cycle()
        gc.collect()
        return weakref.ref(cycle)

    gc.set_threshold(700, 1, 1)
    references = [old(), weakref.ref(Cycle())]
    deadline = time.monotonic() + 60
    while any(reference() for reference in references) and time.monotonic() < deadline:
        for _ in range(1_000):
            Cycle()
        time.sleep(0.01)
    print([reference() for reference in references])
    """


def test_garbage_of_every_age_is_collected() -> None:
    assert _run(SAFELY + textwrap.dedent(CYCLES)).stdout == "[None, None]\n"


PROGRAMS = {
    "api": ("api", "uvicorn", "def run(*_, **__): report()"),
    "LiteLLM": ("local_stack.litellm_server", "litellm", "def run_server(): report()"),
    "Phoenix": ("local_stack.phoenix_server", "phoenix/server/main", "def main(): report()"),
}
CONFIGURED = {"LLM_API_KEY": "sk-virtual", "API_TOKENS": "token"}
REPORT = """
import gc, sys
def report(): print(gc.isenabled(), any(place in ("", {root!r}) for place in sys.path))
"""


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_server_is_started_with_it(tmp_path: Path, name: str) -> None:
    module, server, definition = PROGRAMS[name]
    double = tmp_path / f"{server}.py"
    double.parent.mkdir(parents=True, exist_ok=True)
    double.write_text(REPORT.format(root=str(ROOT)) + definition)
    (tmp_path / "grpc.py").write_text("class aio: server = None")
    done = subprocess.run(
        [sys.executable, "-m", module], cwd=ROOT, env={"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path), **CONFIGURED},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    sees_checkout = module == "api"
    assert (done.stdout, done.stderr) == (f"{not garbage_collection.NEEDED} {sees_checkout}\n", "")


def test_what_is_kept_for_good_is_not_looked_at_again() -> None:
    program = """
        import gc
        from api.garbage_collection import keep_for_good
        before = len(gc.get_objects())
        keep_for_good()
        print(gc.get_freeze_count() >= before * 0.9, len(gc.get_objects()) < before * 0.1)
        """
    done = _run(textwrap.dedent(program))
    assert (done.stdout, done.stderr) == ("True True\n", "")
