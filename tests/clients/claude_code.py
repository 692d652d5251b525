"""Claude Code's command line, pointed at the API as a user points it there."""

import json
import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.clients.program import LIMIT, OFFLINE, Ran, run
from tests.clients.terminal import Terminal, running
from tests.support import npm

PACKAGES: Final = Path(__file__).with_name("packages") / "claude-code"
POINTERS: Final = ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN")
# What it would send anywhere but to the API: switched off, and if it is sent all the same it does not arrive.
QUIET: Final = {
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    **OFFLINE,
}


def install() -> Path:
    """The program that npm has for this machine.

    Raises:
        NpmError: it could not be installed.
    """
    packages = npm.installed(PACKAGES, "claude-code") / "@anthropic-ai"
    programs = sorted(packages.glob("claude-code-*/claude"))
    if not programs:
        raise npm.NpmError(f"npm installed no Claude Code for this machine into {packages}")
    return programs[0]


@dataclass(frozen=True)
class ClaudeCode:
    """The program in a home and a project of its own, below `folder`."""

    program: Path
    url: str
    token: str
    folder: Path
    limit: float = LIMIT

    @property
    def project(self) -> Path:
        """Where it works."""
        return self._made("project")

    def ask(self, prompt: str, *options: str, **exported: str) -> Ran:
        """One run without a person: `claude -p PROMPT OPTIONS`."""
        return run(
            [str(self.program), "-p", prompt, *options], self.project, self._environment() | exported, self.limit
        )

    def shell(self, script: str) -> Ran:
        """A script for the shell that calls it by its name, and says itself where the API is."""
        environment = self._environment()
        for name in POINTERS:
            del environment[name]
        path = os.pathsep.join([str(self.program.parent), environment["PATH"]])
        return run(["sh", "-c", script], self.project, environment | {"PATH": path}, self.limit)

    def interactive(self, **exported: str) -> AbstractContextManager[Terminal]:
        """The program in a terminal, past the questions of its first start."""
        known = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
        settings = {"hasCompletedOnboarding": True, "theme": "dark", "projects": {str(self.project): known}}
        environment = self._environment() | exported
        (Path(environment["CLAUDE_CONFIG_DIR"]) / ".claude.json").write_text(json.dumps(settings))
        return running([str(self.program)], self.project, environment)

    def answer(self, prompt: str, *options: str) -> dict[str, Any]:
        """The result of a run that went well."""
        ran = self.ask(prompt, "--output-format", "json", *options)
        assert (ran.code, ran.errors) == (0, ""), ran
        return ran.result

    def _environment(self) -> dict[str, str]:
        own = {"HOME": "home", "CLAUDE_CONFIG_DIR": "home/.claude", "CLAUDE_CODE_TMPDIR": "tmp", "TMPDIR": "tmp"}
        folders = {name: str(self._made(folder)) for name, folder in own.items()}
        reached = dict(zip(POINTERS, (self.url, self.token), strict=True))
        return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **folders, **reached, **QUIET}

    def _made(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder
