"""Draw a request's trace as text: our spans, LiteLLM's beneath them, tokens and cost."""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from local_stack import environments, settings
from local_stack.instance import Instance, InstanceError, resolve
from local_stack.litellm_config import LiteLLMConfigError
from local_stack.ports import PortError

# LiteLLM's own housekeeping: how it let the key in, chose a deployment and kept its books.
HOUSEKEEPING = re.compile(r"auth |route |postgres\.")
OUR_KINDS = ("AGENT", "CHAIN", "TOOL")
TRACE_ID = re.compile(r"[0-9a-f]{32}")
MOST_SPANS = 1000


class TraceError(Exception):
    """The trace cannot be shown; the message says why, and the mend."""


@dataclasses.dataclass(frozen=True)
class Span:
    """One span as Phoenix's REST API gives it. ``parent_id`` is None at the root; times in seconds since 1970."""

    name: str
    kind: str
    span_id: str
    parent_id: str | None
    start: float
    end: float
    failed: bool
    attributes: Mapping[str, Any]

    @property
    def is_housekeeping(self) -> bool:
        return self.kind not in OUR_KINDS and HOUSEKEEPING.match(self.name) is not None

    @property
    def tokens(self) -> tuple[int, int] | None:
        """In and out, on the span that stands for a model's answer."""
        counts = [self.attributes.get(f"llm.token_count.{side}") for side in ("prompt", "completion")]
        return None if counts == [None, None] else (int(counts[0] or 0), int(counts[1] or 0))

    @property
    def cost(self) -> float | None:
        """In US dollars, as LiteLLM worked it out."""
        cost = self.attributes.get("litellm.cost.total")
        return None if cost is None else float(cost)


def parse(row: Mapping[str, Any]) -> Span:
    start, end = (datetime.fromisoformat(row[name]).timestamp() for name in ("start_time", "end_time"))
    ids = (row["context"]["span_id"], row["parent_id"])
    return Span(row["name"], row["span_kind"], *ids, start, end, row["status_code"] == "ERROR", row["attributes"])


def fetch(instance: Instance, known: Mapping[str, str], trace_id: str) -> list[Span]:
    """The spans of the trace that Phoenix has by now, oldest first. Raises TraceError."""
    url = instance.url("phoenix", f"/v1/projects/{environments.project(known)}/spans")
    parameters: dict[str, str | int] = {"trace_id": trace_id, "limit": MOST_SPANS}
    try:
        response = httpx.get(url, params=parameters, timeout=30, trust_env=False)
    except httpx.HTTPError as error:
        raise TraceError(f"Phoenix does not answer at {url}: {error}. Is the stack up? make status") from error
    if response.status_code == httpx.codes.NOT_FOUND:
        return []
    response.raise_for_status()
    return sorted(map(parse, response.json()["data"]), key=lambda span: (span.start, -span.end))


def show(instance: Instance, known: Mapping[str, str], trace_id: str, *, everything: bool) -> str:
    """Raises TraceError."""
    if not TRACE_ID.fullmatch(trace_id):
        raise TraceError(f"{trace_id!r} is no trace id: 32 hexadecimal digits, as in the answer's header x-trace-id")
    spans = fetch(instance, known, trace_id)
    if not spans:
        raise TraceError(f"Phoenix has no spans of the trace {trace_id}. New ones take up to 10 s to arrive.")
    return "\n".join(draw(spans, everything=everything))


def draw(spans: Sequence[Span], *, everything: bool = False) -> Iterator[str]:
    """Lines: each span beneath its parent, with its kind, its duration, and tokens and cost where it carries them."""
    shown = [span for span in spans if everything or not span.is_housekeeping]
    known = {span.span_id for span in shown}
    roots = [span for span in shown if span.parent_id not in known]
    rows = [row for root in roots for row in _rows(root, shown, "", "")]
    width = max((len(label) for label, _ in rows), default=0)
    for label, span in rows:
        yield f"{label:<{width}}  {_facts(span)}".rstrip()
    if hidden := len(spans) - len(shown):
        yield f"({hidden} spans of LiteLLM's own housekeeping are left out; --all shows them)"


def _rows(span: Span, spans: Sequence[Span], lead: str, below: str) -> Iterator[tuple[str, Span]]:
    yield f"{lead}{span.name}", span
    children = [child for child in spans if child.parent_id == span.span_id]
    for child in children:
        last = child is children[-1]
        yield from _rows(child, spans, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "))


def _facts(span: Span) -> str:
    facts = [f"{span.kind:<7} {(span.end - span.start) * 1000:7.1f} ms"]
    if span.tokens is not None:
        facts.append(f"{span.tokens[0]} → {span.tokens[1]} tokens")
    if span.cost is not None:
        facts.append(f"${span.cost:.8f}")
    if span.failed:
        facts.append("FAILED")
    return "  ".join(facts)


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m operations.trace", description=__doc__)
    result.add_argument("trace_id", help="from the answer's header x-trace-id, or from Phoenix")
    result.add_argument("--all", action="store_true", help="LiteLLM's own housekeeping too")
    result.add_argument("--state-dir", metavar="DIR", help="another instance of the local stack, by its state folder")
    result.add_argument("--port-base", metavar="N", help="another instance, by its ports (default: $STACK_PORT_BASE)")
    return result


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    options = parser().parse_args(arguments)
    try:
        instance = resolve(options.state_dir, options.port_base, environment)
        print(show(instance, settings.read(instance, environment), options.trace_id, everything=options.all))
    except (TraceError, InstanceError, LiteLLMConfigError, PortError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
