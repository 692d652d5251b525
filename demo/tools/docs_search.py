"""Finds the passages of this project's documentation that share the rarest words with a question."""

import math
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

_HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)
_WORD = re.compile(r"[a-z0-9_]{2,}")
MAX_PASSAGE = 1_500


class Passage(NamedTuple):
    """One section of one file: the text from a heading to the next."""

    file: str
    heading: str
    text: str


def passages(root: Path) -> list[Passage]:
    """The sections of README.md and docs/**/*.md below `root`, in the order of their files' names."""
    files = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    return [passage for file in files if file.is_file() for passage in _sections(file, root)]


def _sections(file: Path, root: Path) -> list[Passage]:
    text = file.read_text(encoding="utf-8")
    headings = list(_HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    name = str(file.relative_to(root))
    return [Passage(name, match[1], text[match.end() : end].strip()) for match, end in zip(headings, ends, strict=True)]


def search(root: Path, query: str, limit: int) -> list[Passage]:
    """The best passages first; those without a word of the query are left out."""
    found = passages(root)
    counts = [Counter(_words(f"{passage.heading} {passage.heading} {passage.text}")) for passage in found]
    rarity = {word: _rarity(word, counts) for word in set(_words(query))}
    scored = [(_score(count, rarity), index) for index, count in enumerate(counts)]
    best = sorted(((score, index) for score, index in scored if score > 0), key=lambda pair: (-pair[0], pair[1]))
    return [found[index] for _, index in best[:limit]]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _rarity(word: str, counts: list[Counter[str]]) -> float:
    return math.log(1 + len(counts) / (1 + sum(1 for count in counts if word in count)))


def _score(count: Counter[str], rarity: dict[str, float]) -> float:
    # A word's second mention says less than its first, and a long section mentions everything.
    total = sum(weight * (1 + math.log(count[word])) for word, weight in rarity.items() if count[word])
    return total / (1 + math.log(1 + count.total() / 100))


def show(found: list[Passage], query: str) -> str:
    """The passages as Markdown, each under its file's name, cut to a length that a model can read."""
    if not found:
        return f"Nothing in the documentation mentions {query!r}."
    return "\n\n".join(f"## {passage.file}: {passage.heading}\n{_cut(passage.text)}" for passage in found)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_PASSAGE else f"{text[:MAX_PASSAGE]}… ({len(text) - MAX_PASSAGE} more characters)"
