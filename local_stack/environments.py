"""What each service gets to know: built from named values, never the user's whole environment.

Real provider keys reach LiteLLM alone. The API gets a virtual key and its own settings; neither the master key nor a
database password.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from local_stack import bootstrap, litellm_config, litellm_database, postgres
from local_stack.instance import Instance
from local_stack.settings import PROVIDER_URLS

# Handed on to every service: a company's own certificates. Nothing that differs from one terminal to the next, or a
# second `make up` would find every service changed.
COMMON = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
# Only for services that reach out to the internet; loopback never goes through a proxy.
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
# The providers whose place the demo provider can take: they are reached where a variable says.
DEMO_PROVIDER_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY")
API_SETTINGS = (
    "API_TOKENS",
    "REQUIRE_AUTH",
    "ALLOWED_HOSTS",
    "CORS_ALLOW_ORIGINS",
    "ENABLE_TRACING",
    "ENABLE_METRICS",
    "METRICS_PUBLIC",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "PHOENIX_PROJECT_NAME",
    "MAX_REQUEST_BYTES",
    "MAX_BYTES_IN_FLIGHT",
    "REQUEST_HEADER_TIMEOUT",
    "REQUEST_BODY_TIMEOUT",
    "STREAM_KEEPALIVE_SECONDS",
    "RESUMABLE_MAX_RUNS",
    "RESUMABLE_MAX_RUNS_PER_CALLER",
    "RESUMABLE_MAX_RUN_BYTES",
    "RESUMABLE_MAX_BYTES",
    "RESUMABLE_KEEP_SECONDS",
    "WORKERS",
    "LOG_LEVEL",
)
API_SETTING_PREFIXES = ("CALLER", "HTTP_", "MCP_", "MEMORY_", "REASONING_", "ROUTING_", "TRACE_")
# A dozen spans a call fill OpenTelemetry's own queue of 2,048 within seconds, and what does not fit is dropped without a word.
# A busy Phoenix gets time to take a batch. A text of more characters than the limit is cut: a prompt stands on a span three times.
UNLOST_SPANS = {
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "65536",
    "OTEL_BSP_MAX_QUEUE_SIZE": "32768",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "256",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "60",
}
# What a call has cost is recorded after its answer. LiteLLM gives that 20 s, and then drops the record, even if it is only busy.
UNLOST_ROWS = {"LOGGING_WORKER_MAX_TIME_PER_COROUTINE": "120"}
# Whoever tries things out looks at once for what a call did and cost: spans are sent after a second instead of five, and LiteLLM
# writes its spend log after one to six seconds instead of ten to fifteen.
SPANS_SOON = {"OTEL_BSP_SCHEDULE_DELAY": "1000"}
ROWS_SOON = {"PROXY_BATCH_WRITE_AT": "1"}
# Between its attempts LiteLLM waits for half a second to eight, which a provider that fails as the tests tell it does not need.
RETRIES_SOON = {"INITIAL_RETRY_DELAY": "0.02", "MAX_RETRY_DELAY": "0.1", "JITTER": "0.02"}
DEFAULT_PROJECT = "reasoning-agent"
DEMO_KEY = "sk-demo-provider-takes-any-key"


def present(settings: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """The named settings that are not empty."""
    return {name: settings[name] for name in names if settings.get(name, "").strip()}


def common(instance: Instance, path: list[str]) -> dict[str, str]:
    base = {name: os.environ[name] for name in COMMON if name in os.environ}
    search = os.pathsep.join([*path, "/usr/local/bin", "/usr/bin", "/bin"])
    places = {"PATH": search, "HOME": str(instance.home), "TMPDIR": str(instance.temporary)}
    return {**base, **places, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


def venv_path(name: str) -> list[str]:
    return [str(bootstrap.venv(name) / "bin")]


def outward() -> dict[str, str]:
    proxies = {name: os.environ[name] for name in PROXIES if name in os.environ}
    if not proxies:
        return {}
    spared = ",".join(
        filter(None, [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), "127.0.0.1", "localhost"])
    )
    return {**proxies, "NO_PROXY": spared, "no_proxy": spared}


def project(settings: Mapping[str, str]) -> str:
    return settings.get("PHOENIX_PROJECT_NAME") or DEFAULT_PROJECT


def uses_demo_provider(instance: Instance, settings: Mapping[str, str]) -> bool:
    """Whether no model of LiteLLM's configuration has its provider's key."""
    return not present(settings, litellm_config.provider_keys(instance.litellm_config))


def providers(instance: Instance, settings: Mapping[str, str]) -> dict[str, str]:
    """The user's keys and addresses; without any key of a provider, every provider's address is the demo provider's."""
    if not uses_demo_provider(instance, settings):
        named = litellm_config.variables(instance.litellm_config)
        return present(settings, [*named, *PROVIDER_URLS]) | outward()
    demo = instance.url("demo-provider")
    urls = {"OPENAI_BASE_URL": f"{demo}/v1", "OPENAI_API_BASE": f"{demo}/v1", "OPENROUTER_API_BASE": f"{demo}/v1"}
    urls |= {"ANTHROPIC_API_BASE": demo, "ANTHROPIC_BASE_URL": demo}
    others = set(litellm_config.variables(instance.litellm_config)).difference(PROVIDER_URLS)
    return present(settings, sorted(others)) | urls | dict.fromkeys(DEMO_PROVIDER_KEYS, DEMO_KEY)


