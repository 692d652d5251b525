"""What LiteLLM says of its models: asked for seldom, and never a reason for a request to fail."""

from collections.abc import AsyncIterator

import httpx
import pytest
import respx
from openai import AsyncOpenAI

from api.errors import APIError, ModelNotFound
from api.llm_gateway import LLMGateway
from api.metrics import Metrics
from api.model_catalog import KEPT_FOR, ModelCatalog
from api.tracing import Tracing
from tests.unit_tests.api.conftest import LITELLM

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
    transport = httpx.MockTransport(litellm.async_handler)
    async with httpx.AsyncClient(transport=transport) as http:
        client = AsyncOpenAI(api_key="sk-virtual", base_url=f"{LITELLM}/v1", http_client=http, max_retries=0)
        yield ModelCatalog(LLMGateway(client, Tracing(), Metrics()))


@pytest.fixture
def asked(litellm: respx.Router) -> respx.Route:
    litellm.get("/v1/models").respond(200, json=MODELS)
    return litellm.get("/v1/model/info").respond(200, json=INFO)


def _grow_old(catalog: ModelCatalog) -> None:
    catalog._asked -= KEPT_FOR


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


async def test_a_list_that_was_never_got_is_an_error(catalog: ModelCatalog, litellm: respx.Router) -> None:
    litellm.get("/v1/models").mock(side_effect=httpx.ConnectError("refused"))
    with pytest.raises(APIError):
        await catalog.all()


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
