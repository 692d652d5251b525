"""An OpenAI-compatible API that reasons with tools and makes every LLM call attributable.

    routes/  →  request_context  →  request_router  →  passthrough
                                               └──→  reasoning/ ⇄ tools/  →  MCP servers
                                  all of them  →  llm_gateway  →  LiteLLM proxy

Imports point downward only; `llm_gateway` is the only door to an LLM. docs/architecture.md walks a request through it.
"""
