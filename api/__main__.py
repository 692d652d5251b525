"""`python -m api`: the server as it is run everywhere, in the local stack, in a container and in the tests."""

import argparse
import sys
from importlib import import_module

import uvicorn

from api.callers import open_callers
from api.config import ConfigurationError, load_settings, named_variables
from api.config_file import ConfigFileError
from api.garbage_collection import collect_at_safe_points, keep_for_good
from api.memory import open_memory_routing
from api.tools import load_mcp_config

# Seconds that open streams may take to end when the server is told to stop; its supervisor waits a little longer.
GRACE = 10
# Seconds after which an idle connection is closed. OpenAI's SDKs and httpx keep theirs for 5 s, which is uvicorn's default too:
# a request that is sent in that moment meets a connection that is closing. Longer than theirs and than most proxies' 60 s.
KEEP_ALIVE = 75


def main() -> None:
    """Serves until it is told to stop. A configuration that cannot be used ends it with the message that says why."""
    parser = argparse.ArgumentParser(
        prog="python -m api", description="Serves the API; its settings come from the environment."
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="the port to listen on (default: %(default)s)")
    arguments = parser.parse_args()
    collect_at_safe_points()
    _check_configuration()
    _load()
    keep_for_good()
    uvicorn.run(
        "api.main:create_app",
        factory=True,
        host=arguments.host,
        port=arguments.port,
        http="api.edge.request_head:BoundedHeadProtocol",
        ws="none",  # nothing here speaks WebSocket, so an offer to is ignored like any other
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
        server_header=False,
        access_log=False,  # `api.telemetry` has one that writes many lines at a time
    )


def _load() -> None:
    """All that would be imported on the way, but for the exporters of spans, which only tracing needs."""
    import_module("api.main")
    if load_settings().enable_tracing:
        import_module("api.telemetry.span_export")


def _check_configuration() -> None:
    """The application reads all of it once more; from within, what is wrong would come with thirty lines of a traceback."""
    try:
        settings = load_settings()
        open_callers(settings, named_variables())
        open_memory_routing(settings)
        load_mcp_config(settings.mcp_config_path, named_variables())
    except (ConfigurationError, ConfigFileError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
