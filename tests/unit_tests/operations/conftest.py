"""LiteLLM, played over respx."""

from collections.abc import Iterator

import pytest
import respx

from tests.unit_tests.operations.litellm_double import LiteLLMDouble


@pytest.fixture
def litellm() -> Iterator[LiteLLMDouble]:
    double = LiteLLMDouble()
    with respx.mock(assert_all_called=False) as router:
        double.install(router)
        yield double
