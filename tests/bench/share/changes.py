"""What is tried, one at a time: how LiteLLM is started before, and how after."""

from collections.abc import Mapping
from dataclasses import dataclass, field

OLDEST = "3.11"
GC_PROGRAM = "tests.bench.programs.litellm_gc"


@dataclass(frozen=True)
class Setting:
    """How one LiteLLM is started; nothing of it is the stack's way. `python`: 3.11, say; the stack's own if it is empty."""

    environment: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    python: str = ""
    module: str = "local_stack.litellm_server"
    sampled: bool = True  # whether it is asked with a `traceparent` that lets it trace
    packages: tuple[str, ...] = ()  # that it finds beside its own


@dataclass(frozen=True)
class Change:
    """`what` it is, in a few words."""

    what: str
    after: Setting
    before: Setting = field(default_factory=Setting)


def _variables(**values: str) -> Setting:
    return Setting(environment=values)


def _collecting(*steps: str, **values: str) -> Setting:
    """LiteLLM on the oldest Python, with these of GC_PROGRAM's steps."""
    return Setting(environment={"GC_STEPS": ",".join(steps), **values}, python=OLDEST, module=GC_PROGRAM)


ON_OLDEST = Setting(python=OLDEST)
CHANGES: Mapping[str, Change] = {
    "nothing": Change("the same twice: what is noise", Setting()),
    "python": Change("the newest Python instead of 3.11", Setting(), ON_OLDEST),
    "gc-own": Change("3.11: its own collecting instead of the thread's", _collecting(), ON_OLDEST),
    "gc-freeze": Change("3.11: the thread, and what was imported kept for good", _collecting("thread", "freeze"), ON_OLDEST),
    "gc-freeze-own": Change("3.11: its own collecting, and what was imported kept for good", _collecting("freeze"), ON_OLDEST),
    "gc-threshold": Change(
        "3.11: its own collecting with PYTHON_GC_THRESHOLD=20000,50,100",
        _collecting(PYTHON_GC_THRESHOLD="20000,50,100"), ON_OLDEST,
    ),
    "gc-threshold-freeze": Change(
        "3.11: the thread with that threshold, and what was imported kept for good",
        _collecting("thread", "freeze", PYTHON_GC_THRESHOLD="20000,50,100"), ON_OLDEST,
    ),
    "freeze": Change(
        "the newest Python, and what was imported kept for good", Setting({"GC_STEPS": "freeze"}, module=GC_PROGRAM)
    ),
    "threshold": Change("PYTHON_GC_THRESHOLD=20000,50,100", _variables(PYTHON_GC_THRESHOLD="20000,50,100")),
    "httptools": Change("uvicorn's quicker parser, httptools, instead of h11", Setting(packages=("httptools",))),
    "rust": Change("LITELLM_RUST=true", _variables(LITELLM_RUST="true")),
    "workers": Change("--num_workers 2", Setting(options=("--num_workers", "2"))),
    "keep-alive": Change(
        "--keepalive_timeout 75 instead of 5", Setting(), Setting(options=("--keepalive_timeout", "5"))
    ),
    "keep-alive-provider": Change("AIOHTTP_KEEPALIVE_TIMEOUT=75", _variables(AIOHTTP_KEEPALIVE_TIMEOUT="75")),
    "rows": Change("PROXY_BATCH_WRITE_AT=10 instead of 1", _variables(PROXY_BATCH_WRITE_AT="10")),
    "spans": Change("OTEL_BSP_SCHEDULE_DELAY=5000 instead of 1000", _variables(OTEL_BSP_SCHEDULE_DELAY="5000")),
    "server-span": Change("no span of the request itself", _variables(OTEL_PYTHON_FASTAPI_EXCLUDED_URLS="/v1/")),
    "untraced": Change("no span at all: the most that fewer spans could gain", Setting(sampled=False)),
    "log": Change("LITELLM_LOG=ERROR", _variables(LITELLM_LOG="ERROR")),
    "content": Change(
        "prompts and answers on no span and in no row",
        _variables(OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="no_content", STORE_PROMPTS_IN_SPEND_LOGS="false"),
    ),
}  # fmt: skip
