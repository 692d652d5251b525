"""What to set when a server gives no access, or answers with something that is not MCP at all."""

import re
from http import HTTPStatus

import httpx2

MAX_QUOTED = 200
_PARAMETER = re.compile(r'([a-z_]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))', re.IGNORECASE)
_RIGHT = "; is the server's auth_token_env right?"
_NONE_SET = " None is set: put the token into an environment variable and name that there, in config/mcp_servers.yaml"
_PAGE = ": is the server's url right, and does it ask for a token (auth_token_env in config/mcp_servers.yaml)?"


def no_access(response: httpx2.Response) -> bool:
    """Whether the server asks who we are, or says that we may not."""
    return response.status_code in (401, 403)


def hint(request: httpx2.Request, response: httpx2.Response) -> str:
    """What to add to the status of a request that was refused. Never holds the token."""
    if not no_access(response):
        return ""
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    said = _challenge(response)
    details = [
        f"the token lacks the scope {said['scope']!r}"
        if said.get("error") == "insufficient_scope" and "scope" in said
        else "",
        f"where to get a token is written at {said['resource_metadata']}" if "resource_metadata" in said else "",
    ]
    text = "; ".join([_RIGHT if token else _RIGHT + _NONE_SET, *filter(None, details)])
    return text.replace(token, "[token]") if token else text


def _challenge(response: httpx2.Response) -> dict[str, str]:
    """The parameters of WWW-Authenticate, short and without anything that does not belong into a line of a log."""
    header = ", ".join(response.headers.get_list("www-authenticate"))[:10_000]
    found = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(header)}
    return {name: value[:MAX_QUOTED] for name, value in found.items() if value.isprintable()}


def no_answer(request: httpx2.Request, response: httpx2.Response) -> str | None:
    """Why this is no answer of an MCP server: a redirect to elsewhere, such as a login, or a web page; else None."""
    location = response.headers.get("location")
    if location and response.has_redirect_location:
        return None if _stays(request, location, response.status_code) else f", a redirect to {_short(location)}{_PAGE}"
    if response.is_success and response.headers.get("content-type", "").lower().startswith("text/html"):
        return f" with a web page{_PAGE}"
    return None


def _stays(request: httpx2.Request, location: str, status: int) -> bool:
    """Whether the client follows it: only to the same origin, and with the same method."""
    try:
        there = request.url.join(location)
    except httpx2.InvalidURL:
        return False
    here = request.url
    same_host = there.host == here.host and (there.scheme, there.port) == (here.scheme, here.port)
    upgraded = there.host == here.host and (here.scheme, there.scheme) == ("http", "https")
    return status in (307, 308) and (same_host or upgraded)


def _short(text: str) -> str:
    """Without a query, which may hold what is nobody else's business."""
    return text.split("?", 1)[0][:MAX_QUOTED] if text.isprintable() else "elsewhere"


def phrase(status: int) -> str:
    """A status in words, if it has any."""
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""
