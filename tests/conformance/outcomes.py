"""What a suite found: one outcome for each of its cases, read from its own report."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from xml.etree import ElementTree as ET

# PASS  Model discovery           Discovered 26 models
CANARY_LINE = re.compile(r"^(PASS|FAIL|WARN)\s+(.+?)\s{2,}(.*)$", re.MULTILINE)


class Status(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`errors` says why it failed, or was skipped; `warnings` is what the suite found, but lets pass."""

    case: str
    status: Status
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def of_llm_comply(report: str) -> list[Outcome]:
    """From the JSON that `llm-comply --json` prints. Raises ValueError if it is none."""
    results = json.loads(report)["results"]
    return [
        Outcome(
            result["id"], Status(result["status"]), tuple(result.get("errors", ())), tuple(result.get("warnings", ()))
        )
        for result in results
    ]


def of_compatcanary(report: str) -> list[Outcome]:
    """From the lines that `compatcanary scan` prints. It lets a warning pass."""
    return [_of_line(*line) for line in CANARY_LINE.findall(report)]


def _of_line(mark: str, case: str, detail: str) -> Outcome:
    if mark == "FAIL":
        return Outcome(case, Status.FAILED, (detail,))
    return Outcome(case, Status.PASSED, warnings=(detail,) if mark == "WARN" else ())


def of_junit(report: str) -> list[Outcome]:
    """From pytest's JUnit XML. Raises xml.etree.ElementTree.ParseError."""
    return [_of_test(test) for test in ET.fromstring(report).iter("testcase")]  # noqa: S314 - pytest's own, made just now


def _of_test(test: ET.Element) -> Outcome:
    case = test.get("name", "")
    if failures := list(_messages(test, "failure", "error")):
        return Outcome(case, Status.FAILED, tuple(failures))
    if skips := list(_messages(test, "skipped")):
        return Outcome(case, Status.SKIPPED, tuple(skips))
    return Outcome(case, Status.PASSED)


def _messages(test: ET.Element, *kinds: str) -> Iterator[str]:
    for kind in kinds:
        for element in test.iter(kind):
            yield element.get("message") or element.text or kind