def litellm(instance: Instance, settings: Mapping[str, str]) -> dict[str, str]:
    """The tracing values are the one combination that counts tokens and cost once: docs/decisions."""
    engine = litellm_database.engine_environment(engine_folder(), node_programs())
    base = common(instance, [str(engine_folder() / "bin"), str(node_programs()), *venv_path("litellm")])
    return {
        **engine,
        **base,
        "DATABASE_URL": postgres.url(instance, settings["LITELLM_POSTGRES_PASSWORD"]),
        "LITELLM_MASTER_KEY": settings["LITELLM_MASTER_KEY"],
        "LITELLM_SALT_KEY": settings["LITELLM_SALT_KEY"],
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_OTEL_V2": "true",
        # Over gRPC, Phoenix refuses a batch of more than 4 MB, and every call's spans in it are lost.
        "OTEL_EXPORTER": "otlp_http",
        "OTEL_EXPORTER_OTLP_ENDPOINT": instance.url("phoenix"),
        "OTEL_SERVICE_NAME": "litellm",
        # Its spans join a trace that a caller began. By itself it would also trace each of its housekeeping queries.
        "OTEL_TRACES_SAMPLER": "parentbased_always_off",
        **UNLOST_SPANS,
        **UNLOST_ROWS,
        **SPANS_SOON,
        **ROWS_SOON,
        "OTEL_RESOURCE_ATTRIBUTES": f"openinference.project.name={project(settings)}",
        **traced_content({"TRACE_CONTENT": "on"} | present(settings, ["TRACE_CONTENT"])),
        **providers(instance, settings),
    }


def traced_content(settings: Mapping[str, str]) -> dict[str, str]:
    """TRACE_CONTENT in LiteLLM's words: what was said, on its spans and in its spend logs, or on neither."""
    on = settings.get("TRACE_CONTENT", "").strip() == "on"
    return {
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only" if on else "no_content",
        "STORE_PROMPTS_IN_SPEND_LOGS": "true" if on else "false",
    }


def engine_folder() -> Path:
    return bootstrap.state_root() / "prisma-engine"


def node_programs() -> Path:
    return bootstrap.venv("stack") / "bin"


def phoenix(instance: Instance, settings: Mapping[str, str]) -> dict[str, str]:
    """Without these, Phoenix tries to reach the internet."""
    return {
        **common(instance, venv_path("phoenix")),
        **present(settings, ["PHOENIX_DEFAULT_RETENTION_POLICY_DAYS"]),
        "PHOENIX_WORKING_DIR": str(instance.phoenix_data),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(instance.ports.phoenix),
        "PHOENIX_GRPC_PORT": str(instance.ports.phoenix_grpc),
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
        "PHOENIX_DISABLE_AGENT_ASSISTANT": "true",
        "PHOENIX_LOG_MIGRATIONS": "false",
    }


def api(instance: Instance, settings: Mapping[str, str], virtual_key: str) -> dict[str, str]:
    names = {*API_SETTINGS, *(name for name in settings if name.startswith(API_SETTING_PREFIXES))}
    own = present(settings, sorted(names))
    return {
        **common(instance, venv_path("app")),
        **outward(),
        **SPANS_SOON,
        **own,
        "PHOENIX_PROJECT_NAME": project(settings),
        "LLM_API_KEY": virtual_key,
        "LLM_BASE_URL": instance.url("litellm"),
        "PHOENIX_COLLECTOR_ENDPOINT": instance.url("phoenix_grpc"),
        # By this port Phoenix's client tells a gRPC endpoint from an HTTP one.
        "PHOENIX_GRPC_PORT": str(instance.ports.phoenix_grpc),
        "DEMO_TOOLS_URL": instance.url("demo-tools", "/mcp"),
    }
