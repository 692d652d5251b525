"""Configuration files: the line of every value, and mistakes that are named by it."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from api.config_file import ConfigFile, ConfigFileError, read, validated, written


class _Item(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int


class _Items(BaseModel):
    items: list[_Item]


def _file(tmp_path: Path, text: str) -> ConfigFile:
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return read(path, "FILE_PATH")


def _complaint(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigFileError) as caught:
        validated(_file(tmp_path, text), _Items, {"size": "a number of bytes", "extra_forbidden": "size"})
    return str(caught.value)


def test_every_value_has_its_line(tmp_path: Path) -> None:
    file = _file(tmp_path, "# first\nitems:\n  - size: 1\n\n  - {size: 2}\n")
    places = [(), ("items",), ("items", 0, "size"), ("items", 1), ("items", 1, "size")]
    assert [file.line(place) for place in places] == [2, 2, 3, 5, 5]


def test_what_is_missing_is_named_by_the_line_around_it(tmp_path: Path) -> None:
    assert _file(tmp_path, "items:\n  - {}\n").line(("items", 0, "size")) == 2


def test_a_wrong_value_is_named_with_line_place_and_mend(tmp_path: Path) -> None:
    said = _complaint(tmp_path, "items:\n  - size: 1\n  - size: big\n")
    assert "- line 3: items[1].size: Input should be a valid integer" in said
    assert said.endswith("(write a number of bytes)")


def test_an_unknown_field_is_told_the_known_ones(tmp_path: Path) -> None:
    said = _complaint(tmp_path, "items:\n  - size: 1\n    colour: red\n")
    assert said.endswith("- line 3: items[0].colour: is not a field that is known here (write size)")


def test_all_mistakes_are_listed_at_once(tmp_path: Path) -> None:
    said = _complaint(tmp_path, "items:\n  - size: a\n  - size: b\n")
    assert [line.split(":")[0] for line in said.splitlines()[1:]] == ["- line 2", "- line 3"]


@pytest.mark.parametrize("text", ["", "[]", "words", "items"])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    assert "line 1: Input should be" in _complaint(tmp_path, text)


def test_a_field_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match=r"line 3: items\[0\]\.size stands in line 2 already"):
        _file(tmp_path, "items:\n  - size: 1\n    size: 2\n")


@pytest.mark.parametrize(
    "text", ["items: [", "a: b: c", "items: !other x", "a: &a [*a]", "day: 2026-13-45", "--- a\n--- b"]
)
def test_what_is_not_yaml_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigFileError, match=r"file\.yaml is not YAML"):
        _file(tmp_path, text)


def test_a_broken_file_does_not_have_its_words_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError) as caught:
        _file(tmp_path, "token: *se-cret\n")
    assert "se-cret" not in str(caught.value)
    assert "in line 1" in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigFileError, match="is not YAML"):
        read(tmp_path / "file.yaml", "FILE_PATH")


def test_a_missing_file_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match=r"absent\.yaml cannot be read .*; FILE_PATH says where it is"):
        read(tmp_path / "absent.yaml", "FILE_PATH")


def test_a_place_is_written_as_one_would_write_it() -> None:
    assert written(("callers", 0, "tokens", 1, "sha256")) == "callers[0].tokens[1].sha256"
