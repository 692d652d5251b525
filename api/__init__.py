"""An OpenAI-compatible API that reasons with tools and makes every LLM call attributable.

    edge/  →  routes/  →  routing/  →  passthrough
                                 └──→  reasoning/ ⇄ tools/  →  MCP servers
                    all of them  →  llm/  →  LiteLLM proxy

Imports point downward only; `llm` is the only door to an LLM. docs/architecture.md walks a request through it.
"""
