"""What LiteLLM says of its models: asked for seldom, and never a reason for a request to fail."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx

from api.errors import ModelNotFound, NoModelList
from api.llm.lookups import Lookups
from api.llm.model_catalog import FAILURE_KEPT_FOR, KEPT_FOR, ModelCatalog
from tests.support.played_litellm import played_client

MODELS = {"object": "list", "data": [{"id": "gpt", "object": "model"}, {"id": "new", "object": "model"}]}
INFO = {
    "data": [
        {
            "model_name": "gpt",
            "model_info": {
                "supports_response_schema": True,
                "supported_openai_params": ["temperature", "response_format"],
                "max_input_tokens": 128_000,
                "supports_vision": None,
            },
        },
        {"model_name": "old", "model_info": {"supports_response_schema": None, "supported_openai_params": None}},
    ]
}


@pytest.fixture
async def catalog(litellm: respx.Router) -> AsyncIterator[ModelCatalog]:
    async with played_client(litellm) as client:
        yield ModelCatalog(Lookups(client), answer_limit=0.2)


@pytest.fixture
def asked(litellm: respx.Router) -> respx.Route:
    litellm.get("/v1/models").respond(200, json=MODELS)
    return litellm.get("/v1/model/info").respond(200, json=INFO)


def _grow_old(catalog: ModelCatalog) -> None:
    for answer in (catalog._listed, catalog._described):
        answer._told -= KEPT_FOR
        answer._failed -= FAILURE_KEPT_FOR


async def _hang(_request: httpx.Request) -> httpx.Response:
    await asyncio.sleep(60)
    raise AssertionError("was waited for")


async def test_litellm_is_asked_once_for_many_requests(catalog: ModelCatalog, asked: respx.Route) -> None:
    for name in ("gpt", "old", "gpt", "unknown"):
        await catalog.find(name)
    assert asked.call_count == 1


async def test_it_is_asked_again_when_the_answer_has_grown_old(catalog: ModelCatalog, asked: respx.Route) -> None:
    await catalog.find("gpt")
    _grow_old(catalog)
    await catalog.find("gpt")
    assert asked.call_count == 2


async def test_abilities_are_what_litellm_says(catalog: ModelCatalog, asked: respx.Route) -> None:
    gpt, old = await catalog.find("gpt"), await catalog.find("old")
    assert gpt is not None
    assert old is not None
    assert (gpt.supports_response_schema, gpt.supports_response_format) == (True, True)
    assert (old.supports_response_schema, old.supports_response_format) == (False, False)


async def test_of_a_model_that_is_not_listed_nothing_is_known(catalog: ModelCatalog, asked: respx.Route) -> None:
    assert await catalog.find("unknown") is None


@pytest.mark.parametrize("status", [401, 404, 500])
async def test_a_litellm_that_does_not_say_fails_nobody_and_is_asked_again(
    catalog: ModelCatalog, litellm: respx.Router, status: int
) -> None:
    litellm.get("/v1/models").respond(200, json=MODELS)
    route = litellm.get("/v1/model/info").respond(status, json={"error": {"message": "no"}})
    assert await catalog.find("gpt") is None
    route.respond(200, json=INFO)
    _grow_old(catalog)
    assert await catalog.find("gpt") is not None


async def test_what_was_known_stays_known_while_litellm_is_down(
    catalog: ModelCatalog, litellm: respx.Router, asked: respx.Route
) -> None:
    await catalog.find("gpt")
    _grow_old(catalog)
    litellm.get("/v1/models").mock(side_effect=httpx.ConnectError("refused"))
    assert await catalog.find("gpt") is not None
    listed = await catalog.all()
    assert (listed.stale, listed.headers["x-models-stale"]) == (True, "true")


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (httpx.ConnectError("refused"), "llm_gateway_unreachable"),
        (httpx.ReadTimeout("slow"), "llm_gateway_timeout"),
        (httpx.Response(401, json={"error": {"message": "unknown key"}}), "llm_gateway_key_rejected"),
        (httpx.Response(200, text="<html>"), "llm_gateway_stream_broken"),
        (httpx.Response(200, json=["gpt"]), "llm_gateway_stream_broken"),
        (httpx.Response(200, json={"data": ["gpt"]}), "llm_gateway_stream_broken"),
        (httpx.Response(429, json={"error": {"message": "slow down", "code": "429"}}), "model_list_unavailable"),
        (_hang, "llm_gateway_timeout"),
    ],
    ids=["refused", "slow", "key refused", "no JSON", "a list", "no objects", "too many requests", "hangs"],
)
async def test_a_list_that_was_never_got_is_a_503_whatever_the_cause(
    catalog: ModelCatalog, asked: respx.Route, litellm: respx.Router, failure: Any, code: str
) -> None:
    effect = {"return_value": failure} if isinstance(failure, httpx.Response) else {"side_effect": failure}
    litellm.get("/v1/models").mock(**effect)
    with pytest.raises(NoModelList) as none:
        await catalog.all()
    assert (none.value.status_code, none.value.error_code) == (503, code)


async def test_a_list_is_told_without_what_litellm_does_not_say_of_its_models(
    catalog: ModelCatalog, litellm: respx.Router
) -> None:
    litellm.get("/v1/models").respond(200, json=MODELS)
    litellm.get("/v1/model/info").respond(500, json={"error": {"message": "no"}})
    listed = await catalog.all()
    assert (listed.models, listed.stale) == (MODELS["data"], False)


async def test_what_was_known_of_a_model_stays_in_a_list_that_is_newer(
    catalog: ModelCatalog, litellm: respx.Router, asked: respx.Route
) -> None:
    known = await catalog.all()
    _grow_old(catalog)
    asked.respond(500, json={"error": {"message": "no"}})
    listed = await catalog.all()
    assert (listed.models, listed.stale) == (known.models, False)


async def test_a_litellm_that_hangs_is_waited_for_once_by_all(
    catalog: ModelCatalog, asked: respx.Route, litellm: respx.Router
) -> None:
    asked_for: list[httpx.Request] = []

    async def hang(request: httpx.Request) -> httpx.Response:
        asked_for.append(request)
        return await _hang(request)

    litellm.get("/v1/models").mock(side_effect=hang)
    began = time.monotonic()
    failures = await asyncio.gather(*(catalog.all() for _ in range(10)), return_exceptions=True)
    assert [type(failure) for failure in failures] == [NoModelList] * 10
    assert (len(asked_for), time.monotonic() - began < 2 * 0.2) == (1, True)


async def test_a_failure_is_remembered_for_a_moment(
    catalog: ModelCatalog, asked: respx.Route, litellm: respx.Router
) -> None:
    failing = litellm.get("/v1/models").respond(500, json={"error": {"message": "no"}})
    for _ in range(3):
        with pytest.raises(NoModelList):
            await catalog.all()
    assert failing.call_count == 1
    _grow_old(catalog)
    failing.respond(200, json=MODELS)
    assert (await catalog.all()).stale is False


async def test_who_leaves_does_not_take_the_answer_from_the_others(
    catalog: ModelCatalog, asked: respx.Route, litellm: respx.Router
) -> None:
    async def slow(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.05)
        return httpx.Response(200, json=MODELS)

    listing = litellm.get("/v1/models").mock(side_effect=slow)
    leaves, stays = (asyncio.create_task(catalog.all()) for _ in range(2))
    await asyncio.sleep(0.01)
    leaves.cancel()
    assert (await stays).stale is False
    assert (leaves.cancelled(), listing.call_count) == (True, 1)


async def test_a_listed_model_has_what_litellm_knows_beside_openais_fields(
    catalog: ModelCatalog, asked: respx.Route
) -> None:
    model, listed = await catalog.get("gpt")
    assert (
        model.items() >= {"id": "gpt", "object": "model", "context_window": 128_000, "supports_vision": False}.items()
    )
    assert listed.stale is False
    assert (await catalog.get("new"))[0] == {"id": "new", "object": "model"}


async def test_a_model_that_is_not_listed_is_not_found(catalog: ModelCatalog, asked: respx.Route) -> None:
    with pytest.raises(ModelNotFound):
        await catalog.get("unknown")


async def test_a_name_that_is_missing_from_a_stale_list_is_a_404_that_says_so(
    catalog: ModelCatalog, litellm: respx.Router, asked: respx.Route
) -> None:
    await catalog.all()
    _grow_old(catalog)
    litellm.get("/v1/models").mock(side_effect=httpx.ConnectError("refused"))
    with pytest.raises(ModelNotFound) as missing:
        await catalog.get("brand-new")
    assert missing.value.headers["x-models-stale"] == "true"


def _deployment(**known: Any) -> dict[str, Any]:
    return {"model_name": "gpt", "model_info": known}


@pytest.mark.parametrize("order", [1, -1])
async def test_of_several_deployments_is_told_what_all_of_them_can(
    catalog: ModelCatalog, litellm: respx.Router, order: int
) -> None:
    deployments = [
        _deployment(
            supports_vision=True,
            supports_reasoning=True,
            supports_response_schema=True,
            supported_openai_params=["response_format", "temperature"],
            max_input_tokens=128_000,
            max_output_tokens=4_096,
            input_cost_per_token=1e-6,
            output_cost_per_token=2e-6,
            mode="chat",
        ),
        _deployment(
            supports_vision=True,
            supports_reasoning=None,
            supports_response_schema=False,
            supported_openai_params=["temperature"],
            max_input_tokens=64_000,
            max_output_tokens=None,
            input_cost_per_token=3e-6,
            output_cost_per_token=2e-6,
            mode="chat",
        ),
    ]
    litellm.get("/v1/models").respond(200, json=MODELS)
    litellm.get("/v1/model/info").respond(200, json={"data": deployments[::order]})
    model, _ = await catalog.get("gpt")
    known = await catalog.find("gpt")
    assert model == {
        "id": "gpt",
        "object": "model",
        "context_window": 64_000,
        "output_cost_per_token": 2e-6,
        "mode": "chat",
        "supports_function_calling": False,
        "supports_vision": True,
        "supports_response_schema": False,
        "supports_reasoning": False,
    }
    assert known is not None
    assert (known.supports_response_schema, known.supports_response_format) == (False, False)
