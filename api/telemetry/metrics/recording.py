"""What can be recorded. `Metrics` itself records nothing, which is what being switched off costs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from starlette.types import Scope

from api.components import Component, Operation
from api.errors import UpstreamError

CUT = "cut"
"""The `error.type` of work that whoever asked for it did not let end."""


class LLMCall:
    """One call, from its sending to its last byte; the block that it is entered for is its life."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def answered(self, answer: Callable[[], Any]) -> None:
        """The call's complete answer, which is parsed only if it is looked at."""

    def streamed(self, events: bytes) -> None:
        """The next events of the call's answer, as soon as they are there."""


class Metrics:
    """Every place that something is recorded at calls one of these, whether metrics are on or off."""

    enabled = False

    def llm_call(self, component: Component, operation: Operation, model: object) -> LLMCall:  # noqa: ARG002
        """The call that is about to be made."""
        return _NO_CALL

    def routed(self, mode: str, source: str, *, kept: bool) -> None:
        """A decision of the router; `kept` if it is an earlier one of the session."""

    def classifier_failed(self, cause: str) -> None:
        """The classifier made no choice; `cause` is one of few words."""

    @contextmanager
    def tool_call(self, name: str | None) -> Iterator[Callable[[bool], None]]:  # noqa: ARG002
        """Around a tool's call; what it yields is told whether the call succeeded. `None` is a tool that does not exist."""
        yield lambda _ok: None

    def stream_began(self) -> None:
        """Events begin to go out to a client."""

    def stream_ended(self) -> None:
        """The last of them went out, or never will."""

    def run_began(self) -> None:
        """An answer begins that lives on without its client."""

    def run_ended(self) -> None:
        """It is complete, has failed or was cancelled."""

    def run_bytes(self, more: int) -> None:
        """So many bytes more, or fewer, are kept of such answers."""

    def request_began(self, method: str, scheme: str) -> None:
        """An HTTP request has arrived."""

    def request_ended(self, method: str, scheme: str, seconds: float, route: str | None, status: int | None) -> None:
        """Its answer's last byte went out; without a status its client left before there was one."""

    async def page(self) -> tuple[bytes, str] | None:
        """All of it as Prometheus reads it, with its content type; None when metrics are off."""
        return None

    def close(self) -> None:
        """Pushes what is still to be pushed."""


_NO_CALL = LLMCall()


def error_class(error: BaseException) -> str:
    """What went wrong in one of few words: LiteLLM's status, or the error's class; never a message or a provider's code."""
    if not isinstance(error, Exception):
        return CUT
    return str(error.status_code) if type(error) is UpstreamError else type(error).__name__


def metrics_of(scope: Scope) -> Metrics:
    """The metrics of the server that the request came to."""
    services: Any = scope.get("state", {}).get("services")
    return Metrics() if services is None else services.metrics
