"""LangChain over POST /v1/chat/completions."""

from typing import Any

from tests.conformance.langchain.models import OverTheAPI


class TestChatCompletions(OverTheAPI):
    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**super().chat_model_params, "use_responses_api": False}
