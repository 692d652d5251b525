"""The report, for a reader and as JSON."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from tests.evaluations.answers import Answered
from tests.evaluations.dataset import LABELS
from tests.evaluations.routing import Decided
from tests.evaluations.scoring import confusion, percentile

DEMO_NOTICE = (
    "NOTE: no provider key is set, so the demo provider played every model. It goes by a few patterns:\n"
    "the run shows that the evaluation works, and its scores mean nothing."
)
MOST_MISTAKES = 40


def routing_figures(decided: Sequence[Decided]) -> dict[str, Any]:
    """Everything about the routing; dollars and seconds."""
    table = confusion((one.case.label, one.path) for one in decided)
    seconds = [one.seconds for one in decided]
    return {
        "cases": table.total,
        "accuracy": _figure(table.accuracy),
        "confusion": {label: {path: table.counts[label, path] for path in LABELS} for label in LABELS},
        "precision": {path: _figure(table.precision(path)) for path in LABELS},
        "recall": {path: _figure(table.recall(path)) for path in LABELS},
        "accuracy_by_kind": _accuracy_by(decided, "kind"),
        "accuracy_by_language": _accuracy_by(decided, "language"),
        "latency_seconds": _latencies(seconds),
        "cost_dollars": sum(one.cost for one in decided),
        "fallbacks": dict(Counter(one.reason for one in decided if one.fell_back)),
        "mistakes": [_mistake(one) for one in decided if not one.is_right],
    }


def answer_figures(answered: Sequence[Answered]) -> dict[str, Any]:
    """Everything about the answers, by path."""
    paths = list(dict.fromkeys(one.path for one in answered))
    return {path.value: _path_figures([one for one in answered if one.path is path]) for path in paths}


def routing_text(figures: dict[str, Any]) -> str:
    """The same for a reader."""
    rows = [
        f"  {label:<14}" + "".join(f"{figures['confusion'][label][path]:>14}" for path in LABELS) for label in LABELS
    ]
    shares = [
        f"  {path:<14} precision {_percent(figures['precision'][path])}, recall {_percent(figures['recall'][path])}"
        for path in LABELS
    ]
    kinds = "  ".join(f"{kind} {_percent(share)}" for kind, share in figures["accuracy_by_kind"].items())
    languages = "  ".join(f"{name} {_percent(share)}" for name, share in figures["accuracy_by_language"].items())
    fallbacks = [f"  {count} × {reason}" for reason, count in figures["fallbacks"].items()]
    return "\n".join(
        [
            f"Routing: {figures['cases']} cases, accuracy {_percent(figures['accuracy'])}",
            f"  {'labelled':<14}" + "".join(f"{'to ' + path:>14}" for path in LABELS),
            *rows,
            *shares,
            f"  by kind: {kinds}",
            f"  by language: {languages}",
            f"  latency {_latency_text(figures['latency_seconds'])}, cost ${figures['cost_dollars']:.6f}",
            f"  fallbacks to passthrough: {sum(figures['fallbacks'].values())}",
            *fallbacks,
            *_mistakes_text(figures["mistakes"]),
        ]
    )


def answers_text(figures: dict[str, Any]) -> str:
    """A line for each path, then what went wrong."""
    lines = [
        f"  {path:<12} {of['correct']:>3} of {of['tasks']} correct ({_percent(of['accuracy'])}), "
        f"{of['tokens']} tokens, ${of['cost_dollars']:.6f}, {_latency_text(of['latency_seconds'])}"
        for path, of in figures.items()
    ]
    wrong = [
        f"    {path}: {miss['task']}: wanted {miss['wanted']}, got {miss['problem'] or repr(miss['got'])}"
        for path, of in figures.items()
        for miss in of["mistakes"][:MOST_MISTAKES]
    ]
    return "\n".join(["Answers:", *lines, *wrong])


def _path_figures(answered: Sequence[Answered]) -> dict[str, Any]:
    right = sum(one.is_right for one in answered)
    return {
        "tasks": len(answered),
        "correct": right,
        "accuracy": right / len(answered),
        "taken": dict(Counter(one.taken or "none" for one in answered)),
        "tokens": sum(one.tokens for one in answered),
        "cost_dollars": sum(one.cost for one in answered),
        "latency_seconds": _latencies([one.seconds for one in answered]),
        "mistakes": [
            {"task": one.task.name, "wanted": one.task.answer, "got": one.text[-100:], "problem": one.problem}
            for one in answered
            if not one.is_right
        ],
    }


def _accuracy_by(decided: Sequence[Decided], field: str) -> dict[str, float]:
    groups: dict[str, list[bool]] = defaultdict(list)
    for one in decided:
        groups[getattr(one.case, field)].append(one.is_right)
    return {name: sum(right) / len(right) for name, right in groups.items()}


def _mistake(one: Decided) -> dict[str, Any]:
    asked = one.case.messages[-1]["content"]
    text = asked if isinstance(asked, str) else asked[0]["text"]
    about = {"case": one.case.name, "label": one.case.label.value, "ask": text, "reason": one.reason}
    return about | ({"why": one.case.why} if one.case.why else {})


def _mistakes_text(mistakes: Sequence[dict[str, Any]]) -> list[str]:
    shown = [f"    {miss['case']}: {miss['ask'][:90]!r}: {miss['reason'][:90]}" for miss in mistakes[:MOST_MISTAKES]]
    more = [f"    and {len(mistakes) - MOST_MISTAKES} more"] if len(mistakes) > MOST_MISTAKES else []
    return ["  routed otherwise than labelled:", *shown, *more] if mistakes else []


def _latencies(seconds: Sequence[float]) -> dict[str, float | None]:
    return {"p50": _figure(percentile(seconds, 0.5)), "p95": _figure(percentile(seconds, 0.95))}


def _latency_text(latency: dict[str, float | None]) -> str:
    return ", ".join(f"{name} {value:.3f} s" for name, value in latency.items() if value is not None)


def _figure(value: float) -> float | None:
    """JSON knows no NaN."""
    return None if math.isnan(value) else value


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}%"
