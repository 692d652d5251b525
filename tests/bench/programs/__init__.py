"""What the benchmark starts beside the API, each a process of its own: `python -m tests.bench.programs.NAME PORT [UPSTREAM]`.

upstream.py      answers at once, and paces its streams
relay.py         aiohttp's server and client, and nothing else between them
bare.py          an ASGI application that parses once and sends once, on the API's own server and connections
sdk.py           FastAPI and AsyncOpenAI; parsed.py: every answer and chunk parsed and dumped
litellm_sdk.py   FastAPI and LiteLLM's SDK, in LiteLLM's environment
sink.py          takes spans and metrics over OTLP/gRPC, and forgets them
"""
