"""What LiteLLM says beside an answer, and how much of it a caller may know."""

import re
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

from pydantic_core import from_json

# LiteLLM puts this before the names of its provider's headers.
_OF_THE_PROVIDER: Final = "llm_provider-"
# config/litellm_plugin.py puts a line that begins so behind the message of an error whose headers LiteLLM drops.
_IN_A_MESSAGE: Final = "\nllm_provider_headers: "
_NUMBER: Final = re.compile(r"\d{1,10}(?:\.\d{1,10})?")
# An id, a number, a duration: what is longer is none of them, and headers of many kilobytes break proxies and clients.
LONGEST_HEADER: Final = 256
# Visible ASCII, and spaces between: what a header may hold, so that no value breaks the answer that it is written into.
_WORDS: Final = re.compile(rf"[!-~](?:[ -~]{{0,{LONGEST_HEADER - 2}}}[!-~])?")
_RATE_LIMIT: Final = re.compile(r"(?:x|anthropic)-ratelimit-[a-z0-9-]{1,64}")
# The rest, upstream URLs and cookies among it, stays here.
_LITELLMS: Final = frozenset(
    {
        "x-litellm-call-id",
        "x-litellm-model-group",
        "x-litellm-model-id",
        "x-litellm-model-name",
        "x-litellm-response-cost",
        "x-litellm-version",
    }
)
# What OpenAI's clients act on, or report.
_CLIENTS: Final = frozenset(
    {
        "openai-processing-ms",
        "openai-version",
        "retry-after",
        "retry-after-ms",
        "x-request-id",
        "x-should-retry",
    }
)
# Anthropic calls its request id so, and LiteLLM leaves that name as it is.
_ALSO_CALLED: Final = {"request-id": "x-request-id"}


def handed_on(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of LiteLLM's answer, error or not, that a caller may see, each with a value that its readers understand.

    They are those that OpenAI's clients act on or report. Where LiteLLM and its provider both say one, it is the provider's
    id of the request, and LiteLLM's word on when to come again.
    """
    kept: dict[str, str] = {}
    for name, value in headers.items():
        if (known := _known(name)) is None:
            continue
        shown, of_the_provider = known
        first = shown not in kept or of_the_provider == (shown == "x-request-id")
        if first and _may_pass(shown, value):
            kept[shown] = value
    return kept


def of_the_provider(headers: Mapping[str, str], may_pass: Callable[[str], bool]) -> dict[str, str]:
    """The provider's headers of these names, which are given in lower case, under their own names."""
    named = ((name.removeprefix(_OF_THE_PROVIDER), value) for name, value in headers.items() if _is_the_providers(name))
    return {name: value for name, value in named if may_pass(name) and _may_pass(name, value)}


def of_a_message(message: str) -> tuple[str, dict[str, str]]:
    """An error's message without the line that holds the provider's headers, and these, named as LiteLLM names them elsewhere."""
    words, line, written = message.rpartition(_IN_A_MESSAGE)
    try:
        said = from_json(written) if line else None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        return message, {}
    return words, {f"{_OF_THE_PROVIDER}{name}": str(value) for name, value in said.items()}


def cookies_of_the_provider(headers: Mapping[str, str]) -> Iterator[str]:
    """What its provider has set, as LiteLLM hands it on; of several such headers LiteLLM makes one."""
    if (cookies := headers.get(f"{_OF_THE_PROVIDER}set-cookie")) is not None:
        yield cookies


def _is_the_providers(name: str) -> bool:
    return name.startswith(_OF_THE_PROVIDER)


@lru_cache(maxsize=1024)
def _known(name: str) -> tuple[str, bool] | None:
    """The name that a caller sees and whether it is the provider's, if it may be seen at all. LiteLLM's names are few."""
    bare = name.removeprefix(_OF_THE_PROVIDER)
    shown, of_the_provider = _ALSO_CALLED.get(bare, bare), bare != name
    may = shown in _CLIENTS or _RATE_LIMIT.fullmatch(shown) or (shown in _LITELLMS and not of_the_provider)
    return (shown, of_the_provider) if may else None


def _may_pass(name: str, value: str) -> bool:
    match name:
        case "retry-after":
            return bool(_NUMBER.fullmatch(value)) or _is_date(value)
        case "retry-after-ms" | "openai-processing-ms":
            return bool(_NUMBER.fullmatch(value))
        case "x-should-retry":
            return value in {"true", "false"}
        case _:
            return bool(_WORDS.fullmatch(value))


def _is_date(value: str) -> bool:
    """`retry-after` may be a date, as HTTP writes it."""
    try:
        return bool(_WORDS.fullmatch(value) and parsedate_to_datetime(value))
    except ValueError:
        return False
