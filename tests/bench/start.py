"""Imports beside LiteLLM's, the time until the API answers, its memory, and what it loads although nobody asked for it."""

import json
import subprocess
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import httpx

from local_stack import bootstrap
from tests.bench.load import memory
from tests.bench.plain import over_of
from tests.bench.report import Row, Target
from tests.bench.run import Run
from tests.bench.servers import TRACED, bare_settings
from tests.support.processes import ROOT, free_port

PART = "start"
MODULES = {"api.main": "app", "litellm": "litellm"}  # and the environment that each lives in
USED = (
    "import json, resource, {0}; used = resource.getrusage(resource.RUSAGE_SELF);"
    "print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1000]))"
)
IDLE = ("mcp", "opentelemetry.sdk")
READY_WITHIN = 60  # seconds, after which it is not measured


async def measure(run: Run) -> list[Row]:
    return [*_imports(run), _ready(run), _idle(run), *_loaded(run)]


def _imports(run: Run) -> list[Row]:
    cpus: dict[str, list[float]] = {module: [] for module in MODULES}
    sizes: dict[str, list[float]] = {module: [] for module in MODULES}
    for _ in run.repeats(f"{PART}: imports"):
        for module, environment in MODULES.items():
            seconds, megabytes = _imported(module, environment)
            cpus[module].append(seconds)
            sizes[module].append(megabytes)
    ours, theirs = MODULES
    return [
        Row(PART, f"import {ours}, CPU", median(cpus[ours]), "s", over_of(cpus[ours], cpus[theirs]), "import litellm",
            Target(0.4)),
        Row(PART, f"import {ours}, memory", median(sizes[ours]), "MB", over_of(sizes[ours], sizes[theirs]), "import litellm",
            Target(0.5)),
    ]  # fmt: skip


def _imported(module: str, environment: str) -> tuple[float, float]:
    """Seconds of CPU and megabytes at most, of an interpreter that imports it and ends."""
    command = [str(bootstrap.venv(environment) / "bin" / "python"), "-c", USED.format(module)]
    # LiteLLM would fetch its prices otherwise.
    settings = {"PATH": "/usr/bin:/bin", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    done = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=True)
    seconds, megabytes = json.loads(done.stdout.splitlines()[-1])
    return seconds, megabytes


def _ready(run: Run) -> Row:
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        times = [_started(run, log)[0] for _ in run.repeats(f"{PART}: until it answers")]
    return Row(PART, "until it answers", median(times), "s", target=Target(1.2, of="value"))


def _started(run: Run, log: Path, *options: str) -> tuple[float, str]:
    """Seconds until /health answered, and what it wrote until then."""
    port, upstream = free_port(), run.servers.upstream.target.url
    settings = {"PATH": "/usr/bin:/bin", **bare_settings(upstream)}
    python = str(bootstrap.venv("app") / "bin" / "python")
    began = monotonic()
    with log.open("wb") as output:
        command = [python, *options, "-m", "api", "--port", str(port)]
        process = subprocess.Popen(command, cwd=ROOT, env=settings, stdout=output, stderr=output)
    try:
        while not _answers(port):
            assert process.poll() is None, log.read_text(encoding="utf-8")[-2000:]
            assert monotonic() - began < READY_WITHIN, f"The API did not answer within {READY_WITHIN} s"
            sleep(0.01)
        return monotonic() - began, log.read_text(encoding="utf-8")
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _idle(run: Run) -> Row:
    api = run.servers.api("idle", run.servers.upstream.target.url, run.servers.tracing)
    sleep(run.seconds(2))
    return Row(PART, f"memory at rest, {TRACED}", memory(api.pid), "MB", target=Target(110, of="value"))


def _loaded(run: Run) -> list[Row]:
    """1 for what is imported although tracing is off and no server of tools is configured."""
    with TemporaryDirectory() as folder:
        empty = Path(folder) / "log"
        told = _started(run, empty, "-X", "importtime")[1]
    names = {line.rpartition("|")[2].strip() for line in told.splitlines() if line.startswith("import time:")}
    return [
        Row(
            PART,
            f"{module} imported, neither tools nor tracing",
            float(module in names),
            "",
            target=Target(0, of="value"),
        )
        for module in IDLE
    ]
