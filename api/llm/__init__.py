"""The only door to LLMs: every call leaves here, named, traced and under this server's virtual key.

gateway.py           the calls: whole, streamed, or as an object of a schema
answers.py           what comes back of them; structured.py: the object of a schema
call_span.py         the span of a call; call_under_way.py: what a stream holds beside it
endpoints.py         LiteLLM's paths, and what each needs on its way
attribution.py       what LiteLLM and Phoenix are told of a call
memory_service.py    what a memory service is told of a call, and tells its caller
litellm_fields.py    what a caller may not tell LiteLLM: litellm_names.txt, less what documented_fields.py names
upstream_errors.py   what went wrong → `api.errors`
upstream_words.py    its message in a caller's words; upstream_headers.py: what a caller may know of an answer's headers
lookups.py           what LiteLLM is asked beside calls
own_key.py           the environment of this server's key; model_catalog.py: its models; model_aliases.py: other names of them
readiness.py         can calls be made?; spend_watch.py: is what they cost recorded?
response_ids.py      whose a response is that its provider keeps
provider_cookies.py  what a provider knows a user by
litellm_client.py    the one AsyncOpenAI; litellm_transport.py: its connections to LiteLLM
http_pool.py         connections, made and used again; http_connection.py: one of them; http_exchange.py: what comes over it
"""

from api.llm.answers import LLMAnswer, LLMStream
from api.llm.endpoints import (
    CHAT_COMPLETIONS,
    COMPLETIONS,
    COUNT_TOKENS,
    EMBEDDINGS,
    MESSAGES,
    RESPONSES,
    Endpoint,
    Sought,
    StreamForm,
)
from api.llm.gateway import LLMGateway
from api.llm.litellm_client import LiteLLMClient
from api.llm.litellm_transport import LiteLLMTransport, PooledTransport, Reply
from api.llm.lookups import Lookups
from api.llm.model_aliases import ModelAliases, load_aliases
from api.llm.model_catalog import ModelCatalog, ModelInfo, ModelList
from api.llm.own_key import OwnKey
from api.llm.readiness import Readiness
from api.llm.response_ids import OwnedResponse, ResponseIds
from api.llm.spend_watch import SpendWatch
from api.llm.upstream_errors import is_context_overflow
from api.llm.upstream_words import callers_message

__all__ = [
    "CHAT_COMPLETIONS",
    "COMPLETIONS",
    "COUNT_TOKENS",
    "EMBEDDINGS",
    "MESSAGES",
    "RESPONSES",
    "Endpoint",
    "LLMAnswer",
    "LLMGateway",
    "LLMStream",
    "LiteLLMClient",
    "LiteLLMTransport",
    "Lookups",
    "ModelAliases",
    "ModelCatalog",
    "ModelInfo",
    "ModelList",
    "OwnKey",
    "OwnedResponse",
    "PooledTransport",
    "Readiness",
    "Reply",
    "ResponseIds",
    "Sought",
    "SpendWatch",
    "StreamForm",
    "callers_message",
    "is_context_overflow",
    "load_aliases",
]
