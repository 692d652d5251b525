"""Fields of a request that belong to whoever answers it, by the documentation of the APIs: these always go on."""

from typing import Final

_SAMPLING: Final = {"frequency_penalty", "logit_bias", "presence_penalty", "seed", "stop", "temperature", "top_p"}
_STREAMED: Final = {"stream", "stream_options"}
_OF_ALL: Final = {"model", "user"}
# How OpenAI tells users, caches and tiers apart; newer paths have them.
_OF_AN_ACCOUNT: Final = {
    "metadata",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
}

CHAT: Final = frozenset(
    {
        *(_OF_ALL | _SAMPLING | _STREAMED | _OF_AN_ACCOUNT),
        *("audio", "function_call", "functions", "logprobs", "max_completion_tokens", "max_tokens", "messages"),
        *("modalities", "moderation", "n", "parallel_tool_calls", "prediction", "reasoning_effort", "response_format"),
        *("tool_choice", "tools", "top_logprobs", "verbosity", "web_search_options"),
    }
)
COMPLETION: Final = frozenset(
    {
        *(_OF_ALL | _SAMPLING | _STREAMED),
        *("best_of", "echo", "logprobs", "max_tokens", "metadata", "n", "prompt", "service_tier", "suffix"),
    }
)
EMBEDDING: Final = frozenset({*_OF_ALL, "dimensions", "encoding_format", "input", "metadata"})
RESPONSE: Final = frozenset(
    {
        *(_OF_ALL | _STREAMED | _OF_AN_ACCOUNT),
        *("background", "context_management", "conversation", "include", "input", "instructions", "max_output_tokens"),
        *("max_tool_calls", "moderation", "parallel_tool_calls", "previous_response_id", "prompt", "reasoning"),
        *("temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation", "verbosity"),
    }
)
MESSAGES: Final = frozenset(
    {
        *("model", "messages", "max_tokens", "metadata", "stream", "system", "tools", "tool_choice", "stop_sequences"),
        *("temperature", "top_k", "top_p", "thinking", "output_config", "output_format", "context_management"),
        *("container", "mcp_servers", "service_tier", "inference_geo", "speed", "cache_control", "compaction"),
        "safeguards",
    }
)

# Anthropic's, by names that LiteLLM would obey where it reads them: they reach Anthropic and nobody else.
ANTHROPICS_ALONE: Final = frozenset({"fallbacks"})

# What other providers and model servers document, where LiteLLM reads a field of that name too and hands it on.
PROVIDERS_OWN: Final = frozenset(
    {
        # Sampling: Anthropic, Gemini, vLLM, llama.cpp, TGI, Ollama.
        *("top_k", "top_n_tokens", "best_of", "stop_sequences"),
        # Reasoning: Anthropic, OpenRouter, vLLM.
        *("thinking", "reasoning", "reasoning_effort", "reasoning_summary"),
        # OpenRouter's routing and additions.
        *("models", "provider", "route", "transforms", "image_config"),
        # Anthropic.
        *("cache_control", "container", "context_management", "mcp_servers", "output_config", "speed"),
        # Cohere, xAI, Mistral and other documents to be quoted.
        *("documents", "web_search_options"),
        # Gemini's tools beside a caller's own, and its safety settings.
        *("include_server_side_tool_invocations", "safety_settings"),
        # Ollama and other servers of open models.
        *("format", "options"),
    }
)
