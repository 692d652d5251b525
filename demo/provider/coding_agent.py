"""What a coding agent's user asks its tools for: a file to read, a command to run, an agent to send, an answer in a form."""

import re
from collections.abc import Callable
from typing import Any

from demo.provider.prompt import ToolSpec

# Claude Code's own tools: their names are everyday words, so that only a plain request is one for them.
OWN_TOOLS = frozenset(
    [
        "Agent",
        "AskUserQuestion",
        "Bash",
        "BashOutput",
        "CronCreate",
        "CronDelete",
        "CronList",
        "Edit",
        "EnterPlanMode",
        "EnterWorktree",
        "ExitPlanMode",
        "ExitWorktree",
        "Glob",
        "Grep",
        "KillShell",
        "LS",
        "ListMcpResourcesTool",
        "MultiEdit",
        "NotebookEdit",
        "Read",
        "ReadMcpResourceTool",
        "ReportFindings",
        "ScheduleWakeup",
        "SendMessage",
        "Skill",
        "SlashCommand",
        "StructuredOutput",
        "Task",
        "TaskCreate",
        "TaskGet",
        "TaskList",
        "TaskOutput",
        "TaskStop",
        "TaskUpdate",
        "TodoWrite",
        "ToolSearch",
        "WebFetch",
        "WebSearch",
        "Workflow",
        "Write",
    ]
)
FORM_TOOL = "StructuredOutput"
QUOTES = "`'\"“”"
PATH = rf"[{QUOTES}]?(?P<path>(?:[~.\w-]*/)*[\w.-]*\w\.\w+|(?:[~.\w-]*/)+[\w.-]+|[A-Z]{{4,}})[{QUOTES}]?"
READ = re.compile(
    rf"\b(?:[Rr]ead|[Oo]pen|[Ss]how|look at|print|summari[sz]e)(?: me)?(?: the)?(?: contents? of)?(?: the)?(?: file)? {PATH}"
)
RUN = re.compile(
    rf"\b[Rr]un(?: the)?(?: shell| bash)?(?: command)?:? [`'\"“](?P<command>[^`'\"“”]+)[{QUOTES}]"
    rf"|\b[Uu]se bash to run (?P<bare>[^.?!]+)"
)
SEND = re.compile(
    r"\b(?:use|launch|start|spawn|run|ask|send|have|let)(?: a| an| the| one)?(?: general-purpose| new| explore)? "
    r"(?:sub-?agent|agent|task tool|agent tool)s?(?: to)?[ :]+(?P<prompt>.+)",
    re.IGNORECASE | re.DOTALL,
)
LONGEST_DESCRIPTION = 40
Pick = tuple[ToolSpec, dict[str, Any] | None]


def is_coding_agent(tools: list[ToolSpec]) -> bool:
    return any(tool.name in OWN_TOOLS for tool in tools)


def picks(question: str, tools: list[ToolSpec]) -> list[Pick]:
    """The tool that is plainly asked for, with its arguments, or None where they are to be found as any tool's are."""
    offered = {tool.name: tool for tool in tools if tool.name in OWN_TOOLS}
    for names, find in FINDERS:
        tool = next((offered[name] for name in names if name in offered), None)
        if tool is not None and (arguments := find(question)) is not None:
            return [(tool, _fitting(arguments, tool))]
    return [(tool, None) for name, tool in offered.items() if _is_called_for(question, name)]


def form_to_fill(tools: list[ToolSpec], calls: list[str]) -> ToolSpec | None:
    """The tool through which the final answer is given, until it was."""
    form = next((tool for tool in tools if tool.name == FORM_TOOL), None)
    return form if form is not None and FORM_TOOL not in calls else None


def _is_called_for(question: str, name: str) -> bool:
    call = rf"\b(?:use|call|invoke)(?: the| your)? {QUOTE}{name}{QUOTE}(?: tool)?\b|(?<![\w-]){name}\(|\b{name} tool\b"
    return re.search(call, question) is not None


def _reading(question: str) -> dict[str, Any] | None:
    found = READ.search(question)
    return {"file_path": found["path"]} if found else None


def _running(question: str) -> dict[str, Any] | None:
    found = RUN.search(question)
    return {"command": (found["command"] or found["bare"]).strip(), "description": "Run a command"} if found else None


def _sending(question: str) -> dict[str, Any] | None:
    found = SEND.search(question)
    if found is None:
        return None
    prompt = " ".join(found["prompt"].split())
    described = " ".join(prompt[:LONGEST_DESCRIPTION].split()[:5])
    return {"description": described, "prompt": prompt, "subagent_type": "general-purpose", "run_in_background": False}


def _fitting(arguments: dict[str, Any], tool: ToolSpec) -> dict[str, Any]:
    known = tool.parameters.get("properties") or {}
    return {name: value for name, value in arguments.items() if name in known}


QUOTE = f"[{QUOTES}]?"
FINDERS: tuple[tuple[tuple[str, ...], Callable[[str], dict[str, Any] | None]], ...] = (
    (("Agent", "Task"), _sending),
    (("Read",), _reading),
    (("Bash",), _running),
)
