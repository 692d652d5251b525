"""The suites, how each is started, and which of their runs are made."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local_stack import bootstrap, environments
from tests.conformance import outcomes
from tests.conformance.outcomes import Outcome
from tests.support import npm

HERE = Path(__file__).parent
PLAIN_MODEL = "gpt-4o-mini"
# llm-comply leaves its cases about reasoning out for other models.
REASONING_MODEL = "gpt-5-mini"
# A model that LiteLLM translates for.
TRANSLATED_MODEL = "claude-haiku-4-5"
REASONING = ("X-Routing-Mode", "reasoning")
RUN_SECONDS = 300


class SuiteError(Exception):
    """A suite could not be run, or its report not be read; the message holds what it printed."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the API is, and the token that lets one in. Suites get the token by their environment, never as an argument."""

    base_url: str
    token: str


@dataclass(frozen=True, slots=True)
class Finished:
    """All that a suite printed, and what it found."""

    output: str
    outcomes: list[Outcome]


@dataclass(frozen=True, slots=True)
class Run:
    """One suite against one surface of the API. `report` is a file that the suite writes; without, its output is read."""

    name: str
    what: str
    command: Callable[[Target, Path], list[str]]
    read: Callable[[str], list[Outcome]]
    environment: Mapping[str, str]
    report: str | None = None

    def perform(self, target: Target) -> Finished:
        """Raises SuiteError."""
        with tempfile.TemporaryDirectory() as folder:
            done = _process(self.command(target, Path(folder)), target, self.environment)
            report = Path(folder) / self.report if self.report else None
            text = report.read_text() if report and report.exists() else done.stdout
        output = done.stdout + (f"\n{done.stderr}" if done.stderr.strip() else "")
        # What is kept of it shall read the same wherever it was made.
        output = output.replace(target.token, "TOKEN").replace(str(bootstrap.ROOT), ".").replace(folder, "REPORTS")
        try:
            found = self.read(text)
        except (ValueError, KeyError, SyntaxError) as error:
            raise SuiteError(f"The report of {self.name} cannot be read ({error}):\n{output}") from error
        if not found:
            raise SuiteError(f"{self.name} reported no case:\n{output}")
        return Finished(output, found)


def _process(command: list[str], target: Target, own: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    base = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    tokens = dict.fromkeys(("OPENAI_API_KEY", "OPENRESPONSES_API_KEY", "CONFORMANCE_TOKEN"), target.token)
    node = str(environments.node_programs())
    path = {"PATH": os.pathsep.join([node, os.environ.get("PATH", os.defpath)]), "COLUMNS": "150"}
    try:
        return subprocess.run(
            command,
            cwd=bootstrap.ROOT,
            env=base | tokens | path | dict(own) | {"CONFORMANCE_BASE_URL": target.base_url},
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise SuiteError(f"{Path(command[0]).name} did not end within {RUN_SECONDS} s") from error


def llm_comply(name: str, what: str, form: str, model: str, *header: str) -> Run:
    """Its JSON report has every error; its text cuts them after five."""

    def command(target: Target, _folder: Path) -> list[str]:
        program = str(bootstrap.venv("conformance") / "bin" / "llm-comply")
        words = [program, "--json", "--format", form, "--base-url", target.base_url, "--model", model]
        return [*words, "--header", ":".join(header)] if header else words

    return Run(f"llm-comply-{name}", what, command, outcomes.of_llm_comply, {})


def compatcanary(name: str, what: str, profile: str, model: str, *header: str) -> Run:
    def command(target: Target, _folder: Path) -> list[str]:
        program = [str(npm.node()), str(install_compatcanary())]
        words = [*program, "scan", "--base-url", target.base_url, "--model", model, "--profile", profile]
        return [*words, "--header", ": ".join(header)] if header else words

    return Run(f"compatcanary-{name}", what, command, outcomes.of_compatcanary, {})


def langchain(name: str, what: str, module: str, mode: str = "passthrough") -> Run:
    def command(_target: Target, folder: Path) -> list[str]:
        python, suite = str(bootstrap.venv("conformance") / "bin" / "python"), HERE / "langchain"
        words = [python, "-m", "pytest", "-c", str(suite / "pytest.ini"), "--rootdir", str(bootstrap.ROOT)]
        return [*words, "-v", "--tb=short", f"--junitxml={folder / 'report.xml'}", str(suite / module)]

    told = {"CONFORMANCE_MODEL": PLAIN_MODEL, "CONFORMANCE_ROUTING_MODE": mode}
    environment = told | {"LANGSMITH_TRACING": "false", "PYTHONDONTWRITEBYTECODE": "1"}
    return Run(f"langchain-{name}", what, command, outcomes.of_junit, environment, "report.xml")


def install_compatcanary() -> Path:
    """Its program.

    Raises:
        SuiteError: it could not be installed.
    """
    try:
        return npm.installed(HERE / "compatcanary", "compatcanary") / "compatcanary" / "src" / "cli.js"
    except npm.NpmError as error:
        raise SuiteError(str(error)) from None


RUNS = (
    llm_comply("chat", "chat completions, by OpenAI's schema", "openai-chat", REASONING_MODEL),
    llm_comply("chat-reasoning", "the reasoning agent's answers, likewise", "openai-chat", REASONING_MODEL, *REASONING),
    llm_comply("chat-translated", "chat completions of another provider's model", "openai-chat", TRANSLATED_MODEL),
    llm_comply("responses", "responses, by the Open Responses schema", "open-responses", REASONING_MODEL),
    llm_comply("responses-reasoning", "the same, answered by the agent", "open-responses", REASONING_MODEL, *REASONING),
    llm_comply("responses-translated", "responses of another provider's model", "open-responses", TRANSLATED_MODEL),
    llm_comply("messages", "messages, by Anthropic's schema", "anthropic", TRANSLATED_MODEL),
    llm_comply("messages-reasoning", "the same, answered by the agent", "anthropic", TRANSLATED_MODEL, *REASONING),
    llm_comply("messages-translated", "messages of another provider's model", "anthropic", PLAIN_MODEL),
    compatcanary("chat", "models and chat completions", "chat", PLAIN_MODEL),
    compatcanary("chat-reasoning", "the same, answered by the reasoning agent", "chat", PLAIN_MODEL, *REASONING),
    compatcanary("modern", "models, chat completions and responses", "modern", PLAIN_MODEL),
    compatcanary("modern-reasoning", "the same, answered by the reasoning agent", "modern", PLAIN_MODEL, *REASONING),
    compatcanary("modern-translated", "the same with another provider's model", "modern", TRANSLATED_MODEL),
    langchain("chat", "LangChain's client on chat completions", "test_chat_completions.py"),
    langchain("chat-reasoning", "the same, answered by the reasoning agent", "test_chat_completions.py", "reasoning"),
    langchain("responses", "LangChain's client on responses", "test_responses.py"),
    langchain("responses-reasoning", "the same, answered by the reasoning agent", "test_responses.py", "reasoning"),
)
