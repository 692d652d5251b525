"""A coding agent's command line that asks the API to reason about what it is given."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from tests.clients.program import OFFLINE, Ran, run
from tests.support import npm

LIMIT: Final = 240.0  # seconds: opencode takes five of computing to start
PACKAGES: Final = Path(__file__).with_name("packages")


@dataclass(frozen=True)
class Showed:
    """What a user sees of a run; `tokens`, read and written, where the program counts them."""

    answer: str
    thoughts: str
    tools: list[str]
    tokens: tuple[int, int] | None


@dataclass(frozen=True)
class Agent(ABC):
    """The program in a home and a project of its own, below `folder`."""

    package: ClassVar[str]
    url: str
    token: str
    folder: Path

    @classmethod
    def install(cls) -> Path:
        """Its `node_modules`.

        Raises:
            NpmError: it could not be installed.
        """
        return npm.installed(PACKAGES / cls.package, f"client-{cls.package}")

    @property
    def project(self) -> Path:
        """Where it works."""
        return self._made("project")

    @property
    def home(self) -> Path:
        return self._made("home")

    def show(self, prompt: str) -> Showed:
        """What it shows of a run that went well."""
        self.configure()
        done = run(self.command(prompt), self.project, {**self._environment(), **self.settings}, LIMIT)
        assert done.code == 0, done
        return self.showed(done)

    @property
    def settings(self) -> Mapping[str, str]:
        """Variables that keep it from asking others than the API."""
        return {}

    @abstractmethod
    def configure(self) -> None:
        """Writes the files that point it at the API."""

    @abstractmethod
    def command(self, prompt: str) -> list[str]:
        """One run without a person."""

    @abstractmethod
    def showed(self, done: Ran) -> Showed:
        """Read from what it printed."""

    @abstractmethod
    def reads(self, file: Path) -> dict[str, Any]:
        """The call of its own tool that reads a file."""

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(npm.node().parent), "/usr/bin", "/bin"])
        return {"PATH": path, "LANG": "C.UTF-8", "HOME": str(self.home), "TMPDIR": str(self._made("tmp")), **OFFLINE}

    def _made(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder
