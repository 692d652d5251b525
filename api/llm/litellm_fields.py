"""Fields of a request by which LiteLLM would let its sender decide who pays for a call, and whether and as what it is logged.

OpenAI's API has none of them, so nothing that an OpenAI client sends is lost when they are left out.
"""

from collections.abc import Mapping
from typing import Any, Final

_NAMES: Final = frozenset(
    {
        # Where a call goes and who pays for it there.
        "api_key",
        "api_base",
        "api_version",
        "base_model",
        "base_url",
        "custom_llm_provider",
        "extra_body",
        "extra_headers",
        "extra_query",
        "headers",
        "model_info",
        "model_list",
        "organization",
        "provider_specific_header",
        "router_settings_override",
        "silent_model",
        "use_litellm_proxy",
        "user_config",
        # Whether it is logged, and as what.
        "callbacks",
        "failure_callback",
        "input_callback",
        "logger_fn",
        "no-log",
        "proxy_server_request",
        "secret_fields",
        "service_callback",
        "standard_logging_object",
        "success_callback",
        "tags",
        "turn_off_message_logging",
    }
)
_PREFIXES: Final = (
    "_",
    "litellm_",
    # An answer that no provider gave, logged with a price.
    "mock_",
    "user_api_key",
    # Credentials of providers, and of other places to log to.
    *("anthropic_", "anthropic-", "aws_", "azure_", "openai_", "s3_", "vertex_"),
    *("arize_", "dd_", "gcs_", "humanloop_", "langfuse_", "langsmith_", "newrelic_", "posthog_", "signoz_", "wandb_"),
)

# What LiteLLM tries next. An entry that is an object overwrites the call with what it holds, its metadata included.
_FALLBACKS: Final = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")


def without_litellms_own(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body less the fields that only this server may set, in the calls that it falls back to as well."""
    kept = {name: value for name, value in body.items() if not is_litellms_own(name)}
    return kept | {name: _fallback(kept[name]) for name in _FALLBACKS if name in kept}


def _fallback(value: Any) -> Any:
    if isinstance(value, list):
        return [_fallback(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    return {name: _fallback(inner) for name, inner in value.items() if name != "metadata" and not is_litellms_own(name)}


def is_litellms_own(name: str) -> bool:
    """Is this a field that only this server may set?"""
    return name in _NAMES or name.startswith(_PREFIXES)
