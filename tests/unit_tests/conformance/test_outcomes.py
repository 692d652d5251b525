"""Each suite's report, as the suite writes it, becomes one outcome a case."""

import json

from tests.conformance.outcomes import Outcome, Status, of_compatcanary, of_junit, of_llm_comply

CANARY = """
CompatCanary 0.2.2
Target: http://127.0.0.1:1/v1

PASS  Model discovery           Discovered 26 models; selected model is listed
FAIL  Strict structured output  HTTP 400 from /chat/completions
WARN  Chat streaming            No usage
Score: 76/100
"""
JUNIT = """<testsuites><testsuite name="pytest">
<testcase name="test_stream[a]" time="0.1"/>
<testcase name="test_pdf"><skipped type="pytest.skip" message="no PDF"/></testcase>
<testcase name="test_json"><failure message="AssertionError: no">trace</failure></testcase>
<testcase name="test_set_up"><error message="no model">trace</error></testcase>
</testsuite></testsuites>"""


def test_llm_complys_json_keeps_errors_and_warnings() -> None:
    results = [
        {"id": "basic", "status": "failed", "errors": ["a", "b"], "warnings": ["w"]},
        {"id": "image", "status": "skipped", "errors": ["no images"]},
        {"id": "system", "status": "passed"},
    ]
    assert of_llm_comply(json.dumps({"results": results})) == [
        Outcome("basic", Status.FAILED, ("a", "b"), ("w",)),
        Outcome("image", Status.SKIPPED, ("no images",)),
        Outcome("system", Status.PASSED),
    ]


def test_compatcanarys_lines_become_cases_and_a_warning_is_no_failure() -> None:
    assert of_compatcanary(CANARY) == [
        Outcome("Model discovery", Status.PASSED),
        Outcome("Strict structured output", Status.FAILED, ("HTTP 400 from /chat/completions",)),
        Outcome("Chat streaming", Status.PASSED, warnings=("No usage",)),
    ]


def test_pytests_errors_count_as_failures() -> None:
    assert of_junit(JUNIT) == [
        Outcome("test_stream[a]", Status.PASSED),
        Outcome("test_pdf", Status.SKIPPED, ("no PDF",)),
        Outcome("test_json", Status.FAILED, ("AssertionError: no",)),
        Outcome("test_set_up", Status.FAILED, ("no model",)),
    ]
