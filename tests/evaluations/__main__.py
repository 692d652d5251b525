"""``python -m tests.evaluations``: the routing and the answers of the models that are configured, scored."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from api.config import ConfigurationError
from api.protocol import RoutingMode
from local_stack.instance import Instance, InstanceError
from local_stack.ports import PortError
from tests.evaluations import dataset, report
from tests.evaluations.answers import Answered, answer_all
from tests.evaluations.dataset import DataError
from tests.evaluations.routing import Decided, Progress, decide_all
from tests.evaluations.surroundings import api_environment, asks_the_demo, process_environment
from tests.support.api import running_api
from tests.support.own_stack import StackError, stack_as_it_is

DEFAULT_MODEL = "gpt-4o-mini"


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        prog="python -m tests.evaluations",
        description="Routes a labelled set of requests and answers a set of checkable tasks, on a running stack or one "
        "started for it, and reports accuracy, latency and cost. LITELLM_EVAL_KEY pays for all of it.",
    )
    arguments.add_argument("--state-dir", metavar="DIR", help="the stack's state (default: that of `make up`)")
    arguments.add_argument(
        "--classifier-model", metavar="MODEL", help="what routes (default: ROUTING_CLASSIFIER_MODEL)"
    )
    arguments.add_argument(
        "--classifier-timeout", metavar="S", type=_positive(float), help="(default: ROUTING_CLASSIFIER_TIMEOUT)"
    )
    arguments.add_argument("--model", default=DEFAULT_MODEL, help="what answers the tasks (default: %(default)s)")
    arguments.add_argument(
        "--paths",
        type=_paths,
        default=[RoutingMode.PASSTHROUGH, RoutingMode.REASONING],
        help="how the tasks are answered: passthrough, reasoning, auto, separated by commas (default: the first two)",
    )
    arguments.add_argument("--only", choices=("routing", "answers"), help="one of the two parts")
    arguments.add_argument("--limit", metavar="N", type=_positive(int), help="at most N cases, and at most N tasks")
    arguments.add_argument(
        "--concurrency", metavar="N", type=_positive(int), default=4, help="requests at once (default: %(default)s)"
    )
    arguments.add_argument("--report", metavar="FILE", type=Path, help="also write all figures to FILE, as JSON")
    arguments.add_argument(
        "--min-accuracy", metavar="SHARE", type=float, help="exit status 1 if the routing is right less often (0 to 1)"
    )
    return arguments


def _positive(kind: type[int] | type[float]) -> Any:
    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = kind(0)
        if value <= 0:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
        return value

    return parse


def _paths(text: str) -> list[RoutingMode]:
    try:
        return [RoutingMode(name.strip()) for name in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; there are: {', '.join(RoutingMode)}") from None


def progress_of(what: str) -> Progress:
    """A line on standard error for every tenth of the way."""

    def show(done: int, total: int) -> None:
        if done == total or done * 10 // total > (done - 1) * 10 // total:
            print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)

    return show


def evaluate_routing(variables: dict[str, str], arguments: argparse.Namespace) -> list[Decided]:
    cases = dataset.spread(dataset.routing_cases(), arguments.limit)
    with process_environment(variables):
        return asyncio.run(decide_all(cases, concurrency=arguments.concurrency, progress=progress_of("routing")))


def evaluate_answers(variables: dict[str, str], arguments: argparse.Namespace) -> list[Answered]:
    tasks = dataset.spread(dataset.tasks(), arguments.limit)
    told = {
        name: value for name, value in variables.items() if name not in ("LLM_BASE_URL", "LLM_API_KEY", "API_TOKENS")
    }
    url, key = variables["LLM_BASE_URL"], variables["LLM_API_KEY"]
    with (
        tempfile.TemporaryDirectory() as folder,
        running_api(Path(folder), llm_base_url=url, llm_api_key=key, **told) as api,
    ):
        answers = answer_all(
            api,
            tasks,
            arguments.paths,
            model=arguments.model,
            concurrency=arguments.concurrency,
            progress=progress_of("answers"),
        )
        return asyncio.run(answers)


def evaluate(instance: Instance, arguments: argparse.Namespace) -> dict[str, Any]:
    """Runs what was asked for and prints it; returns all figures."""
    chosen = {
        "ROUTING_CLASSIFIER_MODEL": arguments.classifier_model,
        "ROUTING_CLASSIFIER_TIMEOUT": arguments.classifier_timeout,
    }
    variables = api_environment(instance, **{name: str(value) for name, value in chosen.items() if value})
    demo = asks_the_demo(instance)
    if demo:
        print(f"{report.DEMO_NOTICE}\n", flush=True)
    figures: dict[str, Any] = {"demo_provider": demo, "model": arguments.model}
    if arguments.only != "answers":
        decided = evaluate_routing(variables, arguments)
        demo = demo or any(one.reason.startswith("(demo)") for one in decided)
        figures |= {"routing": report.routing_figures(decided), "demo_provider": demo}
        print(f"\n{report.routing_text(figures['routing'])}")
    if arguments.only != "routing":
        figures["answers"] = report.answer_figures(evaluate_answers(variables, arguments))
        print(f"\n{report.answers_text(figures['answers'])}")
    if demo:
        print(f"\n{report.DEMO_NOTICE}")
    return figures


def main(words: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(words)
    try:
        with stack_as_it_is(arguments.state_dir) as instance:
            figures = evaluate(instance, arguments)
    except (ConfigurationError, DataError, InstanceError, PortError, StackError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if arguments.report:
        arguments.report.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n")
        print(f"\nAll figures: {arguments.report}")
    accuracy = figures.get("routing", {}).get("accuracy")
    return int(arguments.min_accuracy is not None and accuracy is not None and accuracy < arguments.min_accuracy)


if __name__ == "__main__":
    sys.exit(main())
