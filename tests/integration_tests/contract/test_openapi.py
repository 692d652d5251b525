"""The OpenAPI page against the server: requests made from its schemas bring no 5xx and nothing that it does not name."""

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from api.dialects import anthropic
from api.dialects.openai.schemas import MESSAGE_FIELDS, REQUEST_FIELDS
from tests.integration_tests.contract.wire import Wire, chunks
from tests.support.api import TOKEN, RunningAPI

SCHEMAS = "#/components/schemas"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,allow_header_conformance"


def _of_our_fields(page: dict[str, Any]) -> dict[str, Any]:
    """The page with the fields that this server reads: made-up values of the others are LiteLLM's to refuse, some with a 500."""
    schemas = deepcopy(page["components"]["schemas"])
    for name, fields in {**REQUEST_FIELDS, **anthropic.REQUEST_FIELDS, "Message": MESSAGE_FIELDS}.items():
        for field in fields:
            del schemas[name]["properties"][field]
    return {**page, "components": {**page["components"], "schemas": schemas}}


# Each by itself: in one run they would take minutes of a busy machine.
CHATS, OTHERS = "^/v1/(chat/completions|completions|embeddings)$", "^/v1/(responses|messages)"
PATHS = {
    "chats": ["--include-path-regex", CHATS],
    "responses and messages": ["--include-path-regex", OTHERS],
    "all others": ["--exclude-path-regex", f"{CHATS}|{OTHERS}"],
}


@pytest.mark.parametrize("paths", PATHS)
def test_schemathesis_finds_no_5xx_and_no_undocumented_answer(
    api: RunningAPI, page: dict[str, Any], tmp_path: Path, paths: str
) -> None:
    schema = tmp_path / "openapi.json"
    schema.write_text(json.dumps(_of_our_fields(page)))
    settings = [
        *PATHS[paths],
        "--phases",
        "examples,coverage,fuzzing",
        "--max-examples",
        "5",
        "--seed",
        "1",
        "--request-timeout",
        "30",
    ]
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", str(schema), "--url", api.url, *settings]
    options = ["--header", f"Authorization: Bearer {TOKEN}", "--checks", CHECKS, "--generation-database", "none"]
    run = subprocess.run(
        [*command, *options, "--no-color"], cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-1000:]
    assert "Traceback" not in api.log.read_text()


@pytest.fixture(scope="module")
def page(api: RunningAPI) -> dict[str, Any]:
    return httpx.get(f"{api.url}/openapi.json", trust_env=False).json()  # type: ignore[no-any-return]


ANTHROPICS = ["/v1/messages", "/v1/messages/count_tokens"]
ENDPOINTS = ["/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions", *ANTHROPICS]
EXAMPLES = [
    ("/v1/chat/completions", "plain"),
    ("/v1/chat/completions", "with a tool"),
    ("/v1/responses", "plain"),
    ("/v1/embeddings", "plain"),
    ("/v1/completions", "plain"),
    ("/v1/messages", "plain"),
    ("/v1/messages", "with a tool"),
    ("/v1/messages/count_tokens", "plain"),
]


def _check(page: dict[str, Any], value: Any, schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator({**schema, "components": page["components"]}).validate(value)


def _shown(page: dict[str, Any], path: str, method: str = "post") -> dict[str, Any]:
    """What the page says of a 200's JSON."""
    return page["paths"][path][method]["responses"]["200"]["content"]["application/json"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(("path", "name"), EXAMPLES)
def test_a_request_of_the_page_is_answered_as_the_page_says(
    wire: Wire, page: dict[str, Any], path: str, name: str
) -> None:
    examples = page["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"]
    answer = wire.client.post(path.removeprefix("/v1"), json=examples[name]["value"])
    assert answer.status_code == 200
    _check(page, answer.json(), _shown(page, path)["schema"])


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/gpt-4o", "/tools", "/health"])
def test_a_look_up_is_answered_as_the_page_says(api: RunningAPI, page: dict[str, Any], path: str) -> None:
    answer = httpx.get(api.url + path, headers=api.headers, trust_env=False)
    assert answer.status_code == 200
    _check(page, answer.json(), _shown(page, path.replace("/gpt-4o", "/{model}"), "get")["schema"])


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_a_streams_chunks_are_as_the_page_says(wire: Wire, page: dict[str, Any], path: str) -> None:
    said = page["paths"][path]["post"]["responses"]["200"]["content"]["text/event-stream"]
    asked = page["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"]["plain"]["value"]
    body = {**asked, "stream": True}
    for chunk in chunks(wire.client.post(path.removeprefix("/v1"), json=body)):
        _check(page, chunk, said["x-event-schema"])


@pytest.mark.parametrize("path", ENDPOINTS)
def test_the_example_of_an_answer_fits_its_schema(page: dict[str, Any], path: str) -> None:
    _check(page, _shown(page, path)["example"], _shown(page, path)["schema"])


def test_an_answer_that_lacks_a_field_does_not_fit_its_schema(page: dict[str, Any]) -> None:
    shown = _shown(page, "/v1/chat/completions")
    lacking = {name: value for name, value in shown["example"].items() if name != "choices"}
    with pytest.raises(jsonschema.ValidationError, match="'choices' is a required property"):
        _check(page, lacking, shown["schema"])


def test_the_fields_of_a_chat_completion_request_are_described(page: dict[str, Any]) -> None:
    schema = page["components"]["schemas"]["ChatCompletionRequest"]
    assert {"temperature", "tools", "response_format", "reasoning_effort", "logit_bias"} <= schema["properties"].keys()
    assert (schema["required"], schema["additionalProperties"]) == (["model", "messages"], True)


def test_the_headers_of_an_answer_are_described(wire: Wire, page: dict[str, Any]) -> None:
    described = page["paths"]["/v1/chat/completions"]["post"]["responses"]["200"]["headers"]
    ours = {name for name in wire.ask().headers if name.startswith("x-")}
    assert {name for name in ours if not name.startswith("x-ratelimit-")} - described.keys() == set()


def test_every_error_is_shown_by_example(page: dict[str, Any]) -> None:
    for operations in page["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status != "200":
                    shown = response["content"]["application/json"]
                    _check(page, shown["example"], shown["schema"])
                    assert "x-request-id" in response["headers"]


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_request_and_its_answer_are_shown_by_example(page: dict[str, Any], path: str) -> None:
    operation = page["paths"][path]["post"]
    assert operation["requestBody"]["content"]["application/json"]["examples"]
    assert operation["responses"]["200"]["content"]["application/json"]["example"]


def test_every_error_has_the_one_shape_of_its_dialect(page: dict[str, Any]) -> None:
    shapes = {
        (path in ANTHROPICS, response["content"]["application/json"]["schema"]["$ref"])
        for path, operations in page["paths"].items()
        for operation in operations.values()
        for status, response in operation["responses"].items()
        if status != "200"
    }
    assert shapes == {(False, f"{SCHEMAS}/ErrorAnswer"), (True, f"{SCHEMAS}/AnthropicErrorAnswer")}
