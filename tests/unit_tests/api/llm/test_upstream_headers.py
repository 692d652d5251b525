"""What of the headers of LiteLLM's answer a caller may see."""

import pytest

from api.llm.upstream_headers import LONGEST_HEADER, handed_on


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
