"""Print the API's base URL and a token, and the lines that point common clients at it.

The token is printed, because it is there to be copied; --hide-token leaves it out for a screen that others see.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Template

import httpx
import yaml

from local_stack import litellm_config
from local_stack.command_line import Parser
from local_stack.first_call import PREFERRED_MODEL
from operations import command_line
from operations.command_line import Target, UsageError

CLIENTS: dict[str, dict[str, str]] = yaml.safe_load((Path(__file__).parent / "clients.yaml").read_text())
HIDDEN = "YOUR_TOKEN"
# What an API that asks for no token is given by clients that insist on sending one.
ANY = "none"
# What Docker is told to publish the API on when this machine reaches it on loopback.
EVERYWHERE = ("", "127.0.0.1", "0.0.0.0", "localhost", "::")  # noqa: S104


@dataclasses.dataclass(frozen=True)
class Connection:
    base_url: str
    token: str
    model: str

    def lines(self, client: str) -> str:
        """What is to be copied for the client."""
        return Template(CLIENTS[client]["lines"]).substitute(self._quoted()).rstrip("\n")

    def _quoted(self) -> dict[str, str]:
        plain = dataclasses.asdict(self) | {"root_url": self.base_url.removesuffix("/v1")}
        within = {name: json.dumps(value, ensure_ascii=False)[1:-1] for name, value in plain.items()}
        body = {"model": self.model, "messages": [{"role": "user", "content": "Hello"}]}
        shell = plain | {"authorization": f"Authorization: Bearer {self.token}", "body": json.dumps(body)}
        return within | {f"sh_{name}": shlex.quote(value) for name, value in shell.items()}


def answers(base_url: str) -> bool:
    """Whether the API answers there, whatever state it is in."""
    try:
        response = httpx.get(f"{base_url.removesuffix('/v1')}/health", timeout=5, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    return response.status_code < httpx.codes.BAD_REQUEST


def found(target: Target) -> str:
    """The base URL where the API answers: where Docker publishes it by the .env, or where the local stack has it.

    Raises UsageError.
    """
    bound = target.values.get("BIND_ADDRESS", "").strip()
    published = [] if bound in EVERYWHERE else [f"http://{bound}:{target.port('api')}/v1"]
    places = list(dict.fromkeys([f"{target.url('api')}/v1", target.stack.url("api", "/v1"), *published]))
    place = next((place for place in places if answers(place)), None)
    if place is None:
        raise UsageError(
            f"no API answers at {' or '.join(places)}: start it with `make up` or `make docker_up`, or name another's "
            "address with --base-url"
        )
    return place


def token_of(target: Target) -> str:
    """The first of its tokens. Raises UsageError."""
    tokens = [token.strip() for token in target.values.get("API_TOKENS", "").split(",") if token.strip()]
    if tokens:
        return tokens[0]
    if target.values.get("REQUIRE_AUTH", "").strip().lower() in ("false", "0", "no", "off"):
        return ANY
    raise UsageError(f"API_TOKENS is empty in {target.file}: `make up` and `make docker_up` generate one")


def model_of(target: Target) -> str:
    """Raises LiteLLMConfigError, UsageError."""
    names = [model.name for model in litellm_config.models(target.stack.litellm_config) if model.chats]
    if not names:
        raise UsageError(f"{target.stack.litellm_config} has no chat model: name one with --model")
    return PREFERRED_MODEL if PREFERRED_MODEL in names else names[0]


def shown(connection: Connection, clients: Sequence[str]) -> Iterator[str]:
    """All of it in paragraphs, or the lines alone for a single client, to be piped or copied whole."""
    if len(clients) == 1:
        yield connection.lines(clients[0])
        return
    yield f"Base URL: {connection.base_url}\nAPI key:  {connection.token}\nModel:    {connection.model}"
    for name in clients:
        client = CLIENTS[name]
        yield f"── {client['title']} ({name}; {client['where']})\n{connection.lines(name)}"
    yield (
        "The header X-Routing-Mode (reasoning, auto) chooses how a request is answered; in clients that send no headers of their\n"
        f"own, the model's name does: {connection.model}:reasoning. One client alone: make connect CLIENT=NAME, or\n"
        'ARGS="--client NAME".'
    )


def parser() -> argparse.ArgumentParser:
    result = Parser(prog="python -m operations.connect", description=__doc__)
    result.add_argument(
        "--client",
        action="append",
        choices=tuple(CLIENTS),
        metavar="NAME",
        help=f"only this one's lines; may be repeated: {', '.join(CLIENTS)}",
    )
    result.add_argument(
        "--model", metavar="NAME", help=f"the model in the lines (default: {PREFERRED_MODEL}, if configured)"
    )
    result.add_argument(
        "--base-url", metavar="URL", help="where clients reach the API (default: this machine's, found out)"
    )
    result.add_argument("--hide-token", action="store_true", help=f"print {HIDDEN} in the token's place")
    command_line.add_stack_options(result, holds="API_TOKENS and API_PORT")
    return result


def run(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    """Raises one of command_line.EXPECTED."""
    target = command_line.target(options, environment)
    token = token_of(target)
    example = "--base-url http://127.0.0.1:8000/v1"
    given = (
        command_line.checked_url(options.base_url, example).removesuffix("/v1") + "/v1" if options.base_url else None
    )
    connection = Connection(
        given or found(target), HIDDEN if options.hide_token else token, options.model or model_of(target)
    )
    print("\n\n".join(shown(connection, list(dict.fromkeys(options.client or CLIENTS)))))


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    options = parser().parse_args(arguments)
    return command_line.carried_out(lambda: run(options, environment))


if __name__ == "__main__":
    sys.exit(main())
