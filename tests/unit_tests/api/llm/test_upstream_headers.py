"""Which of LiteLLM's headers a caller gets, and with which values."""

import pytest

from api.llm.upstream_headers import LONGEST_HEADER, handed_on

HEEDED = {
    "retry-after": "7",
    "retry-after-ms": "1500.5",
    "x-should-retry": "false",
    "x-request-id": "req_1",
    "x-ratelimit-remaining-tokens": "149,984",
    "x-ratelimit-reset-tokens": "6m0s",
    "anthropic-ratelimit-requests-remaining": "49",
    "openai-processing-ms": "241",
    "openai-version": "2020-10-01",
}


@pytest.mark.parametrize("name", HEEDED)
@pytest.mark.parametrize("prefix", ["", "llm_provider-"])
def test_what_openais_clients_heed_is_handed_on_whoever_says_it(name: str, prefix: str) -> None:
    assert handed_on({prefix + name: HEEDED[name]}) == {name: HEEDED[name]}


def test_a_date_says_when_to_come_again_too() -> None:
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    assert handed_on({"llm_provider-retry-after": date}) == {"retry-after": date}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retry-after", "soon"),
        ("retry-after", "-1"),
        ("retry-after", "1e9"),
        ("retry-after", "9" * 50),
        ("retry-after-ms", "Wed, 21 Oct 2026 07:28:00 GMT"),
        ("retry-after-ms", ""),
        ("x-should-retry", "maybe"),
        ("x-request-id", "x" * 5_000),
        ("x-request-id", "a\nb"),
        ("x-request-id", ""),
        ("x-ratelimit-reset-tokens", "x" * 300),
        ("x-ratelimit-reset-tokens", "6m\x00"),
        ("x-ratelimit-" + "x" * 100, "1"),
        ("set-cookie", "a=b"),
        ("openai-organization", "theirs"),
        ("x-litellm-model-api-base", "http://upstream"),
    ],
)
def test_what_no_reader_understands_or_may_know_is_not(name: str, value: str) -> None:
    assert handed_on({f"llm_provider-{name}": value}) == {}


def test_a_provider_does_not_speak_for_litellm() -> None:
    assert handed_on({"llm_provider-x-litellm-call-id": "forged", "x-litellm-call-id": "c"}) == {
        "x-litellm-call-id": "c"
    }


@pytest.mark.parametrize("order", [1, -1])
def test_the_request_id_is_the_providers_and_when_to_come_again_litellms(order: int) -> None:
    said = {
        "x-request-id": "litellms",
        "llm_provider-x-request-id": "providers",
        "retry-after": "5",
        "llm_provider-retry-after": "7",
    }
    assert handed_on(dict(list(said.items())[::order])) == {"x-request-id": "providers", "retry-after": "5"}


@pytest.mark.parametrize("theirs", ["llm_provider-x-request-id", "request-id", "x-request-id"])
def test_a_providers_request_id_is_handed_on_if_it_is_no_longer_than_an_id(theirs: str) -> None:
    assert handed_on({theirs: "i" * LONGEST_HEADER}) == {"x-request-id": "i" * LONGEST_HEADER}
    assert handed_on({theirs: "i" * (LONGEST_HEADER + 1)}) == {}


@pytest.mark.parametrize("name", ["x-ratelimit-remaining-tokens", "retry-after", "x-litellm-model-id"])
def test_no_other_header_is_longer_either(name: str) -> None:
    assert handed_on({name: "1"}) == {name: "1"}
    assert handed_on({name: "1" * 5_000}) == {}


def test_an_id_that_is_too_long_leaves_room_for_the_next_that_is_there() -> None:
    said = {"llm_provider-x-request-id": "i" * 5_000, "x-request-id": "req_1"}
    assert handed_on(said) == {"x-request-id": "req_1"}
