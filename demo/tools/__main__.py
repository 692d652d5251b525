"""`python -m demo.tools`: the server over streamable HTTP at /mcp, or over stdio."""

import argparse
import hmac
import os
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from mcp.server import MCPServer
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from demo.tools.extra import add_extra_tools, log_requests, refuse_newer_protocol
from demo.tools.server import build_server

PROJECT_ROOT = Path(__file__).resolve().parents[2]
# Clients keep a stream open to hear of changes; without a limit, stopping would wait for them to leave.
SHUTDOWN_SECONDS = 1


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m demo.tools", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=4002, help="port to listen on (default: %(default)s)")
    parser.add_argument("--stdio", action="store_true", help="talk over standard input and output instead of HTTP")
    parser.add_argument(
        "--docs-root", type=Path, default=PROJECT_ROOT, help="where README.md and docs/ are, for search_docs"
    )
    parser.add_argument("--token-env", metavar="NAME", help="ask for this environment variable's value as bearer token")
    parser.add_argument(
        "--extra", action="store_true", help="add the tools that only tests want: counter, hang, big, …"
    )
    parser.add_argument("--request-log", type=Path, metavar="FILE", help="append a line per request that arrives")
    parser.add_argument("--older-protocol", action="store_true", help="speak only the protocol before 2026-07-28")
    options = parser.parse_args(arguments)
    if options.token_env and not os.environ.get(options.token_env):
        parser.error(f"--token-env: the environment variable {options.token_env} is not set or empty")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves until stopped."""
    options = parse(arguments)
    server = build_server(options.docs_root)
    if options.extra:
        add_extra_tools(server)
    if options.older_protocol:
        refuse_newer_protocol(server)
    if options.request_log:
        log_requests(server, options.request_log)
    if options.stdio:
        server.run("stdio")
    else:
        serve_http(server, options.host, options.port, os.environ.get(options.token_env or "", ""))


def serve_http(server: MCPServer[None], host: str, port: int, token: str) -> None:
    """Streamable HTTP; /health is open to everyone, /mcp asks for the token if there is one."""
    app: ASGIApp = server.streamable_http_app(host=host)
    if token:
        app = BearerToken(app, token)
    uvicorn.run(
        app, host=host, port=port, log_level="info", access_log=False, timeout_graceful_shutdown=SHUTDOWN_SECONDS
    )


class BearerToken:
    """Answers 401 to requests for /mcp without the token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what is allowed in."""
        given = dict(scope.get("headers", ())).get(b"authorization", b"")
        if scope["type"] == "http" and scope["path"] == "/mcp" and not hmac.compare_digest(given, self._expected):
            refusal = JSONResponse({"error": "a bearer token is needed"}, 401, {"WWW-Authenticate": "Bearer"})
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)


if __name__ == "__main__":
    main()
