"""What a client asks is what the provider is asked, whatever it asks: generated requests, plain and streamed."""

from typing import Any
from uuid import uuid4

from hypothesis import given

from tests.integration_tests.contract.differences import ALLOWED_ASKED, unexpected
from tests.integration_tests.contract.requests import REQUEST
from tests.integration_tests.contract.test_equality import BOUNDED
from tests.integration_tests.contract.wire import Wire


@BOUNDED
@given(request_body=REQUEST)
def test_a_request_arrives_as_it_was_sent(wire: Wire, request_body: dict[str, Any]) -> None:
    sent, arrived = wire.arrived(request_body, mark=f"mark-{uuid4().hex}")
    assert unexpected(sent, arrived, ALLOWED_ASKED) == []


@BOUNDED
@given(request_body=REQUEST)
def test_litellm_alone_does_to_a_request_what_is_documented_and_no_more(
    litellm: Wire, request_body: dict[str, Any]
) -> None:
    sent, arrived = litellm.arrived(request_body, mark=f"mark-{uuid4().hex}")
    assert unexpected(sent, arrived, ALLOWED_ASKED) == []
