"""What LiteLLM says of an error → the words for a caller: the provider's own, verbatim, or LiteLLM's without its wrapping.

LiteLLM writes the names of its exceptions before a message, its advice to operators behind it, and between them what the
provider said: as text, as the provider's whole JSON, or as Python shows that JSON. All searches here take linear time.
"""

import ast
import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from api.redaction import redact

# In characters: how much of a message is told, and how much of it is read for the provider's JSON.
LONGEST_TOLD: Final = 10_000
LONGEST_READ: Final = 40_000
_LONGEST_ERROR_IN_A_CHUNK: Final = 5_000

# `litellm.BadRequestError: RateLimitError: OpenAIException - `, in as many layers as there are. Bounded, so that no text is slow.
_LITELLMS: Final = re.compile(
    r"/(?:chat/completions|completions|responses|embeddings): |(?:litellm|openai)(?:\.\w{1,80}){1,5}:\s*|LiteLLM:\s*"
)
_CLASS: Final = re.compile(r"\w{0,80}(?:Error|Exception): |Timeout Error: ")
_OF_A_PROVIDER: Final = re.compile(r"\w{1,80}(?:Exception|Error)(?: \w{1,80})? -(?: |$)")
_WITH_A_STATUS: Final = re.compile(r"Error code: \d{3}(?: - |(?=\s)|$)")
_MOST_LAYERS: Final = 12
# Where LiteLLM's own words begin behind those of a provider. Nothing of them helps a caller.
_ADVICE: Final = re.compile(
    r"\nLiteLLM: model group | LiteLLM Retried: |,? LiteLLM Max Retries: |\bReceived Model Group="
    r"|\bAvailable Model Group Fallbacks=|\bNo fallback model group found|\bError doing the fallback"
    r"|\.? Handle with `litellm\.|\nmodel=[^\n]{0,300}_fallback|\bSet '\w{1,40}_fallback"
    r"|\bTo drop [\w ]{1,40}, set `litellm|\b[Ss]et `litellm\.drop_params|\bIf you want to use these params dynamically"
    r"|\bThis looks like a bug in LiteLLM|\bThis is a problem with |\bThis error occurs when load balancing"
    r"|\b(?:Learn more|See|Docs)(?::| -) https://docs\.litellm|\bTo let keys address responses"
    r"|\bTo disable this security feature|\bDebug this by setting|\bTraceback \(most recent call last\)"
)
_OPENROUTERS: Final = re.compile(r"Message: (.{0,5000}?), Metadata: \{", re.DOTALL)
_BYTES: Final = re.compile(r"""b'(?:[^'\\]|\\.)*'|b"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_UNSUPPORTED: Final = re.compile(r"\w{1,80} does not support parameters: [\[{]?'?([\w.]{1,80})")
# Of a chunk that ended with the reason `error`, LiteLLM shows all that it parsed.
_CHUNK_FAILED: Final = re.compile(r"\w{1,80} raised a streaming error - finish_reason: error")

# Over an answer, or a request, of a form that it does not expect LiteLLM stumbles with an error of Python's, and says 400 of both.
_STUMBLED: Final = re.compile(r"Invalid request format: (?=litellm\.)")

_NOT_READ: Final = "The provider's answer cannot be read."
_BROKEN_OFF: Final = "The provider's answer broke off."
_NOT_REACHED: Final = "The provider cannot be reached."
_NO_FORM: Final = "A field of the request has a form that cannot be worked with."
_WITHOUT_WORDS: Final = "The provider reported an error without saying which."
# What LiteLLM says where it has dropped the words of an error in the midst of an answer.
_NO_WORDS_KEPT: Final = ("Response API in-stream error", "Error in response object")
# LiteLLM's and Python's own words for what happened between LiteLLM and a provider, and what a caller is told of it.
_PYTHONS: Final = (
    "Response payload is not completed",
    "peer closed connection",
    "Server disconnected",
    "Provider stream ended",
)
_INTERNAL: Final = tuple(
    (re.compile("|".join(words), re.DOTALL), told)
    for told, words in {
        _BROKEN_OFF: (
            r"Response payload is not completed",
            r"peer closed connection",
            r"Server disconnected",
            r"Provider stream ended before",
            r".{0,40}TransferEncodingError",
            r"\w{1,80} closed the responses stream before",
        ),
        _NOT_REACHED: (
            r"Connection error\.?$",
            r"Cannot connect to host",
            r"All connection attempts failed",
            r"\[Errno -?\d",
        ),
        _NOT_READ: (
            r"provider returned ",
            r"Invalid response object",
            r"Expecting value: line \d",
            r"Unable to get json response",
            r"\w{1,40}Error: .{0,200}Got unexpected response",
            r".{0,200}object (?:has no attribute|is not subscriptable|is not iterable)",
            r".{0,200}(?:got an unexpected keyword argument|got multiple values for|missing \d{1,2} required positional)",
            r".{0,100}argument of type '",
            r"'\w{1,40}'$",
        ),
        _WITHOUT_WORDS: _NO_WORDS_KEPT,
        "The model is not available at the moment. Try again later.": (
            r"No deployments? available",
            r"No healthy deployment",
        ),
    }.items()
)
_BETWEEN_LITELLM_AND_PROVIDER: Final = frozenset({_NOT_READ, _BROKEN_OFF, _NOT_REACHED, _WITHOUT_WORDS})


@dataclass(frozen=True, slots=True)
class Words:
    """A message for a caller, and what the provider said beside it, if its JSON is there to read."""

    message: str
    type: str | None = None
    param: str | None = None
    code: str | None = None
    status: int | None = None
    """Only where LiteLLM has made up the status of the answer."""
    request_id: str | None = None
    """The provider's, which Anthropic says in the body too."""

    @property
    def is_of_the_connection(self) -> bool:
        """Did the provider give no answer, or none that can be read? Then nobody's server has failed but the provider's."""
        return self.message in _BETWEEN_LITELLM_AND_PROVIDER


def in_callers_words(message: str, status: int = 500) -> Words:
    """The words for a caller; an empty message where nobody said anything. `status` is the one that LiteLLM answered with."""
    told = _words(message[:LONGEST_READ], status)
    text = told.message.strip()
    return replace(told, message=text if len(text) <= LONGEST_TOLD else f"{text[:LONGEST_TOLD]} …")


def callers_message(message: str) -> str:
    """The words alone, without keys and addresses, for a message that has no error around it."""
    return redact(in_callers_words(message).message or _WITHOUT_WORDS)


def _words(message: str, status: int) -> Words:
    if stumbled := _STUMBLED.match(message):
        return _of_a_form(message[stumbled.end() :])
    said, wrapped = _unwrapped(message)
    if wrapped and _CHUNK_FAILED.match(said):
        return _of_a_chunk(said)
    if (parsed := _parsed(said)) is not None and (wrapped or "error" in parsed):
        return _of_json(parsed) or Words(_without_advice(said))
    if unsupported := _UNSUPPORTED.match(said):
        name = unsupported[1]
        text = f"Unsupported parameter: '{name}' is not supported with this model."
        return Words(text, "invalid_request_error", name, "unsupported_parameter")
    text = _without_advice(said)
    if wrapped:
        text = _openrouters(_unquoted(text))
    if (status >= 500 and (wrapped or text.startswith(_PYTHONS))) or text.startswith(_NO_WORDS_KEPT):
        text = next((told for pattern, told in _INTERNAL if pattern.match(text)), text)
    return Words(text)


def _of_a_form(message: str) -> Words:
    """Of an answer LiteLLM says whose it is; what else it stumbles over is the request's."""
    told = _words(message, 500)
    is_answers = "Invalid response object" in message
    return Words(_NOT_READ) if is_answers else Words(_NO_FORM) if told.is_of_the_connection else told


def _unwrapped(message: str) -> tuple[str, bool]:
    """What stands behind the names of LiteLLM's exceptions, and whether there were any: what a provider calls so is left to it."""
    place, wrapped = 0, False
    for _ in range(_MOST_LAYERS):
        if layer := _LITELLMS.match(message, place) or _OF_A_PROVIDER.match(message, place):
            place, wrapped = layer.end(), True
            if layer.re is _LITELLMS:
                while name := _CLASS.match(message, place):
                    place = name.end()
        elif wrapped and (status := _WITH_A_STATUS.match(message, place)):
            place = status.end()
        else:
            break
    return message[place:], wrapped


def _without_advice(text: str) -> str:
    advice = _ADVICE.search(text)
    return text[: advice.start()] if advice else text


def _openrouters(text: str) -> str:
    """LiteLLM writes OpenRouter's error as a line of its own making."""
    said = _OPENROUTERS.match(text)
    return said[1] if said else text


def _parsed(text: str) -> Mapping[str, Any] | None:
    """The object at the beginning of the text: as JSON, as bytes of JSON, or as Python shows it."""
    text = _unquoted(text)
    if not text.startswith(("{", "[{")):
        return None
    try:
        value = json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        value = _literal(text[: text.rfind("}") + 1], dict, None)
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, dict) else None


