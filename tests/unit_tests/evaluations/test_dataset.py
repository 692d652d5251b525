"""The sets themselves, and what is said of entries that cannot be used."""

from collections import Counter
from pathlib import Path

import pytest

from api.protocol import RoutingMode
from tests.evaluations import dataset
from tests.evaluations.dataset import DataError

CASES = dataset.routing_cases()


def test_there_are_enough_cases_and_neither_label_prevails() -> None:
    counts = Counter(case.label for case in CASES)
    assert counts.total() >= 150
    assert min(counts.values()) >= 0.45 * counts.total()


def test_no_case_stands_there_twice() -> None:
    asked = [str(case.messages) for case in CASES]
    assert len(set(asked)) == len(asked)
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("label", dataset.LABELS)
def test_each_label_is_tried_in_every_hard_way(label: RoutingMode) -> None:
    own = [case for case in CASES if case.label is label]
    assert {"adversarial", "borderline", "follow-up", "image"} <= {case.kind for case in own}
    assert len({case.language for case in own}) >= 4
    assert all(case.why for case in own if case.kind == "borderline")


def test_a_follow_up_comes_with_its_conversation_and_an_image_as_one() -> None:
    follow_ups = [case for case in CASES if case.kind == "follow-up"]
    pictures = [case for case in CASES if case.kind == "image"]
    assert all([message["role"] for message in case.messages] == ["user", "assistant", "user"] for case in follow_ups)
    assert all(case.messages[-1]["content"][1]["type"] == "image_url" for case in pictures)


def test_there_are_enough_tasks_and_each_has_a_name_of_its_own() -> None:
    tasks = dataset.tasks()
    assert len(tasks) >= 20
    assert len({task.name for task in tasks}) == len(tasks)


def test_a_limit_takes_from_the_whole_set() -> None:
    assert dataset.spread(list(range(10)), 3) == [0, 3, 6]
    assert dataset.spread([1, 2], 5) == [1, 2]
    assert dataset.spread([1, 2], None) == [1, 2]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[{label: auto, kind: k, cases: [a]}]", "group 'k': label must be"),
        ("[{label: reasoning, kind: k}]", "group 'k'.*cases"),
        ("[{label: reasoning, kind: k, cases: [{language: de}]}]", "reasoning-k-1: ask"),
        ("{}", "must be a list"),
    ],
)
def test_a_routing_entry_that_cannot_be_used_is_named(text: str, fault: str, tmp_path: Path) -> None:
    file = tmp_path / "routing.yaml"
    file.write_text(text)
    with pytest.raises(DataError, match=fault):
        dataset.routing_cases(file)


@pytest.mark.parametrize("answer", ["", "answer: true", "answer: []", "answer: Friday"])
def test_a_task_without_a_checkable_answer_is_named(answer: str, tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text(f"- id: one\n  ask: What?\n  {answer}\n")
    with pytest.raises(DataError, match="task 'one': answer"):
        dataset.tasks(file)
