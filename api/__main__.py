"""`python -m api`: the server as it is run everywhere, in the local stack, in a container and in the tests."""

import argparse

import uvicorn

from api.garbage_collection import collect_at_safe_points

# Seconds that open streams may take to end when the server is told to stop; its supervisor waits a little longer.
GRACE = 10


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(
        prog="python -m api", description="Serves the API; its settings come from the environment."
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="the port to listen on (default: %(default)s)")
    arguments = parser.parse_args()
    collect_at_safe_points()
    uvicorn.run(
        "api.main:create_app",
        factory=True,
        host=arguments.host,
        port=arguments.port,
        timeout_graceful_shutdown=GRACE,
        server_header=False,
    )


if __name__ == "__main__":
    main()
