"""LangChain over POST /v1/responses."""

from typing import Any

from tests.conformance.langchain.models import OverTheAPI


class TestResponses(OverTheAPI):
    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**super().chat_model_params, "use_responses_api": True, "output_version": "responses/v1"}
