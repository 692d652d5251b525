"""Tells Phoenix the prices that config/litellm_config.yaml sets, so that it computes the costs that LiteLLM charges.

Phoenix prices a call by its model's name alone and by its own list; a model with a price of its own in the configuration is
registered there under exactly that name. Running it again changes only what has changed.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from local_stack import bootstrap

CONFIG = bootstrap.ROOT / "config" / "litellm_config.yaml"
PER_MILLION = 1_000_000
DIGITS = 9  # of dollars a million tokens: what remains of a price per token after multiplying floats
_MODELS = """query { generativeModels(first: 5000) { edges { node {
  id name kind namePattern tokenPrices { tokenType costPerMillionTokens } } } } }"""
_CREATE = "mutation($input: CreateModelMutationInput!) { createModel(input: $input) { __typename } }"
_UPDATE = "mutation($input: UpdateModelMutationInput!) { updateModel(input: $input) { __typename } }"


class PriceError(Exception):
    """The prices cannot be read or registered; the message says why."""


@dataclasses.dataclass(frozen=True)
class Price:
    """Dollars a million tokens."""

    model: str
    input: float
    output: float

    @property
    def pattern(self) -> str:
        return f"^{re.escape(self.model)}$"

    def costs(self) -> list[dict[str, Any]]:
        return [
            {"tokenType": "input", "costPerMillionTokens": self.input, "kind": "PROMPT"},
            {"tokenType": "output", "costPerMillionTokens": self.output, "kind": "COMPLETION"},
        ]


def configured(config: Path) -> list[Price]:
    """The models that the configuration itself prices. Raises PriceError."""
    try:
        models = yaml.safe_load(config.read_text())["model_list"]
        priced = [(model["model_name"], model.get("model_info") or {}) for model in models]
        return [
            Price(name, _per_million(info["input_cost_per_token"]), _per_million(info.get("output_cost_per_token", 0)))
            for name, info in priced
            if "input_cost_per_token" in info
        ]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise PriceError(f"{config}: its prices cannot be read ({error!r})") from error


def register(url: str, prices: Sequence[Price]) -> list[str]:
    """The names of the models whose price is new or has changed. Raises PriceError."""
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        nodes = [edge["node"] for edge in _ask(client, _MODELS)["generativeModels"]["edges"]]
        own = {node["name"]: node for node in nodes if node["kind"] == "CUSTOM"}
        return [price.model for price in prices if _registered(client, price, own.get(price.model))]


def _registered(client: httpx.Client, price: Price, known: dict[str, Any] | None) -> bool:
    wanted = {"name": price.model, "namePattern": price.pattern, "costs": price.costs()}
    if known is None:
        _ask(client, _CREATE, wanted)
        return True
    costs = {cost["tokenType"]: round(cost["costPerMillionTokens"], DIGITS) for cost in known["tokenPrices"]}
    if costs == {"input": price.input, "output": price.output} and known["namePattern"] == price.pattern:
        return False
    _ask(client, _UPDATE, {"id": known["id"], **wanted})
    return True


def _ask(client: httpx.Client, query: str, given: dict[str, Any] | None = None) -> dict[str, Any]:
    try:
        answer = client.post("/graphql", json={"query": query, "variables": {"input": given} if given else {}})
        body = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise PriceError(
            f"Phoenix at {client.base_url} does not take prices ({error or type(error).__name__})"
        ) from error
    if body.get("errors"):
        raise PriceError(f"Phoenix refuses a price: {body['errors'][0].get('message')}")
    return dict(body["data"])


def _per_million(price: object) -> float:
    return round(float(str(price)) * PER_MILLION, DIGITS)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local_stack.phoenix_prices", description=__doc__)
    parser.add_argument("--phoenix-url", metavar="URL", default="http://127.0.0.1:6006", help="default: %(default)s")
    parser.add_argument("--config", type=Path, default=CONFIG, metavar="FILE", help="LiteLLM's configuration")
    options = parser.parse_args(arguments)
    try:
        changed = register(options.phoenix_url, configured(options.config))
    except PriceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"Registered in Phoenix: {', '.join(changed)}" if changed else "Phoenix has these prices already")
    return 0


if __name__ == "__main__":
    sys.exit(main())
