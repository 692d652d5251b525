"""JSON as models write it: form is forgiven, what has two readings is not."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.reasoning.json_objects import NoJSON, decode, objects_in

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_json_is_read_as_it_stands(value: Any) -> None:
    assert decode(json.dumps(value)) == value
    assert decode(json.dumps(value, ensure_ascii=False)) == value


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1, 2,], "b": "c",}',
        '{"a": [1, 2], // the first\n "b": "c"}',
        '{"a": [1, 2], /* the\nfirst */ "b": "c"}',
        '{"a": [1, 2, /* no more */ ], "b": "c", // that is all\n}',
    ],
)
def test_commas_too_many_and_comments_are_forgiven(text: str) -> None:
    assert decode(text) == {"a": [1, 2], "b": "c"}


@pytest.mark.parametrize("said", ["// no comment", "/* none */", ", }", "a,]", '\\"{', "\n"])
def test_texts_are_left_as_they_are(said: str) -> None:
    text = '{"a": "' + said + '",}'
    assert decode(text) == {"a": said.replace('\\"', '"')}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": 1, "a": 2}', "twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "Infinity"),
        ('{"a": 1e999}', "beyond all numbers"),
        ('{"a": "\\ud83d"}', "surrogates"),
        ('{"a": ' + "[" * 100_000, "nested too deeply"),
        ("{'a': 1}", "double quotes"),
        ("", "Expecting value"),
    ],
)
def test_what_has_no_reading_or_two_is_refused(text: str, why: str) -> None:
    with pytest.raises(NoJSON, match=why):
        decode(text)


def test_the_same_value_said_twice_is_one() -> None:
    assert decode('{"a": 1, "a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no object", []),
        ("words in {braces} are words", []),
        ('so: {"a": {"b": "}"}} and {"c": 1}.', ['{"a": {"b": "}"}}', '{"c": 1}']),
        ('```json\n{"a": 1}\n```', ['{"a": 1}']),
        ('{"a": [{"b": 1}, {"c"', ['{"a": [{"b": 1}, {"c"']),
        ('{ // it\'s "so\n "a": 1}', ['{ // it\'s "so\n "a": 1}']),
        ("{}", ["{}"]),
    ],
)
def test_objects_are_found_in_a_text_whole_or_not_at_all(text: str, found: list[str]) -> None:
    assert list(objects_in(text)) == found


@given(VALUES, st.text(alphabet=st.characters(exclude_characters='{"'), max_size=20))
def test_an_object_is_found_whatever_words_stand_around_it(value: Any, words: str) -> None:
    written = json.dumps({"held": value})
    assert list(objects_in(f"{words}{written}{words}")) == [written]


@pytest.mark.parametrize("text", ['{"' * 200_000, "{ " * 200_000, '{"a":' * 200_000, '{"\\' * 200_000])
def test_a_long_text_takes_no_long_time(text: str) -> None:
    started = time.process_time()
    list(objects_in(text))
    assert time.process_time() - started < 5
