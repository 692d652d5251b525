"""One request's way through the demo provider, the same for every API: read, script, answer, record."""

import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from demo.provider.answer import Answer, compose
from demo.provider.connections import Connections
from demo.provider.delivery import Delivery, Event, Sender, broken_off, event, to_json
from demo.provider.errors import ProviderError, openai_error
from demo.provider.memory import Memories
from demo.provider.prompt import Prompt
from demo.provider.records import Records
from demo.provider.script import Reply, Script

LOG = logging.getLogger(__name__)
PREFIXES = ("", "/v1", "/api/v1")
BROKEN_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
    "correctly. The API expects a JSON payload, but what was sent was not valid JSON.)"
)


@dataclass(frozen=True)
class Call:
    """A request as it came; `body` is None when the raw text is no JSON object."""

    path: str
    headers: Headers
    raw: str
    body: dict[str, Any] | None
    path_params: dict[str, str]
    query: dict[str, str] = field(default_factory=dict)

    def required_body(self) -> dict[str, Any]:
        if self.body is None:
            raise ProviderError(BROKEN_JSON)
        return self.body


@dataclass(frozen=True)
class Dialect:
    """An API's own forms. A lookup (models, embeddings) has `look_up` alone; what generates has the other three."""

    path: str
    look_up: Callable[[Call], dict[str, Any]] | None = None
    read: Callable[[Call], Prompt] | None = None
    plain: Callable[[Prompt, Answer], dict[str, Any]] | None = None
    events: Callable[[Prompt, Answer], list[Event]] | None = None
    error: Callable[[ProviderError], dict[str, Any]] = openai_error
    error_event: Callable[[ProviderError, int], Event] = lambda error, _sequence: event(openai_error(error))
    error_headers: Callable[[ProviderError], dict[str, str]] = lambda _error: {}
    ping: Event | None = None
    names_events: bool = False
    method: str = "POST"
    request_id_header: str = "x-request-id"


@dataclass
class Shop:
    """What all endpoints share."""

    script: Script
    records: Records
    connections: Connections
    memories: Memories = field(default_factory=Memories)


class Endpoint:
    """The ASGI application behind one API path."""

    def __init__(self, dialect: Dialect, shop: Shop) -> None:
        self._dialect, self._shop = dialect, shop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            call = await _read_call(scope, receive)
        except ClientDisconnect:
            return
        model = call.body.get("model") if call.body else None
        rule_id, reply = self._shop.script.next_reply(same_paths(call.path), model, call.raw)
        seen = call.body if call.body is not None else call.raw
        record = self._shop.records.begin(
            call.path, dict(call.headers), seen, call.raw, rule_id, str(scope["query_string"], "latin-1")
        )
        sender = Sender(scope, receive, send, self._shop.connections, record)
        await sender.deliver(self._delivery(call, reply), reply)

    def _delivery(self, call: Call, reply: Reply) -> Delivery:
        request_id = f"req_{secrets.token_hex(12)}"
        try:
            delivery = self._raw(reply) or self._answered(call, reply)
        except ProviderError as error:
            error.request_id = request_id
            delivery = self._refusal(error)
        except Exception:
            # Input of a shape that nobody thought of: the client gets a provider's error, and our log says where.
            LOG.exception("The demo provider failed to answer %s", call.path)
            delivery = self._refusal(
                ProviderError("The server had an error while processing your request.", status=500)
            )
        delivery.headers = {self._dialect.request_id_header: request_id} | delivery.headers | reply.headers
        delivery.ping = self._dialect.ping
        return delivery

    def _refusal(self, error: ProviderError) -> Delivery:
        return Delivery(error.status, to_json(self._dialect.error(error)), headers=self._dialect.error_headers(error))

    def _raw(self, reply: Reply) -> Delivery | None:
        status = reply.status or 200
        if reply.raw_chunks is not None:
            return self._failing(Delivery(status, events=[self._raw_event(item) for item in reply.raw_chunks]), reply)
        if reply.raw_body is not None:
            body = reply.raw_body.encode() if isinstance(reply.raw_body, str) else to_json(reply.raw_body)
            return self._failing(Delivery(status, body), reply)
        if reply.is_error:
            raise ProviderError.scripted(reply.status or 500, reply.error)
        return None

    def _raw_event(self, item: dict[str, Any] | str) -> Event:
        if isinstance(item, str):
            return Event(b"data: " + item.encode() + b"\n\n", piece=True)
        name = str(item["type"]) if self._dialect.names_events and "type" in item else None
        return event(item, name=name, piece=True)

    def _answered(self, call: Call, reply: Reply) -> Delivery:
        dialect = self._dialect
        if dialect.look_up is not None:
            return self._failing(Delivery(reply.status or 200, to_json(dialect.look_up(call))), reply)
        if dialect.read is None or dialect.plain is None or dialect.events is None:
            raise ProviderError(f"Invalid URL ({call.path})", status=404)
        prompt = dialect.read(call)
        remembered = self._shop.memories.attend(call.headers, prompt)
        answer = compose(prompt, reply)
        delivery = Delivery(reply.status or 200, headers=remembered)
        if prompt.stream:
            delivery.events = dialect.events(prompt, answer)
        else:
            delivery.body = to_json(dialect.plain(prompt, answer))
        return self._failing(delivery, reply)

    def _failing(self, delivery: Delivery, reply: Reply) -> Delivery:
        """The delivery as far as it gets; a plain answer that fails does so before its first byte."""
        if reply.fail_after_chunks is None:
            return delivery
        error = ProviderError.scripted(500, reply.error or "The demo provider was told to fail here.")
        delivery.drops = reply.fail == "drop"
        if delivery.events is None and not delivery.drops:
            raise error
        if delivery.events is not None:
            delivery.events = broken_off(delivery.events, reply.fail_after_chunks)
            if not delivery.drops:
                delivery.events.append(self._dialect.error_event(error, len(delivery.events)))
        return delivery


def same_paths(path: str) -> tuple[str, ...]:
    """The path with each prefix under which it is served, so that a script need not know which one a client uses."""
    bare = path
    for prefix in ("/api/v1", "/v1"):
        if path.startswith(prefix + "/"):
            bare = path.removeprefix(prefix)
            break
    return tuple(prefix + bare for prefix in PREFIXES)


async def _read_call(scope: Scope, receive: Receive) -> Call:
    request = Request(scope, receive)
    raw = (await request.body()).decode(errors="replace")
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    parameters = dict(request.path_params), dict(request.query_params)
    return Call(request.url.path, request.headers, raw, body if isinstance(body, dict) else None, *parameters)
