"""The configuration's own prices, as Phoenix is told them."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from operations import prices
from operations.prices import CONFIG, Price, PriceError, configured, register

URL = "http://127.0.0.1:4998"
PRICE = Price("o1-mini", 1.1, 4.4)


def _phoenix(router: respx.Router, *known: dict[str, Any]) -> respx.Route:
    data = {
        "generativeModels": {"edges": [{"node": node} for node in known]},
        "createModel": {},
        "updateModel": {},
        "deleteModel": {},
    }
    return router.post("/graphql").respond(json={"data": data})


def _known(output: float) -> dict[str, Any]:
    prices = [("input", 1.1), ("output", output)]
    costs = [{"tokenType": name, "costPerMillionTokens": price} for name, price in prices]
    return {"id": "M:1", "name": "o1-mini", "kind": "CUSTOM", "namePattern": PRICE.pattern, "tokenPrices": costs}


def _told(route: respx.Route) -> list[dict[str, Any]]:
    return [json.loads(call.request.content) for call in route.calls[1:]]


def test_prices_are_dollars_a_million_tokens() -> None:
    assert PRICE in configured(CONFIG)


def test_a_model_that_phoenix_does_not_price_is_created_under_exactly_its_name() -> None:
    with respx.mock(base_url=URL) as router:
        route = _phoenix(router)
        assert register(URL, [PRICE]) == ["o1-mini"]
    [created] = _told(route)
    assert created["variables"]["input"]["namePattern"] == PRICE.pattern
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


def test_the_pattern_matches_the_name_alone() -> None:
    names = ["o1-mini", "o1-mini-2024", "azure/o1-mini", "o1_mini"]
    assert [name for name in names if re.search(PRICE.pattern, name)] == ["o1-mini"]


def test_prices_of_cached_tokens_are_registered_where_the_configuration_sets_them(tmp_path: Path) -> None:
    prices = {
        "input_cost_per_token": 1e-6,
        "cache_read_input_token_cost": 1e-7,
        "cache_creation_input_token_cost": 2e-6,
    }
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps({"model_list": [{"model_name": "m", "model_info": prices}]}))
    [price] = configured(file)
    assert [(cost["tokenType"], cost["costPerMillionTokens"], cost["kind"]) for cost in price.costs()] == [
        ("input", 1.0, "PROMPT"),
        ("output", 0.0, "COMPLETION"),
        ("cache_read", 0.1, "PROMPT"),
        ("cache_write", 2.0, "PROMPT"),
    ]


def test_a_price_that_is_for_phoenix_alone_is_registered_there(tmp_path: Path) -> None:
    info = {"base_model": "maker/m", "phoenix_price": {"input_cost_per_token": 1e-6, "output_cost_per_token": "2e-6"}}
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps({"model_list": [{"model_name": "m", "model_info": info}]}))
    assert configured(file) == [Price("m", 1.0, 2.0)]


def test_a_price_of_ours_that_is_gone_is_deleted_and_anybody_elses_stays() -> None:
    ours = {**_known(4.4), "id": "M:2", "name": "old", "namePattern": Price("old", 1, 1).pattern}
    theirs = {**_known(4.4), "id": "M:3", "name": "by-hand", "namePattern": r"^by\-hand$"}
    with respx.mock(base_url=URL) as router:
        route = _phoenix(router, _known(4.4), ours, theirs)
        assert register(URL, [PRICE]) == ["old"]
    [deleted] = _told(route)
    assert "deleteModel" in deleted["query"]
    assert deleted["variables"]["input"] == {"id": "M:2"}


@pytest.mark.parametrize(
    ("options", "environment", "port"),
    [
        ([], {"STACK_PORT_BASE": "8100"}, 8102),
        (["--port-base", "8200"], {}, 8202),
        (["--env-file", "{env}"], {}, 6444),
        (["--state-dir", "{state}"], {}, 8302),
    ],
)
def test_the_phoenix_of_the_stack_is_told(
    options: list[str], environment: dict[str, str], port: int, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PHOENIX_PORT=6444\n")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "instance.json").write_text('{"port_base": 8300}')
    given = [option.format(env=tmp_path / ".env", state=tmp_path) for option in options]
    with respx.mock(base_url=f"http://127.0.0.1:{port}") as router:
        route = _phoenix(router)
        assert prices.main(given, environment) == 0
    assert route.called


def test_a_phoenix_that_cannot_be_reached_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with respx.mock(base_url=URL) as router:
        router.post("/graphql").mock(side_effect=httpx.ConnectError("refused"))
        assert prices.main(["--phoenix-url", URL]) == 1
    assert f"Phoenix at {URL}" in capsys.readouterr().err


def test_a_configuration_without_models_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("{}")
    with pytest.raises(PriceError, match=r"config\.yaml"):
        configured(tmp_path / "config.yaml")
