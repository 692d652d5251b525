"""The configuration's own prices, as Phoenix is told them."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from local_stack import phoenix_prices
from local_stack.phoenix_prices import CONFIG, Price, PriceError, configured, register

URL = "http://127.0.0.1:4998"
PRICE = Price("o1-mini", 1.1, 4.4)


def _phoenix(router: respx.Router, *known: dict[str, Any]) -> respx.Route:
    data = {"generativeModels": {"edges": [{"node": node} for node in known]}, "createModel": {}, "updateModel": {}}
    return router.post("/graphql").respond(json={"data": data})


def _known(output: float) -> dict[str, Any]:
    prices = [("input", 1.1), ("output", output)]
    costs = [{"tokenType": name, "costPerMillionTokens": price} for name, price in prices]
    return {"id": "M:1", "name": "o1-mini", "kind": "CUSTOM", "namePattern": r"^o1\-mini$", "tokenPrices": costs}


def _told(route: respx.Route) -> list[dict[str, Any]]:
    return [json.loads(call.request.content) for call in route.calls[1:]]


def test_prices_are_dollars_a_million_tokens() -> None:
    assert PRICE in configured(CONFIG)


def test_a_model_that_phoenix_does_not_price_is_created_under_exactly_its_name() -> None:
    with respx.mock(base_url=URL) as router:
        route = _phoenix(router)
        assert register(URL, [PRICE]) == ["o1-mini"]
    [created] = _told(route)
    assert created["variables"]["input"]["namePattern"] == r"^o1\-mini$"
    assert [cost["costPerMillionTokens"] for cost in created["variables"]["input"]["costs"]] == [1.1, 4.4]


def test_a_price_that_is_known_is_left_alone() -> None:
    with respx.mock(base_url=URL) as router:
        route = _phoenix(router, _known(4.4))
        assert register(URL, [PRICE]) == []
    assert _told(route) == []


def test_a_price_that_has_changed_is_updated() -> None:
    with respx.mock(base_url=URL) as router:
        route = _phoenix(router, _known(9.9))
        assert register(URL, [PRICE]) == ["o1-mini"]
    assert _told(route)[0]["variables"]["input"]["id"] == "M:1"


def test_a_phoenix_that_cannot_be_reached_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with respx.mock(base_url=URL) as router:
        router.post("/graphql").mock(side_effect=httpx.ConnectError("refused"))
        assert phoenix_prices.main(["--phoenix-url", URL]) == 1
    assert f"Phoenix at {URL}" in capsys.readouterr().err


def test_a_configuration_without_models_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("{}")
    with pytest.raises(PriceError, match=r"config\.yaml"):
        configured(tmp_path / "config.yaml")
