"""LiteLLM's errors in a caller's words; the samples are what the real LiteLLM answered with."""

import pytest

from api.llm.upstream_words import LONGEST_TOLD, Words, callers_message, in_callers_words

GROUP = "\n\nLiteLLM: model group 'gpt-4o' failed with the error above. No fallback was attempted."
TOO_LONG = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
NO_FALLBACK = "\nmodel=gpt-4o. context_window_fallbacks=None. fallbacks=None.\n\nSet 'context_window_fallback' - https://docs.litellm.ai/docs/routing#fallbacks"
ERROR = '{"error":{"message":"said the provider","type":"some_type","param":"some_param","code":"some_code"}}'
SAID = Words("said the provider", "some_type", "some_param", "some_code")
QUOTED = '{\\"error\\":{\\"message\\":\\"inner words\\",\\"code\\":\\"inner_code\\"}}'
NESTED = '{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"' + QUOTED + '"}}}'
CHUNK = (
    "openai raised a streaming error - finish_reason: error, no content string given. Received Chunk={'text': '', "
    "'original_chunk': ChatCompletionChunk(id='c', choices=[Choice(finish_reason='error', index=0, logprobs=None, "
    "error={'code': 429, 'message': 'slow } down', 'metadata': {'provider_name': 'X'}})], created=1)}"
)

WORDS: dict[str, tuple[str, Words]] = {
    "plain text": (f"litellm.BadRequestError: OpenAIException - said the provider{GROUP}", Words("said the provider")),
    "names of two layers": (
        (
            f"litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - {TOO_LONG}"
            f"{NO_FALLBACK}{GROUP}"
        ),
        Words(TOO_LONG),
    ),
    "the provider's JSON": (f"litellm.BadRequestError: OpenAIException - {ERROR}{GROUP}", SAID),
    "JSON as bytes": (f"litellm.BadRequestError: AnthropicException - b'{ERROR}'{GROUP}", SAID),
    "JSON as Python shows it": (
        "litellm.BadRequestError: OpenAIException - Error code: 400 - {'error': {'message': 'said the provider', "
        "'type': 'some_type', 'param': 'some_param', 'code': 'some_code'}}" + GROUP,
        SAID,
    ),
    "Anthropic's JSON and advice": (
        'litellm.InternalServerError: AnthropicException - {"type":"error","error":{"type":"api_error","message":"Boom"},'
        '"request_id":"req_1"}. Handle with `litellm.InternalServerError`.' + GROUP,
        Words("Boom", "api_error", request_id="req_1"),
    ),
    "a name behind the provider's": (
        'litellm.BadGatewayError: AnthropicException BadGatewayError - {"error":{"message":"bad"}}',
        Words("bad"),
    ),
    "a provider that quotes its own": (
        f"litellm.BadRequestError: OpenrouterException - {NESTED}{GROUP}",
        Words("Provider returned error: inner words"),
    ),
    "OpenRouter's line": (
        "litellm.APIError: APIError: OpenrouterException - Message: Provider disconnected, Metadata: {}, User ID: ",
        Words("Provider disconnected"),
    ),
    "an error that is a text": (
        'litellm.BadRequestError: X_Exception - {"error":"just a string"}',
        Words("just a string"),
    ),
    "FastAPI's form": (
        'litellm.BadRequestError: OpenAIException - {"detail":[{"loc":["body"],"msg":"bad"}]}',
        Words('[{"loc": ["body"], "msg": "bad"}]'),
    ),
    "JSON that says no message": ('litellm.BadRequestError: OpenAIException - {"a":1}' + GROUP, Words('{"a":1}')),
    "no words at all": (f"litellm.BadRequestError: OpenAIException - Error code: 400{GROUP}", Words("")),
    "retries": (
        "litellm.RateLimitError: RateLimitError: OpenAIException - slow down LiteLLM Retried: 2 times, LiteLLM Max Retries: 2",
        Words("slow down"),
    ),
    "model groups of an older LiteLLM": (
        "litellm.NotFoundError: OpenAIException - gone\nReceived Model Group=gpt-4o\nAvailable Model Group Fallbacks=None",
        Words("gone"),
    ),
    "a parameter that LiteLLM refuses": (
        "litellm.UnsupportedParamsError: openai does not support parameters: ['parallel_tool_calls'], for model=o3. To drop "
        "these, set `litellm.drop_params=True` or for proxy:\n\n`litellm_settings:\n drop_params: true`\n" + GROUP,
        Words(
            "Unsupported parameter: 'parallel_tool_calls' is not supported with this model.",
            "invalid_request_error",
            "parallel_tool_calls",
            "unsupported_parameter",
        ),
    ),
    "a fallback in mid-stream": (
        "litellm.MidStreamFallbackError: litellm.APIConnectionError: APIConnectionError: OpenAIException - gone",
        Words("gone"),
    ),
    "a connection that broke off": (
        (
            "litellm.APIConnectionError: APIConnectionError: OpenAIException - Response payload is not completed: "
            "<TransferEncodingError: 400, message='Not enough data to satisfy transfer length header.'>"
        ),
        Words("The provider's answer broke off."),
    ),
    "Python's own words": (
        "litellm.InternalServerError: InternalServerError: OpenAIException - 'NoneType' object has no attribute 'choices'",
        Words("The provider's answer cannot be read."),
    ),
    "an error in a chunk": (f"litellm.RateLimitError: OpenAIException - {CHUNK}", Words("slow } down", status=429)),
    "a path": ("/responses: Missing required parameter: 'input'.", Words("Missing required parameter: 'input'.")),
    "a class that a provider names": (
        "litellm.BadRequestError: OpenAIException - RateLimitError: is a word of mine",
        Words("RateLimitError: is a word of mine"),
    ),
    "words that nobody wrapped": ("ValueError: said the provider", Words("ValueError: said the provider")),
}


