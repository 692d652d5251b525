"""What supervisord is told, and what it must not be told."""

from configparser import RawConfigParser
from pathlib import Path

import pytest

from local_stack import supervision
from local_stack.instance import Instance
from local_stack.services import Service
from local_stack.supervision import SupervisionError, Supervisor


def service(instance: Instance, name: str = "api", value: str = "sk-100%;secret") -> Service:
    return Service(name, ["/bin/sleep", "60"], {"KEY": value}, instance.state, check=lambda: "")


def parsed(text: str) -> RawConfigParser:
    """As supervisord reads it, comments behind values and all."""
    parser = RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    parser.read_string(text)
    return parser


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    state = tmp_path / "100% mine"
    made = Instance(state)
    made.prepare()
    return made


def test_the_configuration_holds_no_secret(instance: Instance) -> None:
    assert "secret" not in supervision.configuration(instance, [service(instance)])


def test_a_changed_secret_changes_the_configuration(instance: Instance) -> None:
    one, two = (supervision.configuration(instance, [service(instance, value=text)]) for text in ("one", "two"))
    assert one != two


def test_a_percent_sign_and_a_space_in_the_path_survive(instance: Instance) -> None:
    sections = parsed(supervision.configuration(instance, [service(instance)]))
    command = sections["program:api"]["command"] % {}
    assert command.endswith(f"'{instance.run / 'services' / 'api.json'}'")
    assert sections["program:api"]["stdout_logfile"] % {} == str(instance.log("api"))


def test_logs_are_rotated_and_crashes_restarted(instance: Instance) -> None:
    program = parsed(supervision.configuration(instance, [service(instance)]))["program:api"]
    assert program["autorestart"] == "true"
    assert program["stdout_logfile_maxbytes"] == "10MB"
    assert int(program["stdout_logfile_backups"]) > 0


def test_what_is_written_is_the_owners_alone(instance: Instance) -> None:
    path = supervision.write_configuration(instance, [service(instance)])
    for file in (path, supervision.definition_file(instance, "api")):
        assert file.stat().st_mode & 0o777 == 0o600


def test_no_supervisord_is_told_apart_from_one_that_answers(instance: Instance) -> None:
    assert Supervisor(instance).pid() is None
    assert Supervisor(instance).states() == {}


def test_a_supervisord_that_cannot_start_says_why(instance: Instance) -> None:
    broken = instance.run / "supervisord.conf"
    broken.write_text("[supervisord]\nnodaemon=perhaps\n")
    with pytest.raises(SupervisionError, match="perhaps"):
        Supervisor(instance).start_daemon(broken)