def _unquoted(text: str) -> str:
    """What the bytes say that Python's own way to write them stands for."""
    quoted = _BYTES.match(text)
    return _literal(quoted[0], bytes, b"").decode(errors="replace") if quoted else text


def _literal(text: str, kind: type, default: Any) -> Any:
    """Python's own way to write a value, read without running anything."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return default
    return value if isinstance(value, kind) else default


def _of_json(body: Mapping[str, Any]) -> Words | None:
    """The provider's error out of its JSON; None if it has none that says anything."""
    error = body.get("error", body)
    if isinstance(error, str):
        return Words(error, code=_text(body.get("code")))
    if not isinstance(error, dict):
        return None
    message = error.get("message") or error.get("detail")
    if not isinstance(message, str):
        return None if message is None else Words(json.dumps(message, ensure_ascii=False))
    message += _what_another_said(error)
    return Words(
        message,
        _kind(error),
        _text(error.get("param")),
        _text(error.get("code")),
        request_id=_text(body.get("request_id")),
    )


def _what_another_said(error: Mapping[str, Any]) -> str:
    """OpenRouter says no more than that its own provider failed, and quotes that one beside it."""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if not isinstance(raw, str) or not raw.strip():
        return ""
    parsed = _parsed(raw)
    inner = _of_json(parsed) if parsed is not None else None
    return f": {inner.message if inner else raw}"


def _of_a_chunk(text: str) -> Words:
    """The `error` that stands in the chunk as Python shows it, with the status that the provider gave it."""
    place = text.find("error={")
    shown = text[place + len("error=") : place + _LONGEST_ERROR_IN_A_CHUNK] if place >= 0 else ""
    error = _literal(_balanced(shown), dict, None)
    told = _of_json({"error": error}) if error else None
    code = error.get("code") if error else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 502
    return replace(told or Words(_WITHOUT_WORDS), status=status)


def _balanced(text: str) -> str:
    """The text up to the brace that closes its first one; braces inside of quotes do not count."""
    depth, quote, escaped = 0, "", False
    for place, character in enumerate(text):
        if quote:
            escaped, quote = (character == "\\" and not escaped), ("" if character == quote and not escaped else quote)
        elif character in "'\"":
            quote = character
        elif character in "{}":
            depth += 1 if character == "{" else -1
            if depth == 0:
                return text[: place + 1]
    return ""


def _kind(error: Mapping[str, Any]) -> str | None:
    kind = _text(error.get("type"))
    return None if kind == "error" else kind


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value and value != "None" else None
