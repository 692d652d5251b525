"""The provider that answers when no real one's key is set, and that the tests script.

It speaks OpenAI's and Anthropic's HTTP APIs as their specs say, and has no model behind them. Every path is served
bare, under `/v1` and under `/api/v1`, because clients put different things before it. What LiteLLM 1.106 is to be told:

| models | environment | the URL that LiteLLM makes of it |
| --- | --- | --- |
| `openai/…` | `OPENAI_BASE_URL=http://HOST:PORT/v1` (read before `OPENAI_API_BASE`) | `…/chat/completions`, `…/responses`, … |
| `anthropic/…` | `ANTHROPIC_API_BASE=http://HOST:PORT`, without `/v1` (read before `ANTHROPIC_BASE_URL`) | `…/v1/messages` |
| `openrouter/…` | `OPENROUTER_API_BASE=http://HOST:PORT/api/v1` | `…/chat/completions`, `…/embeddings` |

An `api_base` in a model's `litellm_params` goes before all of these. Each also needs a key of any value
(`OPENAI_API_KEY`, `ANTHROPIC_API_KEY`, `OPENROUTER_API_KEY`): LiteLLM sends no request without one.
The demo provider looks at no key.
"""
