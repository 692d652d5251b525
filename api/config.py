"""Settings: the only reader of the environment."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self, TypedDict
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from api.protocol import RoutingMode

_FITS_A_HEADER = re.compile(r"[!-~]+")
_HOST = re.compile(r"\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|[0-9a-f:.]+")
_ORIGIN = re.compile(r"\*|https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d+)?")
# Without these the server has no named callers, no memory and no aliases.
CALLERS_FILE, MEMORY_ROUTING_FILE, MODEL_ALIASES_FILE = (
    Path("config", name) for name in ("callers.yaml", "memory_routing.yaml", "model_aliases.yaml")
)
# Below the 60 s of silence after which most proxies cut a connection.
STREAM_KEEPALIVE = 15.0  # seconds


class ConfigurationError(RuntimeError):
    """A setting without which the server cannot work; the message names it and the mend."""


class BodyLimits(TypedDict):
    """`limit` in bytes, `within` in seconds."""

    limit: int
    within: float


class Settings(BaseSettings):
    """What the process is told by its environment. Times are seconds, sizes bytes."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    llm_api_key: SecretStr = SecretStr("")
    llm_base_url: str = "http://litellm:4000"

    api_tokens: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    require_auth: bool = True
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    cors_allow_origins: Annotated[tuple[str, ...], NoDecode] = ()
    max_request_bytes: int = Field(default=32 * 1024 * 1024, gt=0)
    max_bytes_in_flight: int = Field(default=96 * 1024 * 1024, gt=0)
    request_header_timeout: float = Field(default=30.0, gt=0)
    request_body_timeout: float = Field(default=120.0, gt=0)
    stream_keepalive_seconds: float = Field(default=STREAM_KEEPALIVE, gt=0)

    http_connect_timeout: float = Field(default=5.0, gt=0)
    http_read_timeout: float = Field(default=600.0, gt=0)
    http_write_timeout: float = Field(default=30.0, gt=0)
    http_max_connections: int = Field(default=1000, gt=0)
    # With fewer than there are calls at a time, each of the others opens a connection of its own: at 512 calls and 100 kept
    # connections that was a quarter of a call's CPU, and on a busy machine some were not open within HTTP_CONNECT_TIMEOUT.
    http_max_keepalive_connections: int = Field(default=1000, ge=0)
    # Below the 5 s after which LiteLLM closes an idle connection: a request sent on a closing one would be lost.
    http_keepalive_expiry: float = Field(default=4.0, gt=0)

    workers: int = Field(default=1, gt=0)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    enable_tracing: bool = False
    phoenix_project_name: str = "reasoning-agent"
    phoenix_collector_endpoint: str = "http://phoenix:4317"

    trace_content: Literal["on", "off"] = "on"

    enable_metrics: bool = True
    metrics_public: bool = False
    otel_exporter_otlp_metrics_endpoint: str | None = None

    routing_default_mode: RoutingMode = RoutingMode.PASSTHROUGH
    list_reasoning_models: bool = True
    routing_classifier_model: str = "gpt-4o-mini"
    routing_classifier_temperature: float = Field(default=0.0, ge=0, le=2)
    routing_classifier_timeout: float = Field(default=1.0, gt=0)

    reasoning_max_steps: int = Field(default=20, gt=0)
    reasoning_max_seconds: float = Field(default=300.0, gt=0)
    reasoning_max_tokens: int | None = Field(default=None, gt=0)
    reasoning_max_cost: float | None = Field(default=None, gt=0)  # dollars
    reasoning_max_step_tokens: int = Field(default=4096, gt=0)

    resumable_max_runs: int = Field(default=200, gt=0)
    resumable_max_runs_per_caller: int = Field(default=100, gt=0)
    resumable_max_run_bytes: int = Field(default=1024 * 1024, gt=0)
    resumable_max_bytes: int = Field(default=64 * 1024 * 1024, gt=0)
    resumable_keep_seconds: float = Field(default=600.0, gt=0)

    mcp_config_path: Path = Path("config/mcp_servers.yaml")
    callers_config_path: Path = CALLERS_FILE
    memory_routing_config_path: Path = MEMORY_ROUTING_FILE
    model_aliases_path: Path = MODEL_ALIASES_FILE

    @field_validator("llm_api_key", mode="before")
    @classmethod
    def _strip_key(cls, value: object) -> object:
        return value.strip() if isinstance(value, str) else value

    @field_validator("api_tokens", mode="before")
    @classmethod
    def _split_tokens(cls, value: object) -> object:
        return tuple(token.strip() for token in value.split(",") if token.strip()) if isinstance(value, str) else value

    @field_validator("api_tokens")
    @classmethod
    def _fit_a_header(cls, tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not all(_FITS_A_HEADER.fullmatch(token.get_secret_value()) for token in tokens):
            raise ValueError("a token holds what no HTTP header can carry; use visible ASCII characters without spaces")
        return tokens

    @field_validator("allowed_hosts", "cors_allow_origins", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(name.strip().lower().rstrip("/") for name in value.split(",") if name.strip())

    @field_validator("allowed_hosts")
    @classmethod
    def _are_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(_HOST.fullmatch, hosts)):
            raise ValueError("a host is a name such as api.example.com, *.example.com or *, without scheme and port")
        return hosts

    @field_validator("cors_allow_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(_ORIGIN.fullmatch, origins)):
            raise ValueError(
                "an origin is scheme, host and port, such as https://chat.example.com, or *, without a path"
            )
        return origins

    @field_validator("llm_base_url", "phoenix_collector_endpoint", "otel_exporter_otlp_metrics_endpoint")
    @classmethod
    def _is_http_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        url = urlsplit(value)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError("must be a URL such as http://127.0.0.1:4000")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if not self.llm_api_key.get_secret_value():
            raise ConfigurationError(
                "LLM_API_KEY is empty: the API needs a LiteLLM virtual key. Run `make litellm_setup` to mint one."
            )
        return self

    @property
    def body_limits(self) -> BodyLimits:
        """How large a request's body may be, and how long it may take to arrive."""
        return {"limit": self.max_request_bytes, "within": self.request_body_timeout}

    @property
    def openai_base_url(self) -> str:
        """LiteLLM's OpenAI-compatible base URL; LLM_BASE_URL may be given with or without its `/v1`."""
        return self.llm_base_url if self.llm_base_url.endswith("/v1") else f"{self.llm_base_url}/v1"


def load_settings() -> Settings:
    """Reads the environment once.

    Raises:
        ConfigurationError: naming every variable that cannot be used, and why; never its value, which may be a secret.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in error.errors(include_input=False)
        ]
        raise ConfigurationError("These settings cannot be used. " + "; ".join(faults)) from None


def is_done_without(file: Path) -> bool:
    """Whether a file is not there that nobody has named, and that is not needed."""
    return file in (CALLERS_FILE, MEMORY_ROUTING_FILE, MODEL_ALIASES_FILE) and not file.exists()


def named_variables() -> Mapping[str, str]:
    """The environment, for configuration files that name a variable of it, such as an MCP server's token."""
    return os.environ
