"""Whose a response is, by its id alone."""

import pytest

from api.context import Caller
from api.errors import PreviousResponseNotFound
from api.llm import OwnedResponse, ResponseIds

A, B = Caller("a"), Caller("b")
LITELLMS = "resp_bGl0ZWxsbQ=="
IDS = ResponseIds("sk-virtual")


def test_its_caller_alone_knows_it() -> None:
    assert IDS.litellms(IDS.of(LITELLMS, A), A) == LITELLMS
    assert IDS.litellms(IDS.of(LITELLMS, A), B) is None


def test_every_worker_of_one_key_makes_the_same_and_no_other_server_does() -> None:
    assert ResponseIds("sk-virtual").of(LITELLMS, A) == IDS.of(LITELLMS, A)
    assert ResponseIds("sk-other").litellms(IDS.of(LITELLMS, A), A) is None


@pytest.mark.parametrize("made_up", ["", ".", LITELLMS, f"{LITELLMS}.", f"{LITELLMS}.x", "\ud800", f"{LITELLMS}.\xe9"])
def test_what_was_not_given_is_nobodys(made_up: str) -> None:
    assert IDS.litellms(made_up, A) is None


def test_a_response_names_itself_and_what_it_continues_as_its_caller_does() -> None:
    previous = IDS.of("resp_first", A)
    owned, response = OwnedResponse(IDS, A, previous), {"id": LITELLMS, "previous_response_id": "resp_of_the_provider"}
    owned.tell(response)
    assert response == {"id": IDS.of(LITELLMS, A), "previous_response_id": previous}
    assert owned.litellms_previous() == "resp_first"


def test_one_that_continues_anothers_is_refused() -> None:
    with pytest.raises(PreviousResponseNotFound):
        OwnedResponse(IDS, B, IDS.of(LITELLMS, A)).litellms_previous()
