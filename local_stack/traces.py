"""A request's trace as Phoenix has it: its spans, what it still lacks, and waiting until it lacks nothing."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

# The API and LiteLLM send their spans in batches: after a second on the local stack, after five in containers.
WAIT_SECONDS = 30.0
POLL_SECONDS = 0.25
# LiteLLM has no span of some calls that failed or were cut; what it has comes within so many seconds of the call's end.
LATE_SECONDS = 8.0
PAGE_SIZE = 1000
# LiteLLM's own housekeeping: how it let the key in, chose a deployment and kept its books.
HOUSEKEEPING = re.compile(r"auth |route |postgres\.")
OUR_KINDS = ("AGENT", "CHAIN", "TOOL")


class TraceError(Exception):
    """The trace cannot be read or shown; the message says why, and the mend."""


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
    def is_request(self) -> bool:
        """Whether it stands for a request to the API, which ends with its last byte: no span beneath it ends later."""
        return self.kind == "CHAIN" and self.name.startswith("POST /v1/")

    @property
    def is_call(self) -> bool:
        """Whether it is ours of one LLM call, with LiteLLM's spans beneath it."""
        purpose = [self.attributes.get(f"metadata.{name}") for name in ("component", "operation")]
        return self.kind == "CHAIN" and self.name == ".".join(map(str, purpose))

    @property
    def was_cut(self) -> bool:
        return bool(self.attributes.get("call.cut"))

    @property
    def is_attempt(self) -> bool:
        """Whether it is LiteLLM's of one attempt at a provider."""
        return self.kind not in OUR_KINDS and not self.name.startswith("POST ") and not self.is_housekeeping

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


@dataclasses.dataclass(frozen=True)
class Phoenix:
    """One project of a Phoenix. Raises TraceError."""

    url: str
    project: str

    def spans(self, trace_id: str) -> list[Span]:
        """Those of the trace that it has by now, oldest first."""
        rows = [row for page in self._pages(trace_id) for row in page]
        return sorted(map(parse, rows), key=lambda span: (span.start, -span.end))

    def _pages(self, trace_id: str) -> Iterator[list[dict[str, Any]]]:
        parameters: dict[str, str | int] = {"trace_id": trace_id, "limit": PAGE_SIZE}
        while True:
            page = self._page(parameters)
            yield page["data"]
            if not page.get("next_cursor"):
                return
            parameters["cursor"] = page["next_cursor"]

    def _page(self, parameters: Mapping[str, str | int]) -> dict[str, Any]:
        address = f"{self.url}/v1/projects/{self.project}/spans"
        try:
            response = httpx.get(address, params=dict(parameters), timeout=30, trust_env=False)
            if response.status_code == httpx.codes.NOT_FOUND:
                return {"data": []}
            page = response.raise_for_status().json()
        except httpx.HTTPStatusError as error:
            raise TraceError(
                f"{self.url} answers {error.response.status_code}: is it Phoenix, without a login?"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise TraceError(f"Phoenix does not answer at {self.url}: {why}. Is the stack up? make status") from error
        except ValueError:
            page = None
        if not isinstance(page, dict) or not isinstance(page.get("data"), list):
            raise TraceError(f"What answers at {self.url} is not Phoenix")
        return page


def missing(spans: Sequence[Span], now: float) -> list[str]:
    """What the trace has to get yet, in words; nothing once it is whole. ``now`` in seconds since 1970.

    It is whole when each request's own span has ended, and each call's has what LiteLLM counted beneath it.
    """
    known = {span.span_id for span in spans}
    lacking = [] if any(span.is_request for span in spans) else ["the span of the request itself"]
    lacking += [
        f"the span above LiteLLM's {span.name!r}"
        for span in spans
        if span.name.startswith("POST ") and not span.is_request and span.parent_id not in known
    ]
    return lacking + [
        f"LiteLLM's spans of {call.name}" for call in spans if call.is_call and not _is_answered(call, spans, now)
    ]


def _is_answered(call: Span, spans: Sequence[Span], now: float) -> bool:
    """A call that succeeded has tokens beneath it. One that failed or was cut may have none, nor a span of LiteLLM's at all."""
    attempts = [span for span in _beneath(call, spans) if span.is_attempt]
    if call.failed or call.was_cut:
        return bool(attempts) or now - call.end > LATE_SECONDS
    return any(span.tokens is not None for span in attempts)


def _beneath(above: Span, spans: Sequence[Span]) -> Iterator[Span]:
    for span in spans:
        if span.parent_id == above.span_id:
            yield span
            yield from _beneath(span, spans)


def whole(
    phoenix: Phoenix, trace_id: str, seconds: float, tell: Callable[[str], None] = lambda _: None
) -> tuple[list[Span], list[str]]:
    """The spans once nothing is missing, or after so many seconds with what is missing then. ``tell`` hears of each look.

    Phoenix may be in the midst of taking a batch, so a trace is whole when it looks the same twice. Raises TraceError.
    """
    deadline, before = time.monotonic() + seconds, -1
    while True:
        spans = phoenix.spans(trace_id)
        lacking = missing(spans, time.time())
        if time.monotonic() >= deadline or (not lacking and len(spans) == before):
            return spans, lacking
        tell(lacking[0] if lacking else "what may follow")
        before = len(spans)
        time.sleep(POLL_SECONDS)
