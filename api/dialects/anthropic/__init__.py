"""Anthropic's form: what its clients send, and what they expect of answers, errors and the ends of streams.

requests.py   what a request must hold, and what it asks for
message.py    what LiteLLM adds to a message or changes in it, undone
field_bounds.py       what a field can hold
history.py    what of a conversation this server has added itself, taken out
message_stream.py     what holds of a stream as a whole
side_calls.py what is asked beside a conversation, such as a title
streams.py    how streams end
as_chat.py    a request as a chat completion request; chat_turns.py: its turns; chat_usage.py: what such a one used
written_message.py    a message that this server writes itself; signatures.py: what it keeps in that of a thought
errors.py     an error as an answer and as an event
models.py     the list of models, in pages
schemas.py    what /docs says of each field; examples.py: and shows as examples
"""

from api.dialects.anthropic import examples
from api.dialects.anthropic.as_chat import AskedModel, as_chat
from api.dialects.anthropic.chat_usage import usage_less, usage_of_chat
from api.dialects.anthropic.errors import error_event, render
from api.dialects.anthropic.field_bounds import check_message
from api.dialects.anthropic.history import OUR_SIGNATURE, OUR_TOOL_USE_ID, without_ours
from api.dialects.anthropic.message import count, message, raise_failure
from api.dialects.anthropic.message_stream import MessageStream
from api.dialects.anthropic.models import model, models_page
from api.dialects.anthropic.requests import CountTokensRequest, MessagesRequest, asks_to_think
from api.dialects.anthropic.schemas import ANSWERS, REQUEST_FIELDS
from api.dialects.anthropic.side_calls import side_call
from api.dialects.anthropic.signatures import SIGNATURES_LONGEST, signed
from api.dialects.anthropic.streams import PING, ends_with_stop, split_at_error
from api.dialects.anthropic.written_message import Payload, WrittenMessage, whole_message

__all__ = [
    "ANSWERS",
    "OUR_SIGNATURE",
    "OUR_TOOL_USE_ID",
    "PING",
    "REQUEST_FIELDS",
    "SIGNATURES_LONGEST",
    "AskedModel",
    "CountTokensRequest",
    "MessageStream",
    "MessagesRequest",
    "Payload",
    "WrittenMessage",
    "as_chat",
    "asks_to_think",
    "check_message",
    "count",
    "ends_with_stop",
    "error_event",
    "examples",
    "message",
    "model",
    "models_page",
    "raise_failure",
    "render",
    "side_call",
    "signed",
    "split_at_error",
    "usage_less",
    "usage_of_chat",
    "whole_message",
    "without_ours",
]
