"""What LiteLLM loses on its way, above all on its route /v1/messages, put back through LiteLLM's own hooks.

config/litellm_config.yaml names it among the callbacks, and LiteLLM reads it from beside that file. Without it requests are
answered as well, less what it puts back (docs/messages.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from litellm.integrations.custom_logger import CustomLogger
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler, get_async_httpx_client
from litellm.types.utils import LlmProviders

# In `litellm_metadata`, which never leaves LiteLLM: fields of the body that LiteLLM does not know and Anthropic may.
FIELDS: Final = "provider_fields"
# The last line of an error's message, which LiteLLM hands on whole; of a provider's headers it hands none on.
HEADERS: Final = "\nllm_provider_headers: "
CLIENT_LEFT: Final = 499
# What a client acts on or reports, and what a memory service says. Cookies and the rest do not belong into a message.
OF_AN_ERROR: Final = ("retry-after", "request-id", "x-", "anthropic-ratelimit-")


class ClientWithFields(AsyncHTTPHandler):
    """LiteLLM's client for Anthropic, which adds these fields to the body of a request. It has no connections of its own."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def __del__(self) -> None:
        """There is nothing to close."""

    async def post(self, url: str, data: Any = None, **options: Any) -> Any:
        shared = get_async_httpx_client(llm_provider=LlmProviders.ANTHROPIC)
        return await shared.post(url, data=json.dumps({**self._fields, **json.loads(data)}), **options)


class Messages(CustomLogger):
    async def async_pre_call_deployment_hook(self, kwargs: dict[str, Any], call_type: Any) -> dict[str, Any] | None:
        """The client for a call that has such fields, if Anthropic itself is asked: other providers do not know them."""
        fields = _mapping(kwargs.get("litellm_metadata")).get(FIELDS)
        if not fields or kwargs.get("custom_llm_provider") != "anthropic" or call_type.value != "anthropic_messages":
            return None
        return {**kwargs, "client": ClientWithFields(fields)}

    async def async_post_call_response_headers_hook(self, data: dict[str, Any], **_: Any) -> dict[str, str] | None:
        """A plain message's headers, named as LiteLLM names a provider's elsewhere."""
        log = data.get("litellm_logging_obj")
        if log is None or log.call_type != "anthropic_messages":
            return None
        said = _mapping(log.model_call_details.get("response_headers"))
        return {f"llm_provider-{name}": value for name, value in said.items()}

    async def async_post_call_failure_hook(
        self, request_data: dict[str, Any], original_exception: Any, user_api_key_dict: Any, **_: Any
    ) -> None:
        """Who asked, into the row of the spend log, which is made of `metadata`, and a message's headers into its error's text."""
        if record := _mapping(request_data.get("litellm_metadata")).get("spend_logs_metadata"):
            request_data["metadata"] = {**_mapping(request_data.get("metadata")), "spend_logs_metadata": record}
        if getattr(original_exception, "status_code", None) == CLIENT_LEFT:
            # What a provider charges for a call that was cut before it told is not known, and no span names this guess.
            for guessed in ("combined_usage_object", "response_cost"):
                request_data.pop(guessed, None)
        if not str(user_api_key_dict.request_route).endswith("/messages"):
            return
        said = _mapping(getattr(original_exception, "litellm_response_headers", None))
        if told := {name: value for name, value in said.items() if name.startswith(OF_AN_ERROR)}:
            original_exception.message += HEADERS + json.dumps(told)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


messages: Final = Messages()
