"""Time zones and calendar arithmetic, from the tz database that comes with the `tzdata` package."""

import calendar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones


class DateError(ValueError):
    """A date or a time zone that cannot be used; the message says what would do."""


def zone(name: str) -> ZoneInfo:
    """The zone of that IANA name; the error names zones whose name holds what was asked for."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        wanted = name.strip().replace(" ", "_").lower()
        similar = sorted(known for known in available_timezones() if wanted and wanted in known.lower())[:5]
        hint = (
            f"; did you mean {', '.join(similar)}?" if similar else ", such as Europe/Berlin, America/New_York or UTC"
        )
        raise DateError(f"{name!r} is not an IANA time zone{hint}") from None


def current_time(timezone: str) -> dict[str, str]:
    """Now, in that time zone."""
    now = datetime.now(UTC).astimezone(zone(timezone))
    return {
        "timezone": timezone,
        "time": now.isoformat(timespec="seconds"),
        "weekday": f"{now:%A}",
        "abbreviation": f"{now:%Z}",
    }


def read_date(text: str) -> date:
    """A date written as YYYY-MM-DD, or today's, in UTC."""
    if text.strip().lower() == "today":
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise DateError(f"{text!r} is not a date: write YYYY-MM-DD, such as 2028-02-29, or today") from None


def date_info(text: str) -> dict[str, str | int | bool]:
    """What a calendar says about one day."""
    day = read_date(text)
    iso = day.isocalendar()
    return {
        "date": day.isoformat(),
        "weekday": f"{day:%A}",
        "iso_week": f"{iso.year}-W{iso.week:02d}",
        "day_of_year": day.timetuple().tm_yday,
        "quarter": (day.month + 2) // 3,
        "leap_year": calendar.isleap(day.year),
        "days_in_month": calendar.monthrange(day.year, day.month)[1],
    }


def shifted(text: str, years: int, months: int, weeks: int, days: int) -> date:
    """The date so much later (negative: earlier). The 31st of a shorter month becomes its last day."""
    day = read_date(text)
    try:
        index = (day.year + years) * 12 + day.month - 1 + months
        year, month = divmod(index, 12)
        last = calendar.monthrange(year, month + 1)[1]
        return date(year, month + 1, min(day.day, last)) + timedelta(weeks=weeks, days=days)
    except (OverflowError, ValueError):
        raise DateError("the result is outside the years 1 to 9999") from None


def difference(start: str, end: str) -> dict[str, str | int]:
    """Days between two dates, negative if `end` comes first, and of those the Mondays to Fridays."""
    first, last = read_date(start), read_date(end)
    return {
        "start": first.isoformat(),
        "end": last.isoformat(),
        "days": (last - first).days,
        "weekdays": _weekdays(last) - _weekdays(first),
    }


def _weekdays(day: date) -> int:
    """Mondays to Fridays before that day, counted from the calendar's first, which was a Monday."""
    weeks, rest = divmod(day.toordinal() - 1, 7)
    return weeks * 5 + min(rest, 5)
