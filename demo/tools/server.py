"""The server and its tools: names, descriptions and schemas as a model reads them."""

import asyncio
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Annotated, NoReturn

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from demo.tools import arithmetic, dates, docs_search, units

MAX_SLOW_SECONDS = 300
# Nothing here changes anything or reaches the network, so a call may be repeated without harm.
PURE = ToolAnnotations(read_only_hint=True, idempotent_hint=True, destructive_hint=False, open_world_hint=False)
INSTRUCTIONS = (
    "Offline tools: exact arithmetic, dates and time zones, unit conversion, search in this project's documentation."
)
CALCULATE = (
    "Works out arithmetic exactly: integers of any usual size, decimals and fractions without rounding errors. "
    "Knows + - * / // % ** and brackets, and abs, min, max, round, floor, ceil, sqrt, factorial, gcd, lcm. "
    "A result that no decimal can hold is given as a fraction with an approximation."
)
CONVERT = (
    "Converts between units of length, mass, time, volume, area, speed, pressure, energy, power, data or temperature."
)

Day = Annotated[str, Field(description="A date as YYYY-MM-DD, or `today` (UTC).")]


def build_server(docs_root: Path) -> MCPServer[None]:
    """The server with the tools that everyone gets; `extra.add_extra_tools` adds those for tests."""
    server: MCPServer[None] = MCPServer("demo-tools", version="1.0.0", instructions=INSTRUCTIONS, log_level="WARNING")
    _add_arithmetic(server)
    _add_dates(server)
    _add_docs(server, docs_root)
    _add_trials(server)
    _add_health(server)
    return server


def _add_arithmetic(server: MCPServer[None]) -> None:
    @server.tool(description=CALCULATE, annotations=PURE, structured_output=False)
    def calculate(
        expression: Annotated[
            str,
            Field(description="Such as `(2 + 3.5) * 4 / 7`, `2 ** 100`, `sqrt(2)`, `round(10/3, 4)`, `17 % 5`."),
        ],
    ) -> str:
        try:
            return arithmetic.show(arithmetic.calculate(expression))
        except arithmetic.ExpressionError as problem:
            _refuse(problem)

    @server.tool(description=CONVERT, annotations=PURE, structured_output=False)
    def convert_units(
        value: Annotated[float, Field(description="The number to convert.")],
        from_unit: Annotated[str, Field(description="Its unit, such as `mi`, `kg`, `fahrenheit`, `km/h`, `GiB`.")],
        to_unit: Annotated[str, Field(description="The unit to convert to, of the same quantity.")],
    ) -> str:
        try:
            result = units.convert(_exactly(value), from_unit, to_unit)
        except units.UnitError as problem:
            _refuse(problem)
        return f"{arithmetic.show(_exactly(value))} {from_unit} = {arithmetic.approximate(result)} {to_unit}"


def _exactly(value: float) -> Fraction:
    """The decimal that was written in the call, not the binary fraction nearest to it."""
    try:
        return Fraction(str(value))
    except ValueError:
        raise ToolError(f"value must be a finite number, not {value}") from None


def _add_dates(server: MCPServer[None]) -> None:
    @server.tool(annotations=PURE)
    def current_time(
        timezone: Annotated[str, Field(description="An IANA time zone, such as `Europe/Berlin`.")] = "UTC",
    ) -> dict[str, str]:
        """The date, time and weekday now in a time zone."""
        try:
            return dates.current_time(timezone)
        except dates.DateError as problem:
            _refuse(problem)

    @server.tool(annotations=PURE)
    def date_info(date: Day) -> dict[str, str | int | bool]:
        """Weekday, ISO week, day of the year, quarter, leap year and month length of a date."""
        try:
            return dates.date_info(date)
        except dates.DateError as problem:
            _refuse(problem)

    @server.tool(annotations=PURE)
    def date_difference(start: Day, end: Day) -> dict[str, str | int]:
        """How many days lie between two dates, and how many of them are Mondays to Fridays (the end is not counted)."""
        try:
            return dates.difference(start, end)
        except dates.DateError as problem:
            _refuse(problem)

    @server.tool(annotations=PURE)
    def date_add(
        date: Day, years: int = 0, months: int = 0, weeks: int = 0, days: int = 0
    ) -> dict[str, str | int | bool]:
        """The date so many years, months, weeks and days later; negative numbers go back. Ends of months are kept."""
        try:
            return dates.date_info(_iso(dates.shifted(date, years, months, weeks, days)))
        except dates.DateError as problem:
            _refuse(problem)


def _iso(day: date) -> str:
    return day.isoformat()


def _refuse(problem: ValueError) -> NoReturn:
    raise ToolError(str(problem)) from problem


def _add_docs(server: MCPServer[None], root: Path) -> None:
    @server.tool(annotations=PURE, structured_output=False)
    def search_docs(
        query: Annotated[
            str, Field(min_length=2, description="A few words, such as `virtual keys` or `routing mode header`.")
        ],
        limit: Annotated[int, Field(ge=1, le=10, description="How many passages at most.")] = 3,
    ) -> str:
        """Searches the documentation of the Reasoning Agent API and returns the passages that fit best."""
        return docs_search.show(docs_search.search(root, query, limit), query)


def _add_trials(server: MCPServer[None]) -> None:
    @server.tool(annotations=PURE, structured_output=False)
    async def slow(
        seconds: Annotated[float, Field(ge=0, le=MAX_SLOW_SECONDS, description="How long to wait.")],
    ) -> str:
        """Waits, then answers: for trying time-outs and progress out."""
        await asyncio.sleep(seconds)
        return f"waited {seconds:g} s"

    @server.tool(annotations=PURE, structured_output=False)
    def fail(message: Annotated[str, Field(description="What the error says.")] = "this tool always fails") -> str:
        """Always fails with the given message: for trying error handling out."""
        raise ToolError(message)


def _add_health(server: MCPServer[None]) -> None:
    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    # Called, not written as a decorator: the package does not say what type its decorator returns.
    server.custom_route("/health", methods=["GET"])(health)
