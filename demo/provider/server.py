"""The demo provider as a uvicorn server, for the command and for the tests."""

import uvicorn

from demo.provider.app import create_app
from demo.provider.connections import Connections, counting_protocol

# Longer than clients keep an idle connection, so that none is closed in the moment in which it is used again.
KEEP_ALIVE_S = 75


def build_server(host: str, port: int, *, scripted: bool) -> uvicorn.Server:
    connections = Connections()
    config = uvicorn.Config(
        create_app(connections, scripted=scripted),
        host=host,
        port=port,
        http=counting_protocol(connections),
        log_level="info",
        access_log=not scripted,
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)
