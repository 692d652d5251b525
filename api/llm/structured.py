"""The object in an answer that was asked for by a schema."""

from collections.abc import Callable
from typing import TypeVar

from openai.types.chat import ParsedChatCompletion
from pydantic import BaseModel, ValidationError

from api.dialects.openai import refusal
from api.errors import AnswerUnusable

Parsed = TypeVar("Parsed", bound=BaseModel)


def parsed(parse: Callable[[], ParsedChatCompletion[Parsed]]) -> Parsed:
    """The object in the answer. The SDK trusts an answer with 200 to be a chat completion and stumbles over any other."""
    try:
        choices = parse().choices
        message = choices[0].message if choices else None
        if message is not None and message.parsed is not None:
            return message.parsed
        refused = message is not None and refusal(message.to_dict())
    except ValidationError:
        raise
    except (ValueError, AttributeError, TypeError, KeyError, IndexError) as error:
        raise AnswerUnusable("the answer is no chat completion") from error
    raise AnswerUnusable("the model refused" if refused else "the answer was empty")
