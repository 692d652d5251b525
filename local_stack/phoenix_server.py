"""Phoenix with its gRPC collector on loopback only: Phoenix itself opens that port to the network, whatever its host.

Runs in Phoenix's own environment, as ``python -m local_stack.phoenix_server serve``.
"""

from __future__ import annotations

import sys
from typing import Any

from api.garbage_collection import collect_at_safe_points

EVERYWHERE, LOOPBACK = "[::]", "127.0.0.1"


def keep_grpc_on_loopback() -> None:
    import grpc  # type: ignore[import-untyped]

    open_server = grpc.aio.server

    def server(*arguments: Any, **options: Any) -> Any:
        opened = open_server(*arguments, **options)
        add_port = opened.add_insecure_port
        opened.add_insecure_port = lambda address: add_port(address.replace(EVERYWHERE, LOOPBACK))
        return opened

    grpc.aio.server = server


def main() -> None:
    collect_at_safe_points()
    # The checkout's folder was needed to find this module, and holds names that Phoenix must not take for its own.
    sys.path.pop(0)
    keep_grpc_on_loopback()
    from phoenix.server.main import main as phoenix  # type: ignore[import-untyped]

    sys.argv[0] = "phoenix"
    phoenix()


if __name__ == "__main__":
    main()