@pytest.mark.parametrize("what", WORDS)
def test_a_message_is_told_in_the_words_of_whoever_made_it(what: str) -> None:
    message, words = WORDS[what]
    assert in_callers_words(message) == words


def test_a_long_message_is_cut() -> None:
    told = in_callers_words("litellm.BadRequestError: OpenAIException - " + "word " * 5_000).message
    assert (len(told), told[-1]) == (LONGEST_TOLD + 2, "…")


def test_a_message_without_an_error_around_it_is_told_without_keys() -> None:
    assert callers_message("litellm.APIError: APIError: OpenAIException - key sk-123 is bad") == "key [redacted] is bad"


HOSTILE = {
    "dots": "litellm." + "a." * 500_000,
    "braces": "litellm.X: OpenAIException - " + "{'a':" * 200_000,
    "objects": "litellm.X: OpenAIException - {" + '"a":{' * 200_000,
    "backslashes": "litellm.X: OpenAIException - b'" + "\\" * 1_000_000,
    "line ends": "litellm.X: " + "\n" * 1_000_000,
    "spaces": "litellm.X: OpenAIException - " + " " * 1_000_000,
    "beginnings of advice": "litellm.X: " + "\nmodel=" * 100_000,
    "chunks": "litellm.X: openai raised a streaming error - finish_reason: error " + "error={" * 100_000,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_no_message_is_told_at_length_whatever_it_is_made_of(what: str) -> None:
    assert len(in_callers_words(HOSTILE[what]).message) <= LONGEST_TOLD + 2


@pytest.mark.parametrize(
    ("stumbled_over", "told"),
    [
        ("litellm.InternalServerError: InternalServerError: OpenAIException - Invalid response object Traceback", 0),
        ("litellm.APIConnectionError: 'str' object has no attribute 'get'", 1),
    ],
    ids=["an answer", "a request"],
)
def test_what_litellm_stumbles_over_is_told_of_whoever_made_it(stumbled_over: str, told: int) -> None:
    whose = ("The provider's answer cannot be read.", "A field of the request has a form that cannot be worked with.")
    words = in_callers_words(f"Invalid request format: {stumbled_over}", 400)
    assert (words.message, words.is_of_the_connection) == (whose[told], told == 0)
