"""Who answers: each rule, in order; and what the caller is told of it."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
import respx
from starlette.testclient import TestClient

from api.colleagues import Colleagues
from api.config import Settings
from api.context import Caller, RequestContext
from api.llm import LLMGateway, Lookups, OwnKey, SpendWatch
from api.main import create_app
from api.protocol import RoutingMode
from api.routing.classifier import RoutingClassifier, load_classifier_prompt
from api.routing.router import SHORT_FOLLOW_UP, RequestRouter, RoutingDecision, RoutingSource, by_rule
from api.telemetry.metrics.recording import Metrics
from api.telemetry.tracing import Tracing
from tests.support.played_litellm import PlayedTransport, played_client
from tests.unit_tests.api.conftest import TOKEN, token

PASSTHROUGH, REASONING, AUTO = RoutingMode.PASSTHROUGH, RoutingMode.REASONING, RoutingMode.AUTO
PLAIN: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "q"}]}
TOOLS: dict[str, Any] = {**PLAIN, "tools": [{"type": "function", "function": {"name": "f"}}]}
DEFAULTS: list[dict[str, Any]] = [
    {"tools": []},
    {"tools": None},
    {"functions": []},
    {"tool_choice": "none"},
    {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True},
    {"response_format": None},
    {"response_format": {"type": "text"}},
    {"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "none"},
    {"functions": [{"name": "f"}], "function_call": "none"},
    {"n": 1, "modalities": ["text"]},
]
FUNCTIONS: dict[str, Any] = {**PLAIN, "functions": [{"name": "f"}]}
FORMATS = [{"type": "json_object"}, {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}]
PATH = "/v1/chat/completions"
JSON = {"content-type": "application/json"}


def _decide(body: dict[str, Any], asked: RoutingMode | None, default: RoutingMode) -> RoutingDecision | None:
    return by_rule(body, RequestContext(Caller("c"), routing_mode=asked), default)


@pytest.mark.parametrize("default", RoutingMode)
@pytest.mark.parametrize(
    ("asked", "body"),
    [*((asked, FUNCTIONS) for asked in (None, *RoutingMode)), *((asked, TOOLS) for asked in (None, PASSTHROUGH, AUTO))],
)
def test_own_tools_go_to_the_model_whatever_was_asked_for(
    body: dict[str, Any], asked: RoutingMode | None, default: RoutingMode
) -> None:
    decision = _decide(body, asked, default)
    assert decision is not None
    assert (decision.mode, decision.source) == (PASSTHROUGH, RoutingSource.PASSTHROUGH_RULE)
    assert decision.overruled == (asked if asked in (REASONING, AUTO) else None)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("asked", [PASSTHROUGH, REASONING])
def test_an_answer_in_a_form_of_its_own_may_be_reasoned_about(form: dict[str, Any], asked: RoutingMode) -> None:
    decision = _decide({**PLAIN, "response_format": form}, asked, PASSTHROUGH)
    assert decision is not None
    assert (decision.mode, decision.source) == (asked, RoutingSource.HEADER_OVERRIDE)


@pytest.mark.parametrize("default", RoutingMode)
def test_own_functions_are_reasoned_with_where_reasoning_is_asked_for(default: RoutingMode) -> None:
    decision = _decide(TOOLS, REASONING, default)
    assert decision is not None
    assert (decision.mode, decision.source, decision.overruled) == (REASONING, RoutingSource.HEADER_OVERRIDE, None)


@pytest.mark.parametrize(
    "other", [{"type": "custom", "custom": {"name": "f"}}, {"type": "web_search"}, {"type": "function"}]
)
def test_tools_that_are_no_functions_are_the_models(other: dict[str, Any]) -> None:
    decision = _decide({**TOOLS, "tools": [*TOOLS["tools"], other]}, REASONING, PASSTHROUGH)
    assert decision is not None
    assert decision.overruled is REASONING
    assert f"tools of the type {other['type']!r}" in decision.reason


@pytest.mark.parametrize("empty", DEFAULTS)
def test_empty_ones_are_none(empty: dict[str, Any]) -> None:
    decision = _decide(PLAIN | empty, REASONING, PASSTHROUGH)
    assert decision is not None
    assert decision.mode is REASONING


@pytest.mark.parametrize("default", RoutingMode)
@pytest.mark.parametrize("asked", [PASSTHROUGH, REASONING])
def test_the_header_decides(asked: RoutingMode, default: RoutingMode) -> None:
    decision = _decide(PLAIN, asked, default)
    assert decision is not None
    assert (decision.mode, decision.source, decision.overruled) == (asked, RoutingSource.HEADER_OVERRIDE, None)


@pytest.mark.parametrize("default", [PASSTHROUGH, REASONING])
def test_without_a_header_the_default_decides(default: RoutingMode) -> None:
    decision = _decide(PLAIN, None, default)
    assert decision is not None
    assert (decision.mode, decision.source) == (default, RoutingSource.DEFAULT)


@pytest.mark.parametrize(("asked", "default"), [(AUTO, PASSTHROUGH), (AUTO, REASONING), (None, AUTO)])
def test_no_rule_decides_auto(asked: RoutingMode | None, default: RoutingMode) -> None:
    assert _decide(PLAIN, asked, default) is None


def test_the_caller_is_told_the_decision_its_source_and_what_was_overruled() -> None:
    decision = _decide(FUNCTIONS, REASONING, PASSTHROUGH)
    assert decision is not None
    assert decision.headers == {
        "x-routing-decision": "passthrough",
        "x-routing-source": "passthrough_rule",
        "x-routing-overruled": "reasoning; a request with its own functions wants the model itself",
    }


@pytest.fixture
def routed(client: TestClient, litellm: respx.Router) -> respx.Route:
    return litellm.post(PATH)


def _answered(content: str, **choice: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", **choice}],
    }


def _chosen(mode: str) -> dict[str, Any]:
    return _answered(json.dumps({"reason": "because", "mode": mode}))


def _asked_for_auto(client: TestClient, **headers: str) -> tuple[str, str]:
    told = client.post(PATH, json=PLAIN, headers={"x-routing-mode": "auto"} | headers).raise_for_status().headers
    return told["x-routing-decision"], told["x-routing-source"]


def test_auto_is_what_the_classifier_chooses(client: TestClient, routed: respx.Route) -> None:
    routed.respond(200, json=_chosen("passthrough"))
    assert _asked_for_auto(client) == ("passthrough", "llm_classifier")
    first, second = (json.loads(call.request.content)["metadata"]["component"] for call in routed.calls)
    assert (first, second) == ("routing-classifier", "passthrough")


def test_a_callers_own_mode_holds_without_a_header_and_the_header_counts_more(
    named: TestClient, litellm: respx.Router
) -> None:
    litellm.post(PATH).respond(200, json=_chosen("passthrough"))
    sources = [
        named.post(PATH, json=PLAIN, headers=token("undecided") | headers).headers["x-routing-source"]
        for headers in ({}, {"x-routing-mode": "passthrough"})
    ]
    assert sources == ["llm_classifier", "header_override"]


NO_COMPLETION = "the answer is no chat completion"
NO_SCHEMA = "the answer does not fit its schema"
EMPTY = "the answer was empty"
UNUSABLE: dict[str, tuple[httpx.Response, str]] = {
    "HTML": (httpx.Response(200, html="<html>Welcome</html>"), NO_COMPLETION),
    "HTML that says it is JSON": (httpx.Response(200, text="<html>", headers=JSON), NO_COMPLETION),
    "cut-off JSON": (httpx.Response(200, text='{"id": "1", "choi', headers=JSON), NO_COMPLETION),
    "nothing": (httpx.Response(200), NO_COMPLETION),
    "nothing that says it is JSON": (httpx.Response(200, headers=JSON), NO_COMPLETION),
    "no content": (httpx.Response(204), NO_COMPLETION),
    "null": (httpx.Response(200, json=None, headers=JSON, content=b"null"), NO_COMPLETION),
    "a list": (httpx.Response(200, json=[]), NO_COMPLETION),
    "a text": (httpx.Response(200, json="reasoning"), NO_COMPLETION),
    "no field": (httpx.Response(200, json={}), NO_COMPLETION),
    "choices that are null": (httpx.Response(200, json=_answered("") | {"choices": None}), NO_COMPLETION),
    "choices that are a text": (httpx.Response(200, json=_answered("") | {"choices": "one"}), NO_COMPLETION),
    "a choice that is null": (httpx.Response(200, json=_answered("") | {"choices": [None]}), NO_COMPLETION),
    "a choice without a message": (httpx.Response(200, json=_answered("") | {"choices": [{}]}), NO_COMPLETION),
    "a message that is null": (httpx.Response(200, json=_answered("", message=None)), NO_COMPLETION),
    "no choice": (httpx.Response(200, json=_answered("") | {"choices": []}), EMPTY),
    "no text": (httpx.Response(200, json=_answered("")), EMPTY),
    "another text": (httpx.Response(200, json=_answered("perhaps")), NO_SCHEMA),
    "another mode": (httpx.Response(200, json=_chosen("both")), NO_SCHEMA),
    "cut off": (
        httpx.Response(200, json=_answered('{"reason": "be', finish_reason="length")),
        "the answer was cut off at its length limit",
    ),
    "filtered": (
        httpx.Response(200, json=_answered("", finish_reason="content_filter")),
        "the provider's content filter held the answer back",
    ),
}


@pytest.mark.parametrize("answer", UNUSABLE)
def test_a_classifier_that_chooses_nothing_usable_means_passthrough(
    client: TestClient, routed: respx.Route, caplog: pytest.LogCaptureFixture, answer: str
) -> None:
    unusable, cause = UNUSABLE[answer]
    routed.side_effect = [unusable, httpx.Response(200, json=_answered("the model's own"))]
    assert _asked_for_auto(client) == ("passthrough", "classifier_fallback")
    assert 'routing_classifier_fallbacks_total{error_type="AnswerUnusable"} 1.0' in client.get("/metrics").text
    [told] = [record for record in caplog.records if record.name == "api.routing.router"]
    assert told.levelno == logging.WARNING
    assert told.getMessage()[:-1].endswith(f"answer_unusable: {cause}")


class _Broken(Template):
    """A prompt that fails as no prompt should."""

    def substitute(self, *_arguments: object, **_names: object) -> str:
        raise LookupError("a secret of ours")


def test_an_error_of_our_own_in_the_classifier_means_passthrough_and_stands_in_the_log(
    client: TestClient, routed: respx.Route, caplog: pytest.LogCaptureFixture
) -> None:
    services = client.app_state["services"]
    broken = replace(services.router.classifier, prompt=_Broken(""))
    services.router = replace(services.router, classifier=broken)
    routed.respond(200, json=_answered("the model's own"))
    assert _asked_for_auto(client) == ("passthrough", "classifier_fallback")
    assert 'routing_classifier_fallbacks_total{error_type="internal"} 1.0' in client.get("/metrics").text
    assert "LookupError: a secret of ours" in caplog.text
    assert "the classifier failed: internal: LookupError'" in caplog.text


async def _reason_without_content(conversation: "Session", **answer: Any) -> str:
    router = replace(conversation.router, content=False)
    conversation.route.respond(**answer)
    context = RequestContext(Caller("c"), routing_mode=AUTO)
    return (await router.decide(PLAIN, context, [])).span_attributes["routing.reason"]


async def test_without_content_the_classifiers_own_words_are_in_no_reason(
    conversation: "Session", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    chosen = json.dumps({"reason": "they asked for my prompt", "mode": "reasoning"})
    reason = await _reason_without_content(conversation, status_code=200, json=_answered(chosen))
    assert reason == "the classifier chose it; TRACE_CONTENT=off leaves its reason out"
    assert "routed to" in caplog.text
    assert "my prompt" not in caplog.text


async def test_without_content_a_providers_error_is_told_by_its_class_status_and_code(
    conversation: "Session", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    error = {"message": "litellm.BadRequestError: no: my prompt", "code": "bad_prompt"}
    reason = await _reason_without_content(conversation, status_code=400, json={"error": error})
    assert reason == "the classifier failed: UpstreamError 400 bad_prompt"
    assert "routed to" in caplog.text
    assert "my prompt" not in caplog.text


SHORT, LONG = "and why?", "and why? " * SHORT_FOLLOW_UP
IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{'A' * 9_000}"}}


class Session:
    """One router, asked turn by turn; the classifier chooses as told, or cannot be reached."""

    def __init__(self, router: RequestRouter, route: respx.Route) -> None:
        self.router, self.route = router, route

    async def ask(
        self,
        content: Any = SHORT,
        mode: RoutingMode | None = None,
        *,
        chosen: str | None = None,
        session: str | None = "s",
        caller: str = "c",
        **fields: Any,
    ) -> RoutingDecision:
        if chosen:
            self.route.respond(200, json=_chosen(chosen))
        else:
            self.route.mock(side_effect=httpx.ConnectError("down"))
        context = RequestContext(Caller(caller), session_id=session, routing_mode=mode)
        return await self.router.decide({"messages": [{"role": "user", "content": content}], **fields}, context, [])

    async def moved(self) -> "Session":
        """The session, moved to reasoning by the classifier."""
        decision = await self.ask("a hard one", AUTO, chosen="reasoning")
        assert (decision.mode, decision.source) == (REASONING, RoutingSource.LLM_CLASSIFIER)
        return self


@pytest.fixture
async def conversation(litellm: respx.Router) -> AsyncIterator[Session]:
    async with played_client(litellm) as client:
        gateway = LLMGateway(client, Tracing(), Metrics(), OwnKey(Lookups(client).key_info), SpendWatch())
        classifier = RoutingClassifier(gateway, load_classifier_prompt(), "gpt-4o-mini", 0.0, timeout=5.0)
        yield Session(RequestRouter(classifier, Metrics()), litellm.post(PATH))


@pytest.mark.parametrize("mode", [None, AUTO], ids=["no header", "auto"])
@pytest.mark.parametrize(
    "content",
    [SHORT, [{"type": "text", "text": SHORT}, IMAGE], None, "x" * SHORT_FOLLOW_UP],
    ids=["text", "parts", "none", "just short"],
)
async def test_a_short_follow_up_keeps_the_decision_and_asks_no_classifier(
    conversation: Session, content: Any, mode: RoutingMode | None
) -> None:
    session = await conversation.moved()
    for _ in range(3):
        decision = await session.ask(content, mode)
        assert (decision.mode, decision.source, decision.kept) == (REASONING, RoutingSource.LLM_CLASSIFIER, True)
        assert decision.span_attributes["routing.kept"] == "true"
        assert "keeps the session's earlier decision" in decision.reason
    assert session.route.call_count == 1  # that of the first turn


async def test_a_decision_that_a_header_made_is_kept_as_the_headers(conversation: Session) -> None:
    await conversation.ask("a hard one", REASONING)
    decision = await conversation.ask()
    assert (decision.mode, decision.source, decision.kept) == (REASONING, RoutingSource.HEADER_OVERRIDE, True)


async def test_a_models_name_moves_a_session_as_a_header_does(conversation: Session) -> None:
    by_reasoning = RequestContext(Caller("c"), session_id="s", named_mode=REASONING)
    first = await conversation.router.decide(PLAIN, by_reasoning, [])
    assert (first.mode, first.source, first.kept) == (REASONING, RoutingSource.MODEL_NAME, False)
    kept = await conversation.ask()
    assert (kept.mode, kept.source, kept.kept) == (REASONING, RoutingSource.MODEL_NAME, True)
    await conversation.router.decide(PLAIN, replace(by_reasoning, named_mode=PASSTHROUGH), [])
    assert not (await conversation.ask()).kept


@pytest.mark.parametrize("content", [LONG, [{"type": "text", "text": "x"}, {"type": "text", "text": LONG}]])
async def test_a_long_follow_up_is_decided_anew_and_forgets_nothing(conversation: Session, content: Any) -> None:
    session = await conversation.moved()
    decision = await session.ask(content)
    assert (decision.mode, decision.source, decision.kept) == (PASSTHROUGH, RoutingSource.DEFAULT, False)
    assert (await session.ask(content, AUTO, chosen="reasoning")).source is RoutingSource.LLM_CLASSIFIER
    assert session.route.call_count == 2
    assert (await session.ask()).kept


async def test_a_classifier_that_fails_forgets_nothing(conversation: Session) -> None:
    session = await conversation.moved()
    assert (await session.ask(LONG, AUTO)).source is RoutingSource.CLASSIFIER_FALLBACK
    assert (await session.ask()).kept


async def test_a_request_with_tools_of_its_own_forgets_nothing(conversation: Session) -> None:
    session = await conversation.moved()
    assert (await session.ask(tools=TOOLS["tools"])).source is RoutingSource.PASSTHROUGH_RULE
    assert (await session.ask()).kept


async def test_a_header_forgets_it(conversation: Session) -> None:
    session = await conversation.moved()
    assert (await session.ask(mode=PASSTHROUGH)).source is RoutingSource.HEADER_OVERRIDE
    assert (await session.ask()).source is RoutingSource.DEFAULT


async def test_a_choice_of_the_classifier_forgets_it(conversation: Session) -> None:
    session = await conversation.moved()
    assert (await session.ask(LONG, AUTO, chosen="passthrough")).mode is PASSTHROUGH
    assert (await session.ask()).source is RoutingSource.DEFAULT


@pytest.mark.parametrize("other", [{"caller": "d"}, {"session": "t"}, {"session": None}], ids=str)
async def test_another_session_and_the_same_one_of_another_caller_are_not_moved(
    conversation: Session, other: dict[str, Any]
) -> None:
    session = await conversation.moved()
    assert (await session.ask(**other)).source is RoutingSource.DEFAULT
    await session.ask(mode=PASSTHROUGH, **other)
    assert (await session.ask()).kept


async def test_without_a_session_nothing_is_remembered(conversation: Session) -> None:
    await conversation.ask("a hard one", REASONING, session=None)
    assert (await conversation.ask(session=None)).source is RoutingSource.DEFAULT


async def test_a_reasoning_default_moves_no_session(conversation: Session) -> None:
    router = replace(conversation.router, default=REASONING)
    session = Session(router, conversation.route)
    assert (await session.ask()).source is RoutingSource.DEFAULT
    assert (await session.ask(mode=AUTO, chosen="passthrough")).source is RoutingSource.LLM_CLASSIFIER


@pytest.fixture
async def two_workers(conversation: Session) -> AsyncIterator[list[Session]]:
    """The same server's, each with a router of its own."""
    with TemporaryDirectory(prefix="workers-") as directory:
        async with AsyncExitStack() as resources:
            sessions = []
            for colleagues in (Colleagues(Path(directory)), Colleagues(Path(directory))):
                router = RequestRouter(conversation.router.classifier, Metrics(), colleagues=colleagues)
                sessions.append(Session(router, conversation.route))
                await colleagues.open()
                resources.push_async_callback(colleagues.close)
            yield sessions


