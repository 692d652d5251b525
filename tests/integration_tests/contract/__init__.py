"""The OpenAI contract: the API over the real LiteLLM, whose provider is scripted."""
