"""The error tree: drawn whole, each with its status and code."""

import re

import pytest

from api import errors
from api.errors import APIError, GatewayKeyRejected, UpstreamError


def _tree(error: type[APIError]) -> list[type[APIError]]:
    return [error, *(leaf for child in error.__subclasses__() for leaf in _tree(child))]


@pytest.mark.parametrize("error", _tree(APIError), ids=lambda error: error.__name__)
def test_every_error_is_drawn_in_the_tree(error: type[APIError]) -> None:
    assert re.search(rf"\b{error.__name__}\b", errors.__doc__ or "")


@pytest.mark.parametrize(
    "line", [line for line in (errors.__doc__ or "").splitlines() if re.search(r"──.*\b\d{3}\b", line)]
)
def test_the_drawn_status_is_the_real_one(line: str) -> None:
    match = re.search(r"── (\w+) +(\d{3})", line)
    assert match is not None
    name, status = match.groups()
    if name != "GatewayKeyRejected":
        assert getattr(errors, name).status == int(status)


@pytest.mark.parametrize("code", ["429", 429, "None", None])
def test_a_code_that_only_repeats_the_status_is_none(code: object) -> None:
    assert UpstreamError(429, {"message": "slow down", "code": code}).error_code is None


def test_a_refused_key_of_ours_names_the_setting_and_the_mend() -> None:
    message = GatewayKeyRejected(401, {"message": "Authentication Error"}).message
    assert "LLM_API_KEY" in message
    assert "make litellm_setup" in message
    assert "make up" in message
    assert "make docker_restart" in message
