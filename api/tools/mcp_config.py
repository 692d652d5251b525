"""Reads config/mcp_servers.yaml: which MCP servers there are, and how to reach them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from api.config_file import ConfigFile, ConfigFileError, read, unusable
from api.tools.tool import DEFAULT_TIMEOUT

MAX_TIMEOUT = 3_600.0
# An HTTP header cannot hold blanks, line ends or anything beyond ASCII.
_TOKEN = re.compile(r"^[!-~]*$")
_NAME = r"^[A-Za-z0-9]+([_-][A-Za-z0-9]+)*$"
# What to write instead, by field; pydantic says what is wrong.
_MEND = {
    "name": "letters and digits, joined by single - or _, at most 32 characters",
    "url": "such as http://127.0.0.1:4002/mcp; a token belongs into the variable that auth_token_env names",
    "transport": "streamable_http or stdio",
    "command": "the program to start, its arguments belong into args",
    "timeout": f"seconds per call, above 0 and at most {MAX_TIMEOUT:g}",
    "allowed_tools": "a list of tool names; leave it out to allow all",
    "enabled": "true or false",
}


MCPConfigError = ConfigFileError


@dataclass(frozen=True, slots=True)
class HTTPTarget:
    """A server to reach over streamable HTTP."""

    url: str
    token: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class StdioTarget:
    """A server to start as a child; it gets `environment` beside the few harmless variables that every child gets."""

    command: str
    args: tuple[str, ...] = ()
    environment: Mapping[str, SecretStr] | None = None


@dataclass(frozen=True, slots=True)
class ServerEntry:
    """One enabled server. `timeout` is in seconds per call; `allowed_tools` None means all."""

    name: str
    target: HTTPTarget | StdioTarget
    timeout: float = DEFAULT_TIMEOUT
    allowed_tools: frozenset[str] | None = None
    trust_annotations: bool = True


def _http_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not an http:// or https:// address")
    if parts.username or parts.password:
        raise ValueError("holds a user name or password")
    return url


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=_NAME, max_length=32)]
    enabled: bool = True
    timeout: Annotated[float, Field(gt=0, le=MAX_TIMEOUT)] = DEFAULT_TIMEOUT
    allowed_tools: Annotated[list[str], Field(min_length=1)] | None = None
    trust_annotations: bool = True


class _HTTPEntry(_Entry):
    transport: Literal["streamable_http"]
    url: Annotated[str, AfterValidator(_http_url)]
    url_env: str | None = None
    auth_token_env: str | None = None


class _StdioEntry(_Entry):
    transport: Literal["stdio"]
    command: Annotated[str, Field(min_length=1)]
    args: list[str] = []
    pass_env: list[str] = []


_KINDS: dict[Any, type[_HTTPEntry | _StdioEntry]] = {"streamable_http": _HTTPEntry, "stdio": _StdioEntry}


def load_mcp_config(path: Path, environ: Mapping[str, str]) -> list[ServerEntry]:
    """The enabled servers, in the file's order. Raises MCPConfigError that lists everything that is wrong."""
    problems: list[str] = []
    file = read(path, "MCP_CONFIG_PATH")
    entries = [
        entry
        for index, raw in enumerate(_servers(file))
        if (entry := _entry(raw, _place(file, index), environ, problems)) is not None
    ]
    names = [entry.name for entry in entries]
    problems += [f"name {name!r} is used more than once; give each server its own" for name in _repeated(names)]
    if problems:
        raise unusable(path, problems)
    return entries


def _repeated(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _servers(file: ConfigFile) -> list[Any]:
    content = file.content
    servers = content.get("servers") if isinstance(content, dict) and set(content) == {"servers"} else None
    if not isinstance(servers, list):
        raise MCPConfigError(f"{file.path} must hold `servers:` and below it a list; `servers: []` means no tools")
    return servers


def _place(file: ConfigFile, index: int) -> str:
    return f"line {file.line(('servers', index))}: servers[{index}]"


def _entry(raw: Any, place: str, environ: Mapping[str, str], problems: list[str]) -> ServerEntry | None:
    if not isinstance(raw, dict):
        problems.append(f"{place} is not a mapping of fields such as name, transport and url")
        return None
    place = f"{place} ({raw['name']})" if isinstance(raw.get("name"), str) else place
    kind = _KINDS.get(str(raw.get("transport")))
    if kind is None:
        problems.append(f"{place}: transport is missing or unknown: write {_MEND['transport']}")
        return None
    try:
        entry = kind.model_validate(raw)
    except ValidationError as error:
        problems.extend(f"{place}: {_explain(kind, dict(detail))}" for detail in error.errors(include_input=False))
        return None
    return _resolved(entry, place, environ, problems) if entry.enabled else None


def _explain(kind: type[_Entry], detail: dict[str, Any]) -> str:
    field, *rest = detail["loc"]
    if detail["type"] == "extra_forbidden":
        return f"{field} is not a field of this transport: the fields are {', '.join(sorted(kind.model_fields))}"
    place = "".join([str(field), *(f"[{step}]" for step in rest)])
    mend = _MEND.get(str(field))
    return f"{place}: {detail['msg'].removeprefix('Value error, ')}{f' (write {mend})' if mend else ''}"


def _resolved(
    entry: _HTTPEntry | _StdioEntry, place: str, environ: Mapping[str, str], problems: list[str]
) -> ServerEntry | None:
    before = len(problems)
    variables = _Variables(environ, place, problems)
    target = _http(entry, variables) if isinstance(entry, _HTTPEntry) else _stdio(entry, variables)
    if len(problems) > before:
        return None
    allowed = frozenset(entry.allowed_tools) if entry.allowed_tools is not None else None
    return ServerEntry(entry.name, target, entry.timeout, allowed, entry.trust_annotations)


@dataclass(frozen=True, slots=True)
class _Variables:
    """Environment variables for one entry; what is missing is added to the problems by name."""

    environ: Mapping[str, str]
    place: str
    problems: list[str]

    def needed(self, field: str, name: str) -> SecretStr:
        value = self.environ.get(name, "").strip()
        if not value:
            self.problems.append(f"{self.place}: {field} names {name}, which is not set; set it or take the field out")
        return SecretStr(value)


def _http(entry: _HTTPEntry, variables: _Variables) -> HTTPTarget:
    url = variables.environ.get(entry.url_env or "", "").strip() or entry.url
    try:
        _http_url(url)
    except ValueError as problem:
        variables.problems.append(f"{variables.place}: url_env: {entry.url_env} {problem} (write {_MEND['url']})")
    token = variables.needed("auth_token_env", entry.auth_token_env) if entry.auth_token_env else None
    if token and not _TOKEN.match(token.get_secret_value()):
        variables.problems.append(f"{variables.place}: {entry.auth_token_env} holds characters that no token can have")
    return HTTPTarget(url, token)


def _stdio(entry: _StdioEntry, variables: _Variables) -> StdioTarget:
    passed = {name: variables.needed("pass_env", name) for name in entry.pass_env}
    return StdioTarget(entry.command, tuple(entry.args), passed)
