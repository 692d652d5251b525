"""The part `description`: requests that schemathesis makes of the live /openapi.json, with a token and without."""

import re
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz.drive import Tally
from tests.fuzz.findings import Findings
from tests.fuzz.watch import LogWatch
from tests.support.api import TOKEN, RunningAPI

PART = "description"
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,allow_header_conformance,response_headers_conformance"
)
_GENERATED = re.compile(r"(\d+) generated")
_FAILURE = re.compile(r"^_{3,} (?P<where>.+?) _{3,}$(?P<said>.*?)(?=^_{3,} |\Z)", re.MULTILINE | re.DOTALL)
_KIND = re.compile(r"^- (.+)$", re.MULTILINE)


def run(api: RunningAPI, findings: Findings, directory: Path, *, seed: int, examples: int) -> Tally:
    """So many examples of each operation and phase, twice."""
    tally, started, log = Tally(PART), time.monotonic(), LogWatch(api.log)
    for who, header in (("with a token", f"Authorization: Bearer {TOKEN}"), ("without a token", "X-Nobody: 1")):
        print(f"{PART}: {who} ...", file=sys.stderr, flush=True)
        output = _run(api, header, directory, seed, examples)
        tally.inputs += sum(map(int, _GENERATED.findall(output)[-1:]))
        for failure in _FAILURE.finditer(output):
            for kind in set(_KIND.findall(failure["said"])) - {""}:
                findings.add(PART, f"{failure['where']} {who}: {kind}", failure["said"].encode(), output.encode())
    for traceback in log.tracebacks():
        findings.add(PART, "a traceback in the log", b"", traceback.encode())
    tally.seconds = time.monotonic() - started
    return tally


def _run(api: RunningAPI, header: str, directory: Path, seed: int, examples: int) -> str:
    program = str(Path(sys.executable).with_name("schemathesis"))
    what = ["--phases", "examples,coverage,fuzzing", "--max-examples", str(examples), "--seed", str(seed)]
    how = ["--checks", CHECKS, "--generation-database", "none", "--request-timeout", "60", "--no-color"]
    command = [program, "run", f"{api.url}/openapi.json", *what, *how, "--header", header]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    # 1: it found something. Anything else: it could not look.
    assert done.returncode in (0, 1), output[-4000:]
    return output
