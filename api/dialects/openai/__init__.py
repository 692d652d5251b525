"""OpenAI's form: what its clients expect of answers, errors and the ends of streams, and how /docs describes it.

contract.py   what LiteLLM leaves out of answers, put back
response_request.py   a response's request as that of a chat completion; response_messages.py: its input
response_memory.py    what our reasoning items carry until they come back
response_object.py    a response, and its usage
errors.py     an error as an answer
failures.py   what a provider says of its failure, in an error or in place of an answer
streams.py    how streams end
chunk_stream.py, response_stream.py: what holds of a stream as a whole
field_bounds.py       what a field can hold
history.py    what of a conversation this server has added itself, taken out
side_calls.py what is asked beside a conversation, such as a title
written_chunks.py     its chunks as bytes, most of them without being parsed
schemas.py    what /docs says of each field
examples.py   and shows as examples
"""

from api.dialects.openai import contract, examples
from api.dialects.openai.chunk_stream import ChunkStream
from api.dialects.openai.contract import as_it_came, chat_answer, chat_chunk, refusal
from api.dialects.openai.errors import ErrorBody, error_body, render
from api.dialects.openai.examples import ERRORS, MODEL, RUN
from api.dialects.openai.failures import provider_error, raise_failure, raise_if_empty, raise_if_nothing_answered
from api.dialects.openai.field_bounds import check_chat, check_response
from api.dialects.openai.history import (
    OUR_CALL_ID,
    OUR_LIST_ID,
    OUR_REASONING_ID,
    OUR_SIGNATURE,
    is_ours,
    marked,
    unmarked,
    without_ours,
)
from api.dialects.openai.response_memory import carried
from api.dialects.openai.response_object import response_begun, response_ended, response_failed, response_usage
from api.dialects.openai.response_request import chat_request, in_responses_words
from api.dialects.openai.response_stream import ResponseStream, WrittenResponse
from api.dialects.openai.schemas import (
    ANSWER_HEADERS,
    ANSWERS,
    ERROR_HEADERS,
    MESSAGE_FIELDS,
    MODELS_HEADERS,
    REQUEST_FIELDS,
    REQUEST_ID,
    ROUTING_HEADERS,
)
from api.dialects.openai.side_calls import side_call
from api.dialects.openai.streams import DONE, ends_with_done, error_event, response_error_event, split_at_error
from api.dialects.openai.written_chunks import WrittenChunks

__all__ = [
    "ANSWERS",
    "ANSWER_HEADERS",
    "DONE",
    "ERRORS",
    "ERROR_HEADERS",
    "MESSAGE_FIELDS",
    "MODEL",
    "MODELS_HEADERS",
    "OUR_CALL_ID",
    "OUR_LIST_ID",
    "OUR_REASONING_ID",
    "OUR_SIGNATURE",
    "REQUEST_FIELDS",
    "REQUEST_ID",
    "ROUTING_HEADERS",
    "RUN",
    "ChunkStream",
    "ErrorBody",
    "ResponseStream",
    "WrittenChunks",
    "WrittenResponse",
    "as_it_came",
    "carried",
    "chat_answer",
    "chat_chunk",
    "chat_request",
    "check_chat",
    "check_response",
    "contract",
    "ends_with_done",
    "error_body",
    "error_event",
    "examples",
    "in_responses_words",
    "is_ours",
    "marked",
    "provider_error",
    "raise_failure",
    "raise_if_empty",
    "raise_if_nothing_answered",
    "refusal",
    "render",
    "response_begun",
    "response_ended",
    "response_error_event",
    "response_failed",
    "response_usage",
    "side_call",
    "split_at_error",
    "unmarked",
    "without_ours",
]
