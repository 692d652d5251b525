"""The part `parsers`: the properties in tests/unit_tests/api, with as many and with other examples than `make unit_tests` tries."""

import re
import subprocess
import sys
import time

from tests.fuzz.drive import Tally
from tests.fuzz.findings import Findings
from tests.support.processes import ROOT

PART = "parsers"
_TRIED = re.compile(r"(\d+) passing, (\d+) failing")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)(?: - (.*))?$", re.MULTILINE)


def run(findings: Findings, *, seed: int, examples: int) -> Tally:
    """Each property with so many examples. What fails is told by hypothesis, with the smallest example it found."""
    tally, started = Tally(PART), time.monotonic()
    # The plugin marks what is a property; a time limit is for tests whose number of examples is fixed.
    choice = ("tests/unit_tests/api", "-m", "hypothesis", "--timeout=0", "-rfE")
    profile = ("--hypothesis-profile=fuzz", f"--hypothesis-seed={seed}", "--hypothesis-show-statistics")
    command = [sys.executable, "-m", "pytest", *choice, *profile]
    output = _run(command, examples)
    tried = [(int(passed), int(failed)) for passed, failed in _TRIED.findall(output)]
    passed, failed = (sum(column) for column in zip(*tried, strict=True)) if tried else (0, 0)
    tally.inputs = passed + failed
    tally.answers.update({"hold": passed, "fail": failed})
    for test, why in _FAILED.findall(output):
        findings.add(PART, f"{test.rpartition('::')[2]} ({why[:80]})", test.encode(), output.encode())
    tally.seconds = time.monotonic() - started
    return tally


def _run(command: list[str], examples: int) -> str:
    environment = {"FUZZ_EXAMPLES": str(examples), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    lines = []
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            lines.append(line)
            if line.startswith((".", "F")):
                print(f"{PART}: {line.rstrip()}", file=sys.stderr, flush=True)
    # 5: there was none. An interpreter that cannot run them must not look like success.
    assert process.returncode in (0, 1), "".join(lines)[-4000:]
    return "".join(lines)
