"""Serve the demo provider until stopped."""

import argparse
import ipaddress

from demo.provider.server import build_server


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.provider", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=4001, help="port to listen on (default: %(default)s)")
    parser.add_argument("--scripted", action="store_true", help="serve the tests' control routes; loopback only")
    options = parser.parse_args()
    if options.scripted and not is_loopback(options.host):
        parser.error(f"--scripted lets anyone who reaches {options.host} read requests: use --host 127.0.0.1 with it")
    build_server(options.host, options.port, scripted=options.scripted).run()


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


if __name__ == "__main__":
    main()
