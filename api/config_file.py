"""Configuration files in YAML: every mistake is named with its line and with what to write instead."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

Step = str | int
Place = tuple[Step, ...]
"""A way into the file: names of fields, and places in lists."""
M = TypeVar("M", bound=BaseModel)
# Many times as fast as the one in Python, and part of every wheel of PyYAML.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "tag:yaml.org,2002:merge"
_EXTRA = "extra_forbidden"


class ConfigFileError(ValueError):
    """The file cannot be used; the message lists each mistake with its line and its mend, and never a secret."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """What a file holds, and in which line each value stands."""

    path: Path
    content: Any
    lines: Mapping[Place, int]

    def line(self, place: Sequence[Step]) -> int:
        """The line of the value at this place, or else of the nearest thing around it."""
        known = (self.lines.get(tuple(place[:length])) for length in range(len(place), -1, -1))
        return next(line for line in known if line is not None)

    def mistake(self, place: Sequence[Step], what: str) -> str:
        """A line of the message: where, and what is wrong."""
        where = written(place)
        return f"line {self.line(place)}: {f'{where}: ' if where else ''}{what}"


def read(path: Path, setting: str) -> ConfigFile:
    """The file; `setting` is the variable that says where it is.

    Raises:
        ConfigFileError: it cannot be read, is not YAML, or says something twice.
    """
    try:
        return _parsed(path, path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ConfigFileError(f"{path} cannot be read ({problem.strerror}); {setting} says where it is") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as problem:
        if isinstance(problem, ConfigFileError):
            raise
        raise ConfigFileError(f"{path} is not YAML{_where(problem)}") from None


def validated(file: ConfigFile, model: type[M], mends: Mapping[str, str]) -> M:
    """What the file says, as the model has it; `mends` say by field what to write instead.

    Raises:
        ConfigFileError: with all that is wrong.
    """
    try:
        return model.model_validate(file.content)
    except ValidationError as error:
        found = [dict(detail) for detail in error.errors(include_input=False, include_url=False)]
        raise unusable(file.path, [_mistake(file, detail, mends) for detail in found]) from None


def unusable(path: Path, problems: Iterable[str]) -> ConfigFileError:
    """The error that lists them."""
    return ConfigFileError("\n".join([f"{path} is not usable:", *(f"- {problem}" for problem in problems)]))


def explained(detail: Mapping[str, Any], mends: Mapping[str, str]) -> str:
    """What pydantic says of a field, and what to write instead."""
    field = next((step for step in reversed(detail["loc"]) if isinstance(step, str)), "")
    mend = mends.get(field)
    if detail["type"] == _EXTRA:
        return f"is not a field that is known here{f' (write {mends[_EXTRA]})' if _EXTRA in mends else ''}"
    return f"{detail['msg'].removeprefix('Value error, ')}{f' (write {mend})' if mend else ''}"


def written(place: Sequence[Step]) -> str:
    """As one would write it: `servers[0].url`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")


def repeated(values: Iterable[tuple[str, Place]]) -> Iterator[tuple[str, Place, Place]]:
    """Each value that has come before: itself, where it stands, and where it stood first."""
    first: dict[str, Place] = {}
    for value, place in values:
        if value in first:
            yield value, place, first[value]
        first.setdefault(value, place)


def _mistake(file: ConfigFile, detail: Mapping[str, Any], mends: Mapping[str, str]) -> str:
    return file.mistake(detail["loc"], explained(detail, mends))


def _parsed(path: Path, text: str) -> ConfigFile:
    loader = _LOADER(text)
    try:
        node = loader.get_single_node()
        lines: dict[Place, int] = {(): 1}
        twice: list[str] = []
        if node is not None:
            _walk(node, (), lines, twice)
        if twice:
            raise unusable(path, twice)
        return ConfigFile(path, None if node is None else loader.construct_document(node), lines)
    finally:
        loader.dispose()


def _walk(node: yaml.Node, place: Place, lines: dict[Place, int], twice: list[str]) -> None:
    """The lines of all values. YAML would let the last of two fields of one name win, and say nothing."""
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*place, index), lines, twice)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
                continue
            inner = (*place, key.value)
            if inner in lines:
                where = key.start_mark.line + 1
                twice.append(
                    f"line {where}: {written(inner)} stands in line {lines[inner]} already; take one of them out"
                )
                continue
            _walk(value, inner, lines, twice)
            lines[inner] = key.start_mark.line + 1


def _where(problem: Exception) -> str:
    """The line, if the parser has told one; of what stands there nothing, since it may be a secret."""
    mark = getattr(problem, "problem_mark", None)
    if mark is None:
        return ""
    words = re.sub(r"[\"'].*[\"']", "something", str(getattr(problem, "problem", None) or "error"))
    return f": {words} in line {mark.line + 1}"
