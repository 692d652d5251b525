"""Which fields of a request LiteLLM may see.

A field goes on if it belongs to whoever answers (`documented_fields`), or if LiteLLM does not know it: what nobody knows still
reaches the provider. What LiteLLM would read for itself, and so obey, is left out: who pays, where a call goes, how often it is
tried, what it costs, whether and as what it is logged. `litellm_names.txt` holds these names; `make litellm_names` writes it from
the installed LiteLLM, and a test compares the two, so that an upgrade cannot add one unseen.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from api.llm.documented_fields import ANTHROPICS_ALONE, CHAT, PROVIDERS_OWN

NAMES_FILE: Final = Path(__file__).with_name("litellm_names.txt")

# Where config/litellm_plugin.py looks for fields that LiteLLM's route for messages drops.
PROVIDER_FIELDS: Final = "provider_fields"

# Whole families of LiteLLM's names, of which each version has more; in the spelling of `plain`.
_FAMILIES: Final = re.compile(
    # Its own, those of Python, fields of a form, answers that no provider gave, what it knows of the key that called.
    r"_|litellm|metadata\[|mock_|user_api_key|is_litellm"
    # Credentials of providers, and of other places to log to.
    r"|(?:anthropic|aws|azure|gigachat|oci|openai|s3|sagemaker|vertex|watsonx|wx)_"
    r"|(?:arize|braintrust|dd|gcs|humanloop|langfuse|langsmith|lunary|newrelic|posthog|signoz|wandb|weave)_"
    r"|.*(?:_api_key|_api_base|_base_url|_credentials|_password|_secret|_secret_key|_token_file)$"
    # Prices, and who decides on the model.
    r"|(?:.*_)?cost_|.*_cost$|(?:adaptive|auto|complexity|quality)_router_"
)
# By these a call would be checked against the caller's schema, which may name an address, in LiteLLM's one thread.
_OF_A_RESPONSE_FORMAT: Final = frozenset({"enable_json_schema_validation", "enforce_validation", "response_schema"})
# Some integration of LiteLLM's reads them, to show them; no entry and no span of ours takes anything from them.
_HARMLESS_IN_METADATA: Final = frozenset(
    {"description", "id", "input", "model", "name", "output", "project_id", "project_name", "version"}
)


def without_litellms_own(body: Mapping[str, Any], documented: frozenset[str] = CHAT) -> dict[str, Any]:
    """The body less the fields that LiteLLM would obey; `documented` are the fields that its path has."""
    kept = {name: value for name, value in body.items() if not is_litellms_own(name, documented)}
    if isinstance(wanted := kept.get("response_format"), dict):
        kept["response_format"] = {name: value for name, value in wanted.items() if not checks_the_answer(name)}
    return kept


def not_on_its_list(body: Mapping[str, Any], documented: frozenset[str]) -> dict[str, Any]:
    """The fields that LiteLLM drops where it keeps those of a list: what it does not know, and what it would take for its own."""
    return {
        name: value
        for name, value in body.items()
        if name in ANTHROPICS_ALONE or not (name in documented or is_litellms_own(name, documented))
    }


def is_litellms_own(name: str, documented: frozenset[str] = CHAT) -> bool:
    """Is this a field that LiteLLM would obey, or that differs from one in nothing but its spelling?"""
    return name not in documented and name not in PROVIDERS_OWN and _obeyed(plain(name), "body")


def steers_as_metadata(name: str) -> bool:
    """Would LiteLLM read this for itself in a `metadata` that is the provider's?"""
    return name not in _HARMLESS_IN_METADATA and _obeyed(plain(name), "metadata")


def checks_the_answer(name: str) -> bool:
    """Would LiteLLM, told this in a `response_format`, check the answer itself?"""
    return plain(name) in _OF_A_RESPONSE_FORMAT


def plain(name: str) -> str:
    """The spelling that names are compared in."""
    return unicodedata.normalize("NFKC", name).strip().casefold().replace("-", "_")


def read_names(text: str) -> dict[str, frozenset[str]]:
    """`[kind]`, then one name a line."""
    names: dict[str, set[str]] = {}
    kind = ""
    for line in text.splitlines():
        if line.startswith("["):
            kind = line.strip("[]")
        elif line and not line.startswith("#"):
            names.setdefault(kind, set()).add(line)
    return {kind: frozenset(found) for kind, found in names.items()}


def _obeyed(name: str, kind: str) -> bool:
    return name in _names()[kind] or _FAMILIES.match(name) is not None


@lru_cache(maxsize=1)
def _names() -> Mapping[str, frozenset[str]]:
    return read_names(NAMES_FILE.read_text())
