"""The evaluations on the real stack: they run, they report, and the evaluation key pays for them."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from local_stack import bootstrap, env_file
from local_stack.instance import Instance

# Seconds. LiteLLM books spend in batches, so what earlier tests spent may still be on its way.
BOOKED_WITHIN = 90.0
QUIET = 15.0


def evaluate(instance: Instance, report: Path, *words: str) -> tuple[str, dict[str, Any]]:
    where = ["--state-dir", str(instance.state), "--limit", "6", "--report", str(report)]
    command = [sys.executable, "-m", "tests.evaluations", *where, *words]
    done = subprocess.run(command, cwd=bootstrap.ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout, json.loads(report.read_text())


def spend(instance: Instance, name: str) -> float:
    key = env_file.read(instance.env_file)[name]
    answer = httpx.get(
        instance.url("litellm", "/key/info"), headers={"authorization": f"Bearer {key}"}, timeout=30, trust_env=False
    )
    return float(answer.raise_for_status().json()["info"]["spend"])


def eventually(figure: Callable[[], float], at_least: float) -> float:
    deadline = time.monotonic() + BOOKED_WITHIN
    while (value := figure()) < at_least and time.monotonic() < deadline:
        time.sleep(0.5)
    return value


def settled_spend(instance: Instance) -> dict[str, float]:
    """What the two keys have spent, once nothing has been booked for a while."""
    names = ("LITELLM_EVAL_KEY", "LITELLM_API_KEY")
    figures, since = {name: spend(instance, name) for name in names}, time.monotonic()
    while time.monotonic() - since < QUIET:
        time.sleep(1)
        newer = {name: spend(instance, name) for name in names}
        if newer != figures:
            figures, since = newer, time.monotonic()
    return figures


@pytest.mark.timeout(400)
def test_both_parts_are_scored_and_the_evaluation_key_alone_pays(stack: Instance, tmp_path: Path) -> None:
    before = settled_spend(stack)
    # A busy machine must not turn a decision into a fallback, whose cost nobody tells.
    printed, figures = evaluate(stack, tmp_path / "report.json", "--classifier-timeout", "60")

    assert figures["routing"]["cases"] == 6
    assert figures["routing"]["fallbacks"] == {}
    assert set(figures["answers"]) == {"passthrough", "reasoning"}
    # Whoever was asked for did answer, and what it took was counted.
    for path, of in figures["answers"].items():
        assert of["taken"] == {path: 6}
        assert of["tokens"] > 0
    assert "Routing: 6 cases" in printed
    assert "its scores mean nothing" in printed

    cost = figures["routing"]["cost_dollars"] + sum(of["cost_dollars"] for of in figures["answers"].values())
    assert cost > 0
    paid = eventually(lambda: spend(stack, "LITELLM_EVAL_KEY") - before["LITELLM_EVAL_KEY"], cost * 0.999)
    assert paid == pytest.approx(cost, rel=1e-6)
    assert spend(stack, "LITELLM_API_KEY") == before["LITELLM_API_KEY"]


@pytest.mark.timeout(240)
def test_a_classifier_that_is_too_slow_counts_as_a_fallback(stack: Instance, tmp_path: Path) -> None:
    _, figures = evaluate(stack, tmp_path / "report.json", "--only", "routing", "--classifier-timeout", "0.001")
    assert figures["routing"]["fallbacks"] == {"the classifier failed: no choice within 0.001 s": 6}
    assert figures["routing"]["recall"]["reasoning"] == 0


@pytest.mark.timeout(240)
def test_no_key_is_printed(stack: Instance, tmp_path: Path) -> None:
    printed, _ = evaluate(stack, tmp_path / "report.json", "--only", "answers", "--paths", "auto")
    assert not re.search(r"\b[sr]k-[0-9A-Za-z]", printed + (tmp_path / "report.json").read_text())


def test_a_wrong_path_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.evaluations", "--paths", "fastest"]
    done = subprocess.run(command, cwd=bootstrap.ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "passthrough, reasoning, auto" in done.stderr
