"""What the standard tests are told of the models behind the API."""

import os
from typing import Any

from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests


class OverTheAPI(ChatModelIntegrationTests):  # type: ignore[misc]
    """The API's address, token, model and routing mode come by the environment, as CONFORMANCE_….

    Inputs that the tests would fetch from the internet first (images, PDFs, sound) stay off: nothing here needs it.
    """

    @property
    def chat_model_class(self) -> type[ChatOpenAI]:
        return ChatOpenAI  # type: ignore[no-any-return]

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            "model": os.environ["CONFORMANCE_MODEL"],
            "base_url": os.environ["CONFORMANCE_BASE_URL"],
            "api_key": os.environ["CONFORMANCE_TOKEN"],
            "default_headers": {"X-Routing-Mode": os.environ["CONFORMANCE_ROUTING_MODE"]},
            "max_retries": 0,
            "stream_usage": True,
        }

    @property
    def has_tool_choice(self) -> bool:
        return True

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "gpt-4o"
