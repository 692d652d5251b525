"""Draw a request's trace as text: our spans, LiteLLM's beneath them, tokens and cost.

Right after an answer its trace is still on the way to Phoenix: it is waited for, until each call in it has its tokens.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence

from local_stack import console, environments, traces
from local_stack.command_line import Parser
from local_stack.instance import Instance
from local_stack.traces import Phoenix, Span, TraceError
from operations import command_line

# What an id may be part of: hyphens join a traceparent and a UUID, everything else parts words.
WORD = re.compile(r"[0-9a-z]+(?:-[0-9a-z]+)*")
FORMS = re.compile(
    r"(?:0x)?(?P<bare>[0-9a-f]{32})"
    r"|[0-9a-f]{2}-(?P<traceparent>[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}"
    r"|(?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)
SPAN_ID = re.compile(r"(?:0x)?[0-9a-f]{16}")
WANTED = "give the 32 hexadecimal digits of the answer's header x-trace-id"


def identifier(text: str) -> str:
    """The trace's id, whatever it stands in: a traceparent, an address of Phoenix, a header's line, capitals, a UUID.

    Raises TraceError.
    """
    words = WORD.findall(text.lower())
    found = {str(form[form.lastgroup or 0]).replace("-", "") for word in words if (form := FORMS.fullmatch(word))}
    if len(found) > 1:
        raise TraceError(f"{text!r} holds several trace ids: {WANTED}")
    if not found and any(SPAN_ID.fullmatch(word) for word in words):
        raise TraceError(f"{text!r} is a span's id, not a trace's: {WANTED}")
    if not found or found == {"0" * 32}:
        raise TraceError(f"{text!r} is no trace id: {WANTED}")
    return found.pop()


def fetch(instance: Instance, known: Mapping[str, str], trace_id: str) -> list[Span]:
    """The spans of the trace that an instance's Phoenix has by now, oldest first. Raises TraceError."""
    return Phoenix(instance.url("phoenix"), environments.project(known)).spans(trace_id)


def show(phoenix: Phoenix, trace_id: str, *, seconds: float, everything: bool) -> int:
    """Draws it once it is whole, or after so many seconds what there is of it: the exit status says which. Raises TraceError."""
    with console.progress(f"Waiting for the trace {trace_id}") as tell:
        spans, lacking = traces.whole(
            phoenix, trace_id, seconds, lambda missing: tell(f"Waiting for the trace {trace_id}: {missing}")
        )
    if not spans:
        waited = f" after {seconds:g} s" if seconds else ""
        raise TraceError(
            f"Phoenix at {phoenix.url} has no span of the trace {trace_id} in the project {phoenix.project!r}{waited}"
        )
    print("\n".join(draw(spans, everything=everything)))
    if lacking:
        print(f"error: the trace is not whole; missing: {'; '.join(lacking)}", file=sys.stderr)
    return 1 if lacking else 0


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
    result = Parser(prog="python -m operations.trace", description=__doc__)
    result.add_argument(
        "trace_id",
        metavar="TRACE",
        help="from the answer's header x-trace-id; a traceparent or an address of Phoenix will do",
    )
    result.add_argument("--all", action="store_true", help="LiteLLM's own housekeeping too")
    waiting = result.add_mutually_exclusive_group()
    waiting.add_argument("--no-wait", action="store_true", help="draw what Phoenix has by now")
    waiting.add_argument(
        "--wait",
        type=command_line.seconds,
        default=traces.WAIT_SECONDS,
        metavar="SECONDS",
        help="how long to wait for what is missing (default: %(default)g)",
    )
    result.add_argument("--phoenix-url", metavar="URL", help="default: the stack's Phoenix, http://127.0.0.1:6006")
    command_line.add_stack_options(result, holds="PHOENIX_PORT and PHOENIX_PROJECT_NAME")
    return result


def run(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Raises one of command_line.EXPECTED."""
    trace_id = identifier(options.trace_id)
    target = command_line.target(options, environment)
    url = command_line.checked_url(options.phoenix_url or target.url("phoenix"), "--phoenix-url http://127.0.0.1:6006")
    phoenix = Phoenix(url, environments.project(target.values))
    return show(phoenix, trace_id, seconds=0 if options.no_wait else options.wait, everything=options.all)


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """1 when the trace is not there or not whole."""
    options = parser().parse_args(arguments)
    return command_line.carried_out(lambda: run(options, environment))


if __name__ == "__main__":
    sys.exit(main())
