"""The cookies of a provider behind a memory service, such as `__cf_bm`: kept for each model and each user, told to no client.

LiteLLM has one jar for all callers of an `openai/` deployment and none for others. A `cookie` among the headers that a call sends
on takes the place of either: so what a user is known by never reaches the provider with another's call.
"""

import re
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Final

MOST_JARS: Final = 10_000  # models times users; the one that was used longest ago goes first
MOST_COOKIES: Final = 20  # of one jar
LONGEST_COOKIE: Final = 4_096  # characters of name and value, as browsers have it
KEPT_FOR: Final = 3_600.0  # seconds, where the provider does not say; `__cf_bm` lasts half an hour
# LiteLLM joins several headers with commas; a date has one, too, but no name and `=` behind it.
_SEVERAL: Final = re.compile(r",\s*(?=[^\s;,=]+=)")
_PAIR: Final = re.compile(
    r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=([\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*|\"[^\"\x00-\x1f\x7f;\\]*\")"
)

Jar = dict[str, tuple[str, float]]
"""Value and the moment, by time.time(), at which it expires, by name."""


@dataclass(slots=True)
class ProviderCookies:
    """One jar for each model and user."""

    _jars: "OrderedDict[tuple[str, str], Jar]" = field(default_factory=OrderedDict)

    def header(self, model: str, user: str) -> str:
        """The `cookie` of a call; empty where there is none."""
        jar = self._jars.get((model, user))
        if jar is None:
            return ""
        now = time.time()
        return "; ".join(f"{name}={value}" for name, (value, until) in jar.items() if until > now)

    def learn(self, model: str, user: str, set_cookie: str) -> None:
        """Takes what the provider set with its answer to such a call; what is no cookie is passed over."""
        jar = self._jars.setdefault((model, user), {})
        self._jars.move_to_end((model, user))
        for one in _SEVERAL.split(set_cookie):
            pair, *attributes = (part.strip() for part in one.split(";"))
            named = _PAIR.fullmatch(pair)
            if named is None or len(pair) > LONGEST_COOKIE:
                continue
            jar.pop(named[1], None)
            if (until := _until(attributes)) > time.time():
                jar[named[1]] = (named[2], until)
        while len(jar) > MOST_COOKIES:
            del jar[next(iter(jar))]
        if len(self._jars) > MOST_JARS:
            self._jars.popitem(last=False)


def _until(attributes: list[str]) -> float:
    """When it expires: `Max-Age` counts before `Expires`."""
    said = {name.strip().lower(): value.strip() for name, _, value in (part.partition("=") for part in attributes)}
    if re.fullmatch(r"-?\d{1,10}", said.get("max-age", "")):
        return time.time() + int(said["max-age"])
    try:
        return parsedate_to_datetime(said["expires"]).timestamp()
    except (KeyError, ValueError):
        return time.time() + KEPT_FOR
