"""The report says what was found."""

import json

from api.protocol import RoutingMode
from tests.evaluations import report
from tests.evaluations.answers import Answered
from tests.evaluations.dataset import RoutingCase, Task
from tests.evaluations.routing import Decided

P, R = RoutingMode.PASSTHROUGH, RoutingMode.REASONING


def decided(label: RoutingMode, path: RoutingMode, seconds: float = 0.1, *, fell_back: bool = False) -> Decided:
    case = RoutingCase(f"{label}-kind-1", label, "kind", "en", ({"role": "user", "content": "What now?"},))
    return Decided(
        case, path, "the classifier failed: no choice within 1 s" if fell_back else "so", fell_back, seconds, 0.001
    )


def test_the_routings_figures() -> None:
    figures = report.routing_figures([decided(P, P, 0.1), decided(P, R, 0.2), decided(R, P, 0.9, fell_back=True)])
    assert figures["accuracy"] == 1 / 3
    assert figures["confusion"] == {P: {P: 1, R: 1}, R: {P: 1, R: 0}}
    assert figures["latency_seconds"] == {"p50": 0.2, "p95": 0.9}
    assert round(figures["cost_dollars"], 9) == 0.003
    assert figures["fallbacks"] == {"the classifier failed: no choice within 1 s": 1}
    assert [mistake["case"] for mistake in figures["mistakes"]] == ["passthrough-kind-1", "reasoning-kind-1"]


def test_figures_that_do_not_exist_are_null_in_json_and_a_dash_in_words() -> None:
    figures = report.routing_figures([decided(P, P)])
    assert json.loads(json.dumps(figures, allow_nan=False))["recall"]["reasoning"] is None
    assert "reasoning      precision –, recall –" in report.routing_text(figures)


def test_the_routing_in_words() -> None:
    text = report.routing_text(report.routing_figures([decided(P, P), decided(R, P, fell_back=True)]))
    assert "Routing: 2 cases, accuracy 50.0%" in text
    assert "fallbacks to passthrough: 1\n  1 × the classifier failed: no choice within 1 s" in text
    assert "reasoning-kind-1: 'What now?'" in text


def test_the_answers_of_each_path_are_compared() -> None:
    task = Task("sum", "1 + 1?", 2)
    answered = [
        Answered(task, P, "passthrough", "Answer: 3", tokens=5, cost=0.1, seconds=1.0),
        Answered(task, R, "reasoning", "Answer: 2", tokens=50, cost=0.5, seconds=3.0),
        Answered(task, R, problem="HTTP 500: no", seconds=0.5),
    ]
    figures = report.answer_figures(answered)
    assert (figures["passthrough"]["correct"], figures["reasoning"]["correct"]) == (0, 1)
    assert (figures["reasoning"]["tokens"], figures["reasoning"]["cost_dollars"]) == (50, 0.5)
    text = report.answers_text(figures)
    assert "passthrough    0 of 1 correct (0.0%), 5 tokens" in text
    assert "reasoning: sum: wanted 2, got HTTP 500: no" in text
