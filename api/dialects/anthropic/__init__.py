"""Anthropic's form: what its clients send, and what they expect of answers, errors and the ends of streams.

requests.py   what a request must hold
message.py    what LiteLLM adds to a message or changes in it, undone
message_stream.py     what holds of a stream as a whole
streams.py    how streams end
errors.py     an error as an answer and as an event
models.py     the list of models, in pages
schemas.py    what /docs says of each field; examples.py: and shows as examples
"""

from api.dialects.anthropic import examples
from api.dialects.anthropic.errors import error_event, render
from api.dialects.anthropic.message import count, is_title, message, raise_failure
from api.dialects.anthropic.message_stream import MessageStream
from api.dialects.anthropic.models import model, models_page
from api.dialects.anthropic.requests import CountTokensRequest, MessagesRequest
from api.dialects.anthropic.schemas import ANSWERS, REQUEST_FIELDS
from api.dialects.anthropic.streams import PING, ends_with_stop, split_at_error

__all__ = [
    "ANSWERS",
    "PING",
    "REQUEST_FIELDS",
    "CountTokensRequest",
    "MessageStream",
    "MessagesRequest",
    "count",
    "ends_with_stop",
    "error_event",
    "examples",
    "is_title",
    "message",
    "model",
    "models_page",
    "raise_failure",
    "render",
    "split_at_error",
]
