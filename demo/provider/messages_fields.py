"""The top-level fields of Anthropic's messages API: which there are, which a beta opens, which values they take."""

from typing import Any

from demo.provider.errors import ProviderError

FIELDS = frozenset(
    {"model", "messages", "max_tokens", "cache_control", "container", "diagnostics", "inference_geo", "metadata"}
    | {"output_config", "service_tier", "speed", "stop_sequences", "stream", "system", "temperature", "thinking"}
    | {"tool_choice", "tools", "top_k", "top_p"}
)
# A field that is open only to requests with a beta whose name begins so.
BETA_FIELDS = {
    "compaction": ("compact-",),
    "context_management": ("context-management-", "compact-"),
    "fallback_credit_token": ("fallback-credit-",),
    "fallbacks": ("server-side-fallback-",),
    "mcp_servers": ("mcp-client-",),
    "output_format": ("structured-outputs-",),
    "thread": ("message-threads-",),
}
COUNTED = frozenset(
    {"model", "messages", "cache_control", "diagnostics", "output_config", "speed", "system", "thinking"}
    | {"tool_choice", "tools", "context_management", "mcp_servers", "output_format"}
)
NAMES: dict[type, str] = {
    str: "a valid string",
    int: "a valid integer",
    float: "a valid number",
    bool: "a valid boolean",
    list: "a valid list",
    dict: "a valid dictionary",
}
TYPES: dict[str, type] = {
    "model": str,
    "messages": list,
    "max_tokens": int,
    "cache_control": dict,
    "context_management": dict,
    "mcp_servers": list,
    "metadata": dict,
    "output_config": dict,
    "stop_sequences": list,
    "stream": bool,
    "temperature": float,
    "thinking": dict,
    "tool_choice": dict,
    "tools": list,
    "top_k": int,
    "top_p": float,
}
EFFORTS = ("low", "medium", "high", "xhigh", "max")
MOST_OUTPUT_TOKENS, MOST_OUTPUT_TOKENS_IN_BETA = 128_000, 300_000


def check_fields(body: dict[str, Any], betas: frozenset[str], *, counting: bool) -> None:
    """The fields by themselves. Raises ProviderError in Anthropic's words."""
    for name in ("model", "messages") if counting else ("model", "messages", "max_tokens"):
        if body.get(name) is None:
            raise ProviderError(f"{name}: Field required")
    for name in body:
        if not _is_open(name, betas, counting=counting):
            raise ProviderError(f"{name}: Extra inputs are not permitted")
    for name, kind in TYPES.items():
        if body.get(name) is not None:
            of_type(body[name], kind, name)
    _check_values(body, betas)


def of_type(value: Any, kind: type, name: str) -> Any:
    """The value; an integer is a number too, a boolean is neither."""
    fits = isinstance(value, int | float if kind is float else kind)
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise ProviderError(f"{name}: Input should be {NAMES[kind]}")
    return value


def one_of(value: Any, allowed: tuple[str, ...], name: str) -> None:
    if value not in allowed:
        listed = ", ".join(f"'{item}'" for item in allowed[:-1])
        raise ProviderError(f"{name}: Input should be {listed} or '{allowed[-1]}'")


def has_beta(betas: frozenset[str], *beginnings: str) -> bool:
    return any(beta.startswith(beginnings) for beta in betas)


def check_format(wanted: Any, name: str) -> None:
    if of_type(wanted, dict, name).get("type") != "json_schema":
        raise ProviderError(f"{name}.type: Input should be 'json_schema'")
    if wanted.get("schema") is None:
        raise ProviderError(f"{name}.schema: Field required")
    of_type(wanted["schema"], dict, f"{name}.schema")


def _is_open(name: str, betas: frozenset[str], *, counting: bool) -> bool:
    if counting and name not in COUNTED:
        return False
    return name in FIELDS or (name in BETA_FIELDS and has_beta(betas, *BETA_FIELDS[name]))


def _check_values(body: dict[str, Any], betas: frozenset[str]) -> None:
    if not body["model"]:
        raise ProviderError("model: String should have at least 1 character")
    for name in ("temperature", "top_p"):
        if body.get(name) is not None and not 0 <= body[name] <= 1:
            raise ProviderError(f"{name}: range: 0..1")
    if (body.get("top_k") or 0) < 0:
        raise ProviderError("top_k: Input should be greater than or equal to 0")
    if body.get("max_tokens") is not None:
        _check_limit(body, betas)
    _check_metadata(body.get("metadata") or {})
    _check_output_config(body.get("output_config") or {}, betas)
    for text in body.get("stop_sequences") or []:
        if not str(of_type(text, str, "stop_sequences")).strip():
            raise ProviderError("stop_sequences: each stop sequence must contain non-whitespace")
    if body.get("service_tier") is not None:
        one_of(body["service_tier"], ("auto", "standard_only"), "service_tier")


def _check_limit(body: dict[str, Any], betas: frozenset[str]) -> None:
    """0 is allowed: it fills the prompt cache and says nothing."""
    limit = body["max_tokens"]
    if limit < 0:
        raise ProviderError("max_tokens: Input should be greater than or equal to 0")
    most = MOST_OUTPUT_TOKENS_IN_BETA if has_beta(betas, "output-300k-") else MOST_OUTPUT_TOKENS
    if limit > most:
        what = "which is the maximum allowed number of output tokens for"
        raise ProviderError(f"max_tokens: {limit} > {most}, {what} {body['model']}")


def _check_metadata(metadata: dict[str, Any]) -> None:
    for name, value in metadata.items():
        if name != "user_id":
            raise ProviderError(f"metadata.{name}: Extra inputs are not permitted")
        if value is not None:
            of_type(value, str, "metadata.user_id")


def _check_output_config(config: dict[str, Any], betas: frozenset[str]) -> None:
    allowed = {"effort", "format"} | ({"task_budget"} if has_beta(betas, "task-budgets-") else set())
    for name in config:
        if name not in allowed:
            raise ProviderError(f"output_config.{name}: Extra inputs are not permitted")
    if config.get("effort") is not None:
        one_of(config["effort"], EFFORTS, "output_config.effort")
    if config.get("format") is not None:
        check_format(config["format"], "output_config.format")
