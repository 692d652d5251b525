"""The documents against the tree: what they name is there, and what is there is named."""

import ast
import json
import re
from pathlib import Path

import pytest

from tests.support.processes import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)[^)]*\)")
MAKE = re.compile(r"`make ([a-z_]+)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    broken = [link for link in LINK.findall(document.read_text()) if not (document.parent / link).exists()]
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_make_target_that_is_named_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z_]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(MAKE.findall(document.read_text())) <= targets


def test_the_readme_is_short_and_shows_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) < 150
    assert {"up", "tests"} <= set(re.findall(r"^make ([a-z_]+)", text, re.MULTILINE))


def test_every_room_of_the_api_is_in_the_architecture() -> None:
    rooms = {
        path.name + ("/" if path.is_dir() else "")
        for path in (ROOT / "api").iterdir()
        if not path.name.startswith("__")
    }
    named = set(re.findall(r"`([a-z_]+(?:\.py|/))`", (ROOT / "docs" / "architecture.md").read_text()))
    assert {room for room in rooms if room.endswith((".py", "/"))} - named == set()


@pytest.mark.parametrize(
    "room",
    [
        *("callers", "dialects/anthropic", "dialects/openai", "edge", "llm", "memory", "reasoning", "routing"),
        *("telemetry", "tools"),
    ],
)
def test_a_room_says_at_its_door_what_each_of_its_files_is_for(room: str) -> None:
    door = ROOT / "api" / room / "__init__.py"
    says = ast.get_docstring(ast.parse(door.read_text())) or ""
    assert {path.name for path in door.parent.glob("*.py") if path != door and path.name not in says} == set()


def test_every_make_target_has_a_line_of_help() -> None:
    rules = re.findall(r"^([a-z_]+):(?!=)(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [target for target, line in rules if "##" not in line] == []


def test_every_test_that_a_document_names_exists() -> None:
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    exist = set(re.findall(r"def (test_\w+)\(", tests)) | {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    named = {name for document in DOCUMENTS for name in re.findall(r"`(test_\w+)`", document.read_text())}
    assert named - exist == set()


def test_the_clients_that_tests_run_are_told_of_in_the_versions_that_are_locked() -> None:
    text = (ROOT / "docs" / "clients.md").read_text()
    lock = (ROOT / "requirements" / "clients.txt").read_text()
    named = ("anthropic", "openai", "langchain-openai")
    versions = [version for name in named for version in re.findall(rf"^{name}==(\S+)", lock, re.MULTILINE)]
    programs = {
        "claude-code": "@anthropic-ai/claude-code",
        "cline": "@cline/cli-linux-x64",
        "continue": "@continuedev/cli",
        "opencode": "opencode-linux-x64",
    }
    for folder, program in programs.items():
        locked = ROOT / "tests" / "clients" / "packages" / folder / "package-lock.json"
        versions.append(json.loads(locked.read_text())["packages"][f"node_modules/{program}"]["version"])
    assert len(versions) == len(named) + len(programs)
    assert [version for version in versions if f" {version} " not in text] == []
