"""Which ports the services get, and what is said when one is taken."""

import os
import socket
from collections.abc import Iterator

import pytest

from local_stack import ports
from local_stack.ports import PortError, Ports


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_without_a_base_the_usual_ports_are_used() -> None:
    assert Ports.of(None) == Ports(8000, 4000, 6006, 4317, 5433, 4001, 4002)


def test_a_base_gives_seven_ports_in_a_row() -> None:
    assert Ports.of(9100) == Ports(9100, 9101, 9102, 9103, 9104, 9105, 9106)


@pytest.mark.parametrize("base", [0, 80, 65530, 70000])
def test_a_base_without_room_for_all_is_refused_with_the_range(base: int) -> None:
    with pytest.raises(PortError, match=rf"STACK_PORT_BASE={base}: choose a number from 1024 to 65529"):
        Ports.of(base)


def test_phoenix_has_two_ports() -> None:
    assert Ports().of_service("phoenix") == {"phoenix": 6006, "phoenix (gRPC)": 4317}


def test_a_taken_port_is_named_with_its_service_its_holder_and_the_mend(taken: int) -> None:
    with pytest.raises(PortError) as raised:
        ports.check_free(Ports(litellm=taken), ["litellm"])
    assert f"litellm: port {taken} (" in str(raised.value)
    assert f"pid {os.getpid()}" in str(raised.value)
    assert "make up STACK_PORT_BASE=" in str(raised.value)


def test_a_server_on_all_addresses_takes_the_port_too() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 - the very case
        assert not ports.is_free(int(server.getsockname()[1]))


def test_ports_of_services_that_are_not_asked_about_may_be_taken(taken: int) -> None:
    free = ports.suggested_base()
    ports.check_free(Ports(api=taken, litellm=free), ["litellm"])


def test_connections_that_linger_do_not_take_a_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = server.accept()
            accepted.close()
    assert ports.is_free(port)


def test_the_suggested_base_is_free_as_a_whole() -> None:
    base = ports.suggested_base()
    assert all(ports.is_free(base + offset) for offset in range(7))
