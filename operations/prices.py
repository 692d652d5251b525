"""Tells Phoenix the prices that config/litellm_config.yaml sets, so that it computes the costs that LiteLLM charges.

Phoenix prices a call by its model's name alone and by its own list; a model with a price of its own in the configuration is
registered there under exactly that name. Running it again changes only what has changed, and deletes what it had registered
and the configuration prices no more. Prices that somebody else made there stay.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from local_stack import bootstrap
from local_stack.command_line import Parser
from local_stack.litellm_config import unreadable
from operations import command_line

CONFIG = bootstrap.ROOT / "config" / "litellm_config.yaml"
PER_MILLION = 1_000_000
DIGITS = 9  # of dollars a million tokens: what remains of a price per token after multiplying floats
# In every pattern of ours, where it changes nothing of what the pattern matches: how we know them again.
MARK = "(?!litellm_config[.]yaml)"
_MODELS = """query { generativeModels(first: 5000) { edges { node {
  id name kind namePattern tokenPrices { tokenType costPerMillionTokens } } } } }"""
_CREATE = "mutation($input: CreateModelMutationInput!) { createModel(input: $input) { __typename } }"
_UPDATE = "mutation($input: UpdateModelMutationInput!) { updateModel(input: $input) { __typename } }"
_DELETE = "mutation($input: DeleteModelMutationInput!) { deleteModel(input: $input) { __typename } }"


class PriceError(Exception):
    """The prices cannot be read or registered; the message says why."""


@dataclasses.dataclass(frozen=True)
class Price:
    """Dollars a million tokens."""

    model: str
    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None

    @property
    def pattern(self) -> str:
        return f"^{MARK}{re.escape(self.model)}$"

    def by_type(self) -> dict[str, float]:
        """In Phoenix's own words. It takes a cached token for any other of the prompt where it has no price of its own."""
        cached = {"cache_read": self.cache_read, "cache_write": self.cache_write}
        known = {name: price for name, price in cached.items() if price is not None}
        return {"input": self.input, "output": self.output, **known}

    def costs(self) -> list[dict[str, Any]]:
        return [
            {"tokenType": name, "costPerMillionTokens": price, "kind": "COMPLETION" if name == "output" else "PROMPT"}
            for name, price in self.by_type().items()
        ]


def configured(config: Path) -> list[Price]:
    """The models that the configuration itself prices, for LiteLLM and Phoenix or for Phoenix alone. Raises PriceError."""
    try:
        models = yaml.safe_load(config.read_text())["model_list"]
        described = [(model["model_name"], model.get("model_info") or {}) for model in models]
        priced = [(name, info.get("phoenix_price") or info) for name, info in described]
        return [
            Price(
                name,
                _per_million(info["input_cost_per_token"]),
                _per_million(info.get("output_cost_per_token", 0)),
                _if_set(info.get("cache_read_input_token_cost")),
                _if_set(info.get("cache_creation_input_token_cost")),
            )
            for name, info in priced
            if "input_cost_per_token" in info
        ]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise PriceError(unreadable(config, error)) from error


def register(url: str, prices: Sequence[Price]) -> list[str]:
    """The names of the models whose price is new, has changed or is gone. Raises PriceError."""
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        nodes = [edge["node"] for edge in _ask(client, _MODELS)["generativeModels"]["edges"]]
        own = {node["name"]: node for node in nodes if node["kind"] == "CUSTOM"}
        gone = [node for name, node in own.items() if MARK in node["namePattern"] and name not in _names(prices)]
        for node in gone:
            _ask(client, _DELETE, {"id": node["id"]})
        changed = [price.model for price in prices if _registered(client, price, own.get(price.model))]
        return [*changed, *(node["name"] for node in gone)]


def _names(prices: Sequence[Price]) -> set[str]:
    return {price.model for price in prices}


def _registered(client: httpx.Client, price: Price, known: dict[str, Any] | None) -> bool:
    wanted = {"name": price.model, "namePattern": price.pattern, "costs": price.costs()}
    if known is None:
        _ask(client, _CREATE, wanted)
        return True
    costs = {cost["tokenType"]: round(cost["costPerMillionTokens"], DIGITS) for cost in known["tokenPrices"]}
    if costs == price.by_type() and known["namePattern"] == price.pattern:
        return False
    _ask(client, _UPDATE, {"id": known["id"], **wanted})
    return True


def _ask(client: httpx.Client, query: str, given: dict[str, Any] | None = None) -> dict[str, Any]:
    try:
        answer = client.post("/graphql", json={"query": query, "variables": {"input": given} if given else {}})
        answer.raise_for_status()
        body = answer.json()
    except httpx.HTTPStatusError as error:
        raise PriceError(f"{client.base_url} answers {answer.status_code}: is it Phoenix, without a login?") from error
    except httpx.HTTPError as error:
        raise PriceError(
            f"Phoenix at {client.base_url} does not answer: {str(error) or 'it took too long'}. Is the stack up? make status"
        ) from error
    except ValueError:
        body = None
    if not isinstance(body, dict) or not {"data", "errors"} & body.keys():
        raise PriceError(f"What answers at {client.base_url} is not Phoenix: name its address with --phoenix-url")
    if body.get("errors"):
        raise PriceError(f"Phoenix refuses a price: {body['errors'][0].get('message')}")
    return dict(body["data"])


def _per_million(price: object) -> float:
    try:
        return round(float(str(price)) * PER_MILLION, DIGITS)
    except ValueError:
        raise PriceError(f"The price {price!r} is not a number of dollars a token") from None


def _if_set(price: object) -> float | None:
    return None if price is None else _per_million(price)


def parser() -> argparse.ArgumentParser:
    result = Parser(prog="python -m operations.prices", description=__doc__)
    result.add_argument("--phoenix-url", metavar="URL", help="default: the stack's Phoenix, http://127.0.0.1:6006")
    result.add_argument(
        "--config",
        type=command_line.existing_file,
        default=CONFIG,
        metavar="FILE",
        help="LiteLLM's configuration (default: %(default)s)",
    )
    command_line.add_stack_options(result, holds="PHOENIX_PORT")
    return result


def run(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    """Raises PriceError and those of command_line.EXPECTED."""
    given = options.phoenix_url or command_line.target(options, environment).url("phoenix")
    try:
        changed = register(
            command_line.checked_url(given, "--phoenix-url http://127.0.0.1:6006"), configured(options.config)
        )
    except PriceError as error:
        raise command_line.UsageError(str(error)) from error
    print(f"Changed prices in Phoenix: {', '.join(changed)}" if changed else "Phoenix has these prices already")


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    options = parser().parse_args(arguments)
    return command_line.carried_out(lambda: run(options, environment))


if __name__ == "__main__":
    sys.exit(main())
