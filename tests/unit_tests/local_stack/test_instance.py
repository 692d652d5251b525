"""Where an instance keeps its state, and how later commands find it again."""

import os
from pathlib import Path

import pytest

from local_stack import bootstrap
from local_stack.instance import Instance, InstanceError, private_folder, resolve
from local_stack.ports import PortError

INSTANCES = bootstrap.ROOT / ".stack" / "instances"


def test_the_usual_instance_has_the_usual_ports_and_the_checkouts_env_file() -> None:
    instance = resolve(None, None, {})
    assert instance == Instance(INSTANCES / "default", None)
    assert instance.env_file == bootstrap.ROOT / ".env"
    assert instance.url("api", "/v1") == "http://127.0.0.1:8000/v1"


def test_a_port_base_means_an_instance_of_its_own_with_an_env_file_of_its_own() -> None:
    instance = resolve(None, None, {"STACK_PORT_BASE": " 9100 "})
    assert instance == Instance(INSTANCES / "9100", 9100)
    assert instance.env_file == INSTANCES / "9100" / ".env"
    assert instance.url("demo-tools", "/mcp") == "http://127.0.0.1:9106/mcp"


def test_the_option_wins_over_the_environment() -> None:
    assert resolve(None, "9200", {"STACK_PORT_BASE": "9100"}).port_base == 9200


def test_an_empty_port_base_is_none() -> None:
    assert resolve(None, None, {"STACK_PORT_BASE": ""}).port_base is None


def test_a_port_base_that_is_no_number_is_named() -> None:
    with pytest.raises(PortError, match="STACK_PORT_BASE='many' is not a number"):
        resolve(None, None, {"STACK_PORT_BASE": "many"})


def test_a_state_folder_remembers_its_port_base(tmp_path: Path) -> None:
    started = Instance(tmp_path, 9300)
    started.prepare()
    started.record()
    assert resolve(str(tmp_path), None, {}) == started


def test_a_path_that_supervisord_would_cut_short_is_refused() -> None:
    with pytest.raises(InstanceError, match="supervisord cannot read"):
        resolve("/somewhere/a #b", None, {})


def test_what_an_instance_holds_is_closed_to_others_except_for_passing_through(tmp_path: Path) -> None:
    instance = Instance(tmp_path / "state")
    instance.prepare()
    assert instance.state.stat().st_mode & 0o777 == 0o711
    for folder in (instance.logs, instance.run, instance.home, instance.phoenix_data):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_the_control_socket_of_a_deep_checkout_moves_to_a_short_private_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = Instance(tmp_path / ("d" * 100))
    socket = deep.socket()
    assert len(os.fsencode(socket)) < 108
    assert not socket.is_relative_to(tmp_path / ("d" * 100))
    assert socket.parent.stat().st_mode & 0o777 == 0o700
    socket.parent.rmdir()


def test_a_folder_that_others_may_write_to_is_not_used_for_the_socket(tmp_path: Path) -> None:
    open_folder = tmp_path / "open"
    open_folder.mkdir()
    open_folder.chmod(0o777)
    with pytest.raises(InstanceError, match="not a folder of yours with mode 0700"):
        private_folder(open_folder)


def test_a_link_is_not_used_for_the_socket(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(InstanceError, match="not a folder of yours"):
        private_folder(tmp_path / "link")
