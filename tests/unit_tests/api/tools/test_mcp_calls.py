"""What the MCP client raises during a call, as the model reads it."""

from typing import Any, cast

import pytest
from mcp import Client
from mcp.client import InputRequiredRoundsExceededError

from api.tools.mcp_calls import call_tool
from api.tools.tool import ToolFailure


class Raising:
    """A client whose calls raise."""

    def __init__(self, problem: Exception) -> None:
        self._problem = problem

    async def call_tool(self, *_: Any, **__: Any) -> None:
        raise self._problem


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (
            InputRequiredRoundsExceededError(10),
            "the server asked for more input 10 times over, and was still not done: the outcome is unknown",
        ),
        (
            RuntimeError("something new"),
            "the server answered something that the protocol does not foresee; the outcome is unknown: something new",
        ),
    ],
)
async def test_what_has_nothing_to_do_with_the_output_schema_is_not_said_to_break_it(
    problem: Exception, said: str
) -> None:
    with pytest.raises(ToolFailure) as caught:
        await call_tool(cast(Client, Raising(problem)), "act", {}, 1)
    assert str(caught.value) == said
