"""LangChain's standard tests for chat models, over its OpenAI client, against the API. Run in the `conformance` environment."""
