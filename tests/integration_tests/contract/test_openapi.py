"""The OpenAPI page against the server: requests made from its schemas bring no 5xx and nothing that it does not name."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.api import TOKEN, RunningAPI

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,allow_header_conformance"


def test_schemathesis_finds_no_5xx_and_no_undocumented_answer(api: RunningAPI, tmp_path: Path) -> None:
    settings = [
        "--phases",
        "examples,coverage,fuzzing",
        "--max-examples",
        "5",
        "--seed",
        "1",
        "--request-timeout",
        "30",
    ]
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{api.url}/openapi.json", *settings]
    options = ["--header", f"Authorization: Bearer {TOKEN}", "--checks", CHECKS, "--generation-database", "none"]
    run = subprocess.run(
        [*command, *options, "--no-color"], cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-1000:]
    assert "Traceback" not in api.log.read_text()


@pytest.fixture(scope="module")
def page(api: RunningAPI) -> dict[str, Any]:
    return httpx.get(f"{api.url}/openapi.json", trust_env=False).json()  # type: ignore[no-any-return]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions"])
def test_a_request_and_its_answer_are_shown_by_example(page: dict[str, Any], path: str) -> None:
    operation = page["paths"][path]["post"]
    assert operation["requestBody"]["content"]["application/json"]["examples"]
    assert operation["responses"]["200"]["content"]["application/json"]["example"]


def test_every_error_has_the_one_shape(page: dict[str, Any]) -> None:
    responses = [
        response
        for operations in page["paths"].values()
        for operation in operations.values()
        for status, response in operation["responses"].items()
        if status != "200"
    ]
    schemas = {response["content"]["application/json"]["schema"]["$ref"] for response in responses}
    assert schemas == {"#/components/schemas/ErrorAnswer"}