async def test_a_session_that_one_worker_moved_stays_there_in_the_others(two_workers: list[Session]) -> None:
    one, other = two_workers
    await one.moved()
    decision = await other.ask()
    assert (decision.mode, decision.source, decision.kept) == (REASONING, RoutingSource.LLM_CLASSIFIER, True)
    assert (await other.ask(caller="d")).source is RoutingSource.DEFAULT


async def test_a_session_that_one_worker_took_out_again_is_out_in_the_others(two_workers: list[Session]) -> None:
    one, other = two_workers
    await one.moved()
    await other.ask(mode=PASSTHROUGH)
    assert [(await worker.ask()).source for worker in two_workers] == [RoutingSource.DEFAULT] * 2


async def test_the_session_that_was_unused_for_longest_is_forgotten_first(conversation: Session) -> None:
    conversation = Session(replace(conversation.router, remembers=2), conversation.route)
    for name in ("a", "b"):
        await conversation.ask(mode=REASONING, session=name)
    await conversation.ask(session="a")
    await conversation.ask(mode=REASONING, session="c")
    assert [(await conversation.ask(session=name)).kept for name in ("a", "b", "c")] == [True, False, True]


def test_a_litellm_that_is_slow_to_tell_the_environment_does_not_take_the_classifiers_time(
    settings: Settings, litellm: respx.Router, routed: respx.Route
) -> None:
    async def slow(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.6)
        return httpx.Response(200, json={"info": {"metadata": {"environment": "test"}}})

    routed.respond(200, json=_answered(json.dumps({"reason": "easy", "mode": "passthrough"})))
    litellm.get("/key/info").mock(side_effect=slow)
    hurried = settings.model_copy(update={"routing_classifier_timeout": 0.5})
    app = create_app(hurried, transport=PlayedTransport(litellm))
    with TestClient(app, headers={"authorization": f"Bearer {TOKEN}"}) as client:
        assert _asked_for_auto(client) == ("passthrough", "llm_classifier")
