"""How the reasoning ended, as an answer's `metadata` says it, whose values are strings."""

from api.reasoning.run import Run


def how_it_ended(run: Run) -> dict[str, str]:
    return {
        "reasoning_end": run.end.value if run.end else "",
        "reasoning_steps": str(run.steps),
        "reasoning_tool_calls": str(run.tool_calls),
    }
