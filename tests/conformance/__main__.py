"""``python -m tests.conformance``: every run, its full output, and whether each failure is explained."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from local_stack import env_file
from local_stack.instance import Instance, InstanceError
from local_stack.ports import PortError
from tests.conformance import explanations
from tests.conformance.explanations import Explanation, ExplanationError, Verdict
from tests.conformance.outcomes import Outcome, Status
from tests.conformance.suites import RUNS, Finished, Run, SuiteError, Target
from tests.support.own_stack import StackError, running_stack, setting, stack_of_its_own


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        prog="python -m tests.conformance",
        description="Compatibility suites that others wrote, against the API on a stack. Exit status 0 only if every "
        "failure is explained in tests/conformance/explanations.yaml, and every explanation still needed.",
    )
    arguments.add_argument(
        "--state-dir",
        metavar="DIR",
        help="use the stack that runs with this state; with provider keys in its .env, its models cost money "
        "(default: start one of its own with the demo provider, and stop it afterwards)",
    )
    arguments.add_argument("--only", metavar="TEXT", help="only the runs whose name contains TEXT")
    arguments.add_argument("--list", action="store_true", help="list the runs and end")
    arguments.add_argument("--output-dir", metavar="DIR", type=Path, help="also write each run's full output to DIR")
    arguments.add_argument(
        "--litellm-alone",
        action="store_true",
        help="run them against the stack's LiteLLM instead, to see what it loses; nothing is held to the explanations",
    )
    return arguments


@contextmanager
def stack(state_dir: str | None) -> Iterator[Instance]:
    if state_dir:
        yield running_stack(state_dir)
        return
    with stack_of_its_own("conformance") as instance:
        yield instance


def target_of(instance: Instance, *, litellm_alone: bool) -> Target:
    if litellm_alone:
        return Target(instance.url("litellm", "/v1"), setting(instance, "LITELLM_TEST_KEY"))
    tokens = setting(instance, "API_TOKENS") if env_file.read(instance.env_file).get("REQUIRE_AUTH") != "false" else "-"
    return Target(instance.url("api", "/v1"), tokens.split(",")[0].strip())


def show(run: Run, finished: Finished) -> None:
    """The suite's own output in full, then a line for every case."""
    print(f"\n===== {run.name}: {run.what} =====\n{finished.output.rstrip()}\n", flush=True)
    marks = {Status.PASSED: "✓", Status.FAILED: "✗", Status.SKIPPED: "-"}
    for outcome in finished.outcomes:
        print(f"  {marks[outcome.status]} {outcome.case}{_remarks(outcome)}")
    sys.stdout.flush()


def _remarks(outcome: Outcome) -> str:
    skipped = f" (left out: {'; '.join(outcome.errors)})" if outcome.status is Status.SKIPPED else ""
    return skipped + "".join(f"\n      the suite warns: {warning}" for warning in outcome.warnings)


def show_verdict(name: str, verdict: Verdict) -> None:
    for explanation in dict.fromkeys(explanation for _, explanation in verdict.explained):
        cases = ", ".join(outcome.case for outcome, its in verdict.explained if its is explanation)
        print(f"  {name}: explained: {explanation.cause.splitlines()[0]}\n      {cases}")
    for outcome in verdict.unexplained:
        print(f"  {name}: {outcome.case} FAILS, unexplained:")
        print("".join(f"      {error}\n" for error in outcome.errors), end="")
    for line in verdict.stale:
        print(f"  {name}: {line}")


def summary(name: str, outcomes: Sequence[Outcome], verdict: Verdict | None) -> str:
    counts = Counter(outcome.status for outcome in outcomes)
    failed = f"{counts[Status.FAILED]:>3} failed"
    explained = f" ({len(verdict.explained)} explained)" if verdict and verdict.explained else ""
    return f"{name:<32} {counts[Status.PASSED]:>3} passed, {failed}{explained}, {counts[Status.SKIPPED]:>2} left out"


def perform(runs: Sequence[Run], target: Target, known: list[Explanation] | None, folder: Path | None) -> bool:
    """Whether all is well; `known` is None where nothing is held to the explanations."""
    fine, lines, verdicts = True, [], []
    for run in runs:
        try:
            finished = run.perform(target)
        except SuiteError as error:
            fine = False
            lines.append(f"{run.name:<32} did not run")
            print(f"\n===== {run.name} =====\n{error}", flush=True)
            continue
        show(run, finished)
        if folder:
            write(folder, run, finished)
        verdict = explanations.judge(run.name, finished.outcomes, known) if known is not None else None
        lines.append(summary(run.name, finished.outcomes, verdict))
        if verdict:
            verdicts.append((run.name, verdict))
            fine = fine and verdict.holds
    print("\n===== Summary =====\n" + "\n".join(lines))
    for name, judged in verdicts:
        show_verdict(name, judged)
    return fine


def write(folder: Path, run: Run, finished: Finished) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{run.name}.txt").write_text(f"{run.name}: {run.what}\n\n{finished.output.strip()}\n")


def main(words: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(words)
    runs = [run for run in RUNS if arguments.only is None or arguments.only in run.name]
    if arguments.list or not runs:
        print("\n".join(f"{run.name:<32} {run.what}" for run in RUNS))
        return 0 if arguments.list else 2
    try:
        known = None if arguments.litellm_alone else explanations.load()
        with stack(arguments.state_dir) as instance:
            fine = perform(
                runs, target_of(instance, litellm_alone=arguments.litellm_alone), known, arguments.output_dir
            )
    except (ExplanationError, InstanceError, PortError, StackError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0 if fine or arguments.litellm_alone else 1


if __name__ == "__main__":
    sys.exit(main())
