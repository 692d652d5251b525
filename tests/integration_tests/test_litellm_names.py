"""No field of a request that the installed LiteLLM reads for itself reaches it, whichever version it is.

`WRITE_LITELLM_NAMES=1` (`make litellm_names`) writes the names of the installed version into api/llm/litellm_names.txt instead.
"""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping

import pytest

from api.llm import CHAT_COMPLETIONS, COMPLETIONS, EMBEDDINGS, RESPONSES, Endpoint
from api.llm.documented_fields import PROVIDERS_OWN
from api.llm.litellm_fields import (
    NAMES_FILE,
    checks_the_answer,
    is_litellms_own,
    plain,
    read_names,
    steers_as_metadata,
)
from local_stack import bootstrap
from tests.support.processes import ROOT

ENDPOINTS = [CHAT_COMPLETIONS, COMPLETIONS, EMBEDDINGS, RESPONSES]
# LiteLLM's lists of what it alone may decide. What another of its lists or its code reads may be the provider's too.
DECISIONS = {
    "all_litellm_params",
    "_BANNED_REQUEST_BODY_PARAMS",
    "_UNTRUSTED_ROOT_CONTROL_FIELDS",
    "GATED_MOCK_PARAM_NAMES",
}
Names = Mapping[str, Mapping[str, list[str]]]


@pytest.fixture(scope="module")
def names() -> Names:
    """What the installed LiteLLM reads, each name with the places where it does."""
    python = bootstrap.venv("litellm") / "bin" / "python"
    script = ROOT / "tests" / "support" / "litellm_names.py"
    environment = {"PATH": os.environ["PATH"], "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    # Elsewhere than in the project's folder, whose packages LiteLLM's Python would import in place of its own.
    run = subprocess.run(
        [python, script],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        env=environment,
        cwd=NAMES_FILE.parent,
    )
    found: Names = json.loads(run.stdout)
    if os.environ.get("WRITE_LITELLM_NAMES"):
        NAMES_FILE.write_text(_written(found))
    return found


def test_its_own_lists_are_found(names: Names) -> None:
    assert len(names["body"]) > 700
    assert {"ssl_verify", "num_retries", "self", "fastest_response", "guardrails"} <= names["body"].keys()
    assert {"session_id", "trace_id", "tags", "spend_logs_metadata"} <= names["metadata"].keys()


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_a_field_that_it_reads_is_left_out_unless_it_is_documented(names: Names, endpoint: Endpoint) -> None:
    passing = {name: where for name, where in names["body"].items() if not is_litellms_own(name, endpoint.documented)}
    assert {name: where for name, where in passing.items() if name not in endpoint.documented | PROVIDERS_OWN} == {}


def test_what_it_alone_may_decide_is_documented_as_nobody_elses(names: Names) -> None:
    decides = {name for name, where in names["body"].items() if DECISIONS & set(where)}
    documented = PROVIDERS_OWN.union(*(endpoint.documented for endpoint in ENDPOINTS))
    # Ours stands in its place, or, where it is the provider's own field, beside it.
    assert decides & documented == {"metadata"}


def test_a_name_that_it_reads_in_metadata_is_left_out_where_metadata_is_the_providers(names: Names) -> None:
    harmless = {"description", "id", "input", "model", "name", "output", "project_id", "project_name", "version"}
    assert {name for name in names["metadata"] if not steers_as_metadata(name)} <= harmless


def test_a_response_format_tells_it_nothing_but_the_schema(names: Names) -> None:
    assert {name for name in names["response_format"] if not checks_the_answer(name)} <= {"json_schema", "type"}


def _written(found: Names) -> str:
    """With those of earlier versions: a stack that is upgraded, or set back, keeps its rule."""
    known = read_names(NAMES_FILE.read_text())
    lines = ["# Fields that LiteLLM reads in a request. `make litellm_names` writes this file: do not edit it."]
    for kind in ("body", "metadata"):
        own = {plain(name) for name in _read_by_litellm(kind, found[kind])} | known.get(kind, set())
        lines += ["", f"[{kind}]", *sorted(own)]
    return "\n".join(lines) + "\n"


def _read_by_litellm(kind: str, names: Iterable[str]) -> set[str]:
    return set(names) - PROVIDERS_OWN if kind == "body" else set(names)
