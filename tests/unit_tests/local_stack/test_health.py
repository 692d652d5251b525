"""Health is what the service itself says."""

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from local_stack import health
from tests.support.processes import free_port

ANSWERS = {"/well": (200, b'{"db": "connected"}'), "/half": (200, b'{"db": "none"}'), "/ill": (503, b"starting")}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = ANSWERS[self.path]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_: object) -> None:
        """The base class would write every request to standard error."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def test_a_service_that_answers_as_expected_is_well(server: str) -> None:
    assert health.http(f"{server}/well", {"db": "connected"})() == ""


def test_a_service_that_answers_something_else_is_not_well(server: str) -> None:
    assert "'db': 'none'" in health.http(f"{server}/half", {"db": "connected"})()


def test_an_error_status_is_shown_with_its_text(server: str) -> None:
    assert health.http(f"{server}/ill")().endswith("status 503: starting")


def test_a_service_that_does_not_listen_is_not_well() -> None:
    assert "refused" in health.http(f"http://127.0.0.1:{free_port()}/")()


def test_a_proxy_of_the_environment_is_not_asked(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    assert health.http(f"{server}/well")() == ""


def test_a_program_is_asked_by_its_exit_status() -> None:
    assert health.program([sys.executable, "-c", ""])() == ""
    assert "ends with 3" in health.program([sys.executable, "-c", "raise SystemExit(3)"])()
