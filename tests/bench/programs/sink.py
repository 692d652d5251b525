"""Takes spans and metrics over OTLP/gRPC and forgets them, so that tracing costs the API what it costs and nobody else much.

Prints its port once it listens.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc  # type: ignore[import-untyped]

SERVICES = ("trace.v1.TraceService", "metrics.v1.MetricsService", "logs.v1.LogsService")


def _taken(request: bytes, context: Any) -> bytes:
    return b""  # which is an empty message: all was taken


def main() -> None:
    server = grpc.server(ThreadPoolExecutor(2))
    export = {"Export": grpc.unary_unary_rpc_method_handler(_taken)}
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(f"opentelemetry.proto.collector.{name}", export) for name in SERVICES]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
