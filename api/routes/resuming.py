"""An answer that is to live on without its client becomes a run, of which its client is the first reader."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from starlette.requests import Request

from api.context import RequestContext
from api.dependencies import services_of
from api.edge import EventSource, failure_event
from api.llm import LLMAnswer
from api.runs import Place, RunReader

Answer = LLMAnswer | EventSource


@contextmanager
def resuming(request: Request, context: RequestContext) -> Iterator[Callable[[Answer], Answer]]:
    """What becomes of the answer that is made within the block: itself, unless it is to be resumed.

    Raises:
        TooManyRuns: before anything has been spent.
    """
    if not context.resumable:
        yield lambda answer: answer
        return
    with services_of(request).runs.place(context.caller) as place:
        yield partial(_read_by_its_client, place)


def _read_by_its_client(place: Place, answer: Answer) -> Answer:
    if isinstance(answer, LLMAnswer):
        return answer
    return RunReader(place.begin(answer, partial(failure_event, answer)))
