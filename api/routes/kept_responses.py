"""What becomes of a response that its provider has kept: /v1/responses/{response_id} and what is below it."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Query, Request
from pydantic_core import to_json
from starlette.responses import Response

from api.dependencies import services_of
from api.dialects.openai import contract, examples
from api.edge import caller_of, parse_request_context, unless_disconnected
from api.errors import InvalidRequest, NotFound, PreviousResponseNotFound, UpstreamError
from api.llm import Sought
from api.routes.openapi import kept_responses
from api.routes.runs import events_after
from api.telemetry import annotate_request

router = APIRouter(prefix="/v1/responses/{response_id}", tags=["responses"])

_NO_STREAM: Final = (
    "stream: there is no run of yours that tells this response. A streamed response that was begun with X-Reasoning-Resumable is "
    "kept for a while to be streamed again."
)
_RESPONSE: Final = kept_responses("Response", examples.RESPONSE_ANSWER)


@router.get("", responses=_RESPONSE)
async def get_response(
    response_id: str,
    request: Request,
    include: Annotated[list[str] | None, Query(alias="include[]")] = None,
    stream: bool = False,  # noqa: FBT001, FBT002
    starting_after: Annotated[int | None, Query(ge=0)] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """A response that its provider has kept (`store`), for the caller to whom it was given; with `stream` the events of one that
    was begun with `X-Reasoning-Resumable`."""
    if stream:
        run = services_of(request).runs.telling(response_id, caller_of(request))
        if run is None:
            raise InvalidRequest(_NO_STREAM, param="stream")
        return events_after(run, starting_after, last_event_id)
    if include:
        raise InvalidRequest("include: LiteLLM asks for nothing beside the response itself.", param="include")
    return await _looked_up(request, response_id, Sought("GET"))


@router.delete("", responses=kept_responses("DeletedResponse", examples.RESPONSE_DELETED))
async def delete_response(response_id: str, request: Request) -> Response:
    """Has the provider forget the response."""
    return await _looked_up(request, response_id, Sought("DELETE"))


@router.post("/cancel", responses=_RESPONSE)
async def cancel_response(response_id: str, request: Request) -> Response:
    """Ends a response that is made in the background."""
    return await _looked_up(request, response_id, Sought("POST", "/cancel"))


@router.get("/input_items", responses=kept_responses("InputItems", examples.RESPONSE_INPUT_ITEMS))
async def list_input_items(
    response_id: str,
    request: Request,
    include: Annotated[list[str] | None, Query(alias="include[]")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Literal["asc", "desc"] = "desc",
    after: str | None = None,
) -> Response:
    """What the response was made from, the newest first unless `order` says otherwise."""
    fields = {"limit": limit, "order": order, "after": after, "include": include}
    sought = Sought("GET", "/input_items", {name: value for name, value in fields.items() if value is not None})
    return await _looked_up(request, response_id, sought)


async def _looked_up(request: Request, callers_id: str, sought: Sought) -> Response:
    context, gateway = parse_request_context(request), services_of(request).gateway
    annotate_request(context.metadata, session_id=context.session_id, user_id=context.end_user)
    litellms_id = gateway.response_ids.litellms(callers_id, context.caller)
    if litellms_id is None:
        raise _not_found(callers_id)
    try:
        answer = await unless_disconnected(request, gateway.look_up(sought, litellms_id, context=context))
    except (NotFound, PreviousResponseNotFound):
        raise _not_found(callers_id) from None
    except UpstreamError as error:
        # The provider names the response by an id of its own, which nobody here knows.
        raise _not_found(callers_id) if error.status_code == NotFound.status else error from None
    told = to_json(_told(answer.json(), callers_id))
    return Response(told, headers=answer.headers, media_type="application/json")


def _told(body: Any, callers_id: str) -> Any:
    """The response by the id that its caller asked for: LiteLLM gives it another with each answer."""
    if isinstance(body, dict) and body.get("object") == "response":
        if "deleted" not in body:
            contract.response_answer(body)
        body["id"] = callers_id
    return body


def _not_found(callers_id: str) -> NotFound:
    """The same whether there is none or it is another caller's."""
    return NotFound(
        f"Response with id '{callers_id}' not found. Found are responses that this server gave to the same caller and that "
        "their provider still keeps, so none with `store: false`.",
        param="response_id",
        code="response_not_found",
    )
