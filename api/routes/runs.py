"""Resumable runs: /v1/runs/{run_id}."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import JSONResponse, Response

from api.dependencies import services_of
from api.edge import EventStreamResponse, caller_of
from api.errors import InvalidHeader
from api.routes.openapi import run_responses, run_stream
from api.runs import Run, RunReader

router = APIRouter(prefix="/v1/runs/{run_id}", tags=["runs"])


@router.get("", responses=run_stream())
async def read_run(
    run_id: str,
    request: Request,
    starting_after: Annotated[int | None, Query(ge=0, description="The number of the last event that was read")] = None,
    stream: Annotated[bool, Query(description="false: how far it is, as JSON")] = True,  # noqa: FBT002
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """The events of a run after the one of this number, then those to come."""
    run = _found(run_id, request)
    if not stream:
        return JSONResponse(run.told())
    return events_after(run, starting_after, last_event_id)


@router.post("/cancel", responses=run_responses())
async def cancel_run(run_id: str, request: Request) -> Response:
    """Ends a run and what it spends. What it had told is kept for a while."""
    run = _found(run_id, request)
    await run.cancel()
    return JSONResponse(run.told())


@router.delete("", responses=run_responses())
async def delete_run(run_id: str, request: Request) -> Response:
    """Ends a run, if it goes on, and forgets it."""
    run = _found(run_id, request)
    await services_of(request).runs.forget(run)
    return JSONResponse(_deleted(run))


def events_after(run: Run, starting_after: int | None, last_event_id: str | None) -> Response:
    """The run's events from where its client stopped, as the query or else the header says."""
    after = starting_after if starting_after is not None else _number(last_event_id)
    return EventStreamResponse(RunReader(run, 0 if after is None else after + 1), headers={})


def _deleted(run: Run) -> dict[str, Any]:
    return {"id": run.name, "object": "reasoning.run", "status": run.status.value, "deleted": True}


def _found(run_id: str, request: Request) -> Run:
    return services_of(request).runs.find(run_id, caller_of(request))


def _number(last_event_id: str | None) -> int | None:
    if last_event_id is None or not last_event_id.strip():
        return None
    text = last_event_id.strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise InvalidHeader("Last-Event-ID must be the number of an event.", param="Last-Event-ID")
    return int(text)
