"""`python -m api`: the server as it is run everywhere, in the local stack, in a container and in the tests."""

import argparse
import sys
from typing import Any

import uvicorn

from api.callers import open_callers
from api.config import ConfigurationError, Settings, load_settings, named_variables
from api.config_file import ConfigFileError
from api.garbage_collection import collect_at_safe_points, keep_for_good
from api.llm import load_aliases
from api.loading import load
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
    parser.add_argument(
        "--workers", type=_positive, metavar="N", help="how many processes serve on the port (default: WORKERS, or 1)"
    )
    arguments = parser.parse_args()
    collect_at_safe_points()
    settings = _checked_settings()
    options = _options(arguments.host, arguments.port)
    if (workers := arguments.workers or settings.workers) > 1:
        from api.workers import supervise

        supervise(workers, options)
        return
    load()
    keep_for_good()
    uvicorn.run("api.main:create_app", factory=True, workers=1, **options)


def _options(host: str, port: int) -> dict[str, Any]:
    """How uvicorn serves, in one process or in several."""
    return {
        "host": host,
        "port": port,
        "http": "api.edge.request_head:BoundedHeadProtocol",
        "ws": "none",  # nothing here speaks WebSocket, so an offer to is ignored like any other
        "timeout_keep_alive": KEEP_ALIVE,
        "timeout_graceful_shutdown": GRACE,
        "server_header": False,
        "access_log": False,  # `api.telemetry` has one that writes many lines at a time
    }


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def _checked_settings() -> Settings:
    """The application reads all of it once more; from within, what is wrong would come with thirty lines of a traceback."""
    try:
        settings = load_settings()
        open_callers(settings, named_variables())
        open_memory_routing(settings)
        load_aliases(settings.model_aliases_path)
        load_mcp_config(settings.mcp_config_path, named_variables())
    except (ConfigurationError, ConfigFileError) as error:
        sys.exit(str(error))
    return settings


if __name__ == "__main__":
    main()
