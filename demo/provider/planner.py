"""Which of the demo tools a question calls for, and with which arguments: a few patterns in the place of a model."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple
from zoneinfo import available_timezones


class ToolUse(NamedTuple):
    """`why` is a clause that goes on from “because”."""

    tool: str
    arguments: dict[str, Any]
    why: str


NUMBER = r"-?\d[\d,]*(?:\.\d+)?"
OPERATORS = {
    "×": "*",
    "·": "*",
    "÷": "/",
    "^": "**",
    " x ": " * ",
    " times ": " * ",
    " multiplied by ": " * ",
    " plus ": " + ",
    " minus ": " - ",
    " divided by ": " / ",
    " over ": " / ",
}
EXPRESSION = re.compile(r"\(*-?\d[\d.]*\)*(?:\s*(?:\*\*|//|[-+*/%])\s*\(*-?\d[\d.]*\)*)+")
HYPHENATED = re.compile(r"\d+(?:-\d+)+")
PHRASES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"product of ({NUMBER}) and ({NUMBER})"), "{0} * {1}"),
    (re.compile(rf"sum of ({NUMBER}) and ({NUMBER})"), "{0} + {1}"),
    (re.compile(rf"({NUMBER})\s*(?:%|percent) of ({NUMBER})"), "{0} / 100 * {1}"),
    (re.compile(rf"square root of ({NUMBER})"), "sqrt({0})"),
    (re.compile(rf"factorial of ({NUMBER})"), "factorial({0})"),
)
UNIT = r"(?:square |cubic |nautical )?[a-z°µ][a-z°µ²³/]*"
UNIT_NAMES = """
m metre metres meter meters cm centimetre centimetres centimeter centimeters mm millimetres millimeters
km kilometre kilometres kilometer kilometers inch inches ft foot feet yd yard yards mi mile miles
kg kilogram kilograms g gram grams lb lbs pound pounds oz ounce ounces t tonne tonnes stone
s second seconds min minute minutes h hour hours d day days week weeks
l litre litres liter liters ml gal gallon gallons pint pints cup cups m2 m² km2 km² ha hectare hectares acre acres mi2
m/s km/h kmh mph knot knots pa bar psi atm j kj kwh cal kcal w kw hp
byte bytes bit bits kb mb gb tb kib mib gib tib c °c celsius f °f fahrenheit k kelvin
"""
SHAPES = {f"{shape} {unit}" for shape in ("square", "cubic") for unit in ("metres", "meters", "feet", "miles")}
KNOWN_UNITS = frozenset(UNIT_NAMES.split()) | SHAPES
CONVERSIONS: tuple[tuple[re.Pattern[str], tuple[int, int, int]], ...] = (
    (re.compile(rf"({NUMBER})\s*(?:degrees? )?({UNIT}) (?:in|to|into|as) (?:degrees? )?({UNIT})"), (1, 2, 3)),
    (re.compile(rf"how many ({UNIT}) (?:are|is|in|make)(?: there in)? ({NUMBER}|an?)\s*({UNIT})"), (2, 3, 1)),
)
ISO_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
DAY_FIRST = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {MONTH},? (\d{{4}})\b")
MONTH_FIRST = re.compile(rf"\b{MONTH} (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})\b")
SPAN = re.compile(r"\b(days?|how long|how far|weeks?)\b.*\b(between|until|till|since|from|to|before|after)\b")
WEEKDAY = re.compile(r"\b(weekday|day of the week|which day|what day|week number|calendar week|leap year|day is it)\b")
CLOCK = re.compile(
    r"\b(?:what(?:'s| is)? (?:the )?(?:current )?time|what time|time is it|current time|time (?:in|now))\b"
)
PLACE = re.compile(r"\b(?:in|at) ([a-z][a-z_/ ]+?)(?: right now| now| today|[?.!,]|$)")
DOCS = re.compile(
    r"\b(documentation|docs|readme|this project|reasoning agent api|litellm|phoenix|virtual keys?|routing mode)\b"
)


def plan(question: str) -> list[ToolUse]:
    """Every tool that the question calls for, at most once each; none for a question that words alone answer."""
    text = " ".join(question.lower().split())
    return [use for find in FINDERS if (use := find(text)) is not None]


def _conversion(text: str) -> ToolUse | None:
    for pattern, (value, source, target) in CONVERSIONS:
        found = pattern.search(text)
        if found and {found[source], found[target]} <= KNOWN_UNITS:
            number = 1.0 if found[value] in {"a", "an"} else float(found[value].replace(",", ""))
            arguments = {"value": number, "from_unit": found[source], "to_unit": found[target]}
            return ToolUse("convert_units", arguments, "a conversion has to be exact")
    return None


def _arithmetic(text: str) -> ToolUse | None:
    for pattern, form in PHRASES:
        if found := pattern.search(text):
            numbers = [number.replace(",", "") for number in found.groups()]
            return ToolUse("calculate", {"expression": form.format(*numbers)}, "an exact figure has to be worked out")
    plain = ISO_DATE.sub(" ", re.sub(r"(?<=\d),(?=\d{3})", "", text))
    for word, sign in OPERATORS.items():
        plain = plain.replace(word, sign)
    expressions = [found[0] for found in EXPRESSION.finditer(plain) if _is_expression(found[0])]
    if not expressions:
        return None
    return ToolUse("calculate", {"expression": max(expressions, key=len)}, "an exact figure has to be worked out")


def _is_expression(text: str) -> bool:
    """Brackets match, and it is not a row of digits and hyphens, such as a telephone number."""
    return text.count("(") == text.count(")") and not HYPHENATED.fullmatch(text)


def _span(text: str) -> ToolUse | None:
    days = _dates(text)
    if not days or not SPAN.search(text):
        return None
    first, last = (days[0], days[1]) if len(days) > 1 else ("today", days[0])
    if len(days) == 1 and "since" in text:
        first, last = last, first
    return ToolUse("date_difference", {"start": first, "end": last}, "the days have to be counted on the calendar")


def _weekday(text: str) -> ToolUse | None:
    days = _dates(text) or (["today"] if "today" in text or "day is it" in text else [])
    if not days or not WEEKDAY.search(text) or _span(text):
        return None
    return ToolUse("date_info", {"date": days[0]}, "the calendar has to be looked up")


def _clock(text: str) -> ToolUse | None:
    if not CLOCK.search(text):
        return None
    place = PLACE.search(text)
    zone = ZONES.get(place[1].strip().replace(" ", "_").rsplit("/", 1)[-1], "UTC") if place else "UTC"
    return ToolUse("current_time", {"timezone": zone}, "I do not know the time")


def _documentation(text: str) -> ToolUse | None:
    return ToolUse("search_docs", {"query": text[:200]}, "the documentation knows") if DOCS.search(text) else None


def _dates(text: str) -> list[str]:
    """The days that the text names, in its order, as YYYY-MM-DD."""
    named = [(found.start(), found[0]) for found in ISO_DATE.finditer(text)]
    named += [(f.start(), _iso(f[3], f[2], f[1])) for f in DAY_FIRST.finditer(text)]
    named += [(f.start(), _iso(f[3], f[1], f[2])) for f in MONTH_FIRST.finditer(text)]
    return [day for _, day in sorted(named) if day]


def _iso(year: str, month: str, day: str) -> str:
    try:
        return date(int(year), MONTHS.index(month) + 1, int(day)).isoformat()
    except ValueError:
        return ""


TOOLS = frozenset(
    {"calculate", "convert_units", "date_difference", "date_info", "current_time", "search_docs"}
)  # all that are found
FINDERS: tuple[Callable[[str], ToolUse | None], ...] = (
    _arithmetic,
    _conversion,
    _span,
    _weekday,
    _clock,
    _documentation,
)
ZONES = {zone.rsplit("/", 1)[-1].lower(): zone for zone in sorted(available_timezones(), reverse=True) if "/" in zone}
