"""Whether a service is well, asked of the service itself."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping

import httpx

# Returns an empty string when all is well, else what is not.
Check = Callable[[], str]
TIMEOUT_SECONDS = 5.0


def http(url: str, expected: Mapping[str, str] | None = None) -> Check:
    """Well means status 200 and, in the JSON answer, the expected values. Proxies of the environment are not asked."""

    def check() -> str:
        try:
            response = httpx.get(url, timeout=TIMEOUT_SECONDS, trust_env=False)
        except httpx.HTTPError as error:
            return f"{url}: {error or type(error).__name__}"
        if response.status_code != httpx.codes.OK:
            return f"{url}: status {response.status_code}: {response.text[:300]}"
        return _unexpected(url, response, expected or {})

    return check


def _unexpected(url: str, response: httpx.Response, expected: Mapping[str, str]) -> str:
    if not expected:
        return ""
    try:
        body = response.json()
    except ValueError:
        return f"{url}: the answer is not JSON: {response.text[:300]}"
    wrong = {name: body.get(name) for name, value in expected.items() if body.get(name) != value}
    return f"{url}: {wrong}" if wrong else ""


def program(command: list[str]) -> Check:
    """Well means that the command ends with exit status 0."""

    def check() -> str:
        result = subprocess.run(command, capture_output=True, text=True)
        return "" if result.returncode == 0 else f"{command[0]} ends with {result.returncode}"

    return check
