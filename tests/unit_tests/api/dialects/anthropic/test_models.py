"""Models in pages, as Anthropic lists its own."""

from typing import Any

import pytest

from api.dialects.anthropic.models import model, models_page
from api.errors import InvalidRequest

MODELS = [{"id": f"model-{number}", "created": 1_700_000_000} for number in range(30)]


def _page(**asked: str) -> dict[str, Any]:
    return models_page(MODELS, **({"limit": None, "after_id": None, "before_id": None} | asked))


def _ids(page: dict[str, Any]) -> list[str]:
    return [one["id"] for one in page["data"]]


def test_a_page_has_twenty_models_unless_asked_for_others() -> None:
    page = _page()
    assert (len(page["data"]), page["has_more"], page["first_id"], page["last_id"]) == (20, True, "model-0", "model-19")


def test_all_pages_together_have_each_model_once() -> None:
    found, page = _ids(_page(limit="7")), _page(limit="7")
    while page["has_more"]:
        page = _page(limit="7", after_id=page["last_id"])
        found += _ids(page)
    assert found == [one["id"] for one in MODELS]


def test_a_page_before_a_model_ends_with_its_neighbour() -> None:
    page = _page(limit="3", before_id="model-10")
    assert (_ids(page), page["has_more"]) == (["model-7", "model-8", "model-9"], True)


def test_a_list_of_none_has_no_ends() -> None:
    page = models_page([], limit="5", after_id=None, before_id=None)
    assert page == {"data": [], "has_more": False, "first_id": None, "last_id": None}


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "", "1.5", "٣"])
def test_a_limit_that_is_none_is_named(limit: str) -> None:
    with pytest.raises(InvalidRequest, match="limit") as raised:
        _page(limit=limit)
    assert raised.value.param == "limit"


@pytest.mark.parametrize("name", ["after_id", "before_id"])
def test_a_place_at_a_model_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(InvalidRequest, match="nope") as raised:
        _page(**{name: "nope"})
    assert raised.value.param == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("claude-haiku-4-5", "Claude Haiku 4.5"),
        ("gpt-4o-mini", "GPT 4o Mini"),
        ("deepseek-v4-flash", "Deepseek V4 Flash"),
        ("openrouter/x_y", "Openrouter X Y"),
    ],
)
def test_a_model_has_a_name_to_be_shown(name: str, shown: str) -> None:
    assert model({"id": name, "created": 1_700_000_000}) == {
        "type": "model",
        "id": name,
        "display_name": shown,
        "created_at": "2023-11-14T22:13:20Z",
    }


def test_what_litellm_knows_of_its_lengths_is_told() -> None:
    told = model({"id": "a", "context_window": 200_000, "max_output_tokens": 64_000})
    assert (told["max_input_tokens"], told["max_tokens"]) == (200_000, 64_000)
