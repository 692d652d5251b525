"""Callers: whose token it is, and a file that is read again when it has changed."""

import contextlib
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from api.callers import Callers, open_callers
from api.callers.callers_config import digest
from api.config import ConfigurationError, Settings
from api.config_file import ConfigFileError
from api.context import Caller, Permission
from api.errors import Unauthenticated


class Clock:
    """Seconds, as told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class House:
    """A file of callers, the API_TOKENS beside it, and a clock."""

    def __init__(self, path: Path) -> None:
        self.path, self.clock, self._writes = path, Clock(), 0
        self.write("first", "second")
        self.callers = Callers(path, [SecretStr("unnamed")], {"SET": "of-a-variable"}, self.clock)

    def write(self, *tokens: str) -> None:
        self.put(
            "callers:" + "".join(f"\n- {{name: {t}, tokens: [{{sha256: {digest(t).hex()}}}]}}" for t in tokens or [""])
        )

    def put(self, text: str) -> None:
        """Each time of another second, whatever the file system tells apart."""
        self.path.write_text(text)
        self._writes += 1
        os.utime(self.path, (self._writes, self._writes))

    def lets_in(self, token: str, *, after: float = 1.0) -> bool:
        self.clock.now += after
        try:
            return bool(self.callers.authenticate(token))
        except Unauthenticated:
            return False


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "callers.yaml")


def test_a_named_token_brings_its_caller(house: House) -> None:
    assert house.callers.authenticate("first") == Caller("first")


def test_a_token_of_api_tokens_stays_a_fingerprint_and_may_see_tools_alone(house: House) -> None:
    caller = house.callers.authenticate("unnamed")
    assert caller == Caller(f"token-{digest('unnamed').hex()[:12]}", allowed=frozenset({Permission.TOOLS}))


@pytest.mark.parametrize("token", ["", "firs", "first ", "FIRST", "nobody's", digest("first").hex(), "tökén", "\x00"])
def test_anything_else_is_nobodys(house: House, token: str) -> None:
    with pytest.raises(Unauthenticated):
        house.callers.authenticate(token)


class Uncompared(str):
    """A text that may be compared with nothing."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        raise AssertionError(f"compared with {other!r}")


@pytest.mark.parametrize("token", ["first", "second", "unnamed", "firs", "neither"])
def test_a_token_is_looked_up_by_its_digest_and_compared_with_none(house: House, token: str) -> None:
    """So the time that it takes depends on the digest, of which nobody can make one that comes close to another."""
    with contextlib.suppress(Unauthenticated):
        house.callers.authenticate(Uncompared(token))


def test_a_token_of_a_variable_brings_its_caller(tmp_path: Path) -> None:
    path = tmp_path / "callers.yaml"
    path.write_text("callers: [{name: a, tokens: [{env: SET}]}]")
    assert Callers(path, environ={"SET": "secret"}).authenticate("secret").id == "a"


def test_a_file_that_cannot_be_used_at_the_start_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match="CALLERS_CONFIG_PATH"):
        Callers(tmp_path / "absent.yaml")


def test_a_token_that_is_taken_out_is_refused(house: House) -> None:
    house.write("second")
    assert (house.lets_in("first"), house.lets_in("second")) == (False, True)


def test_a_token_that_is_put_in_is_accepted(house: House) -> None:
    house.write("first", "second", "third")
    assert house.lets_in("third")


def test_the_file_is_looked_at_once_a_second(house: House) -> None:
    house.write("second")
    assert [house.lets_in("first", after=after) for after in (0.5, 0.4, 0.2)] == [True, True, False]


def test_a_file_that_is_replaced_by_another_is_read(house: House, tmp_path: Path) -> None:
    newer = House(tmp_path / "newer.yaml")
    newer.write("third")
    newer.path.replace(house.path)
    assert (house.lets_in("first"), house.lets_in("third")) == (False, True)


def test_api_tokens_stay_whatever_the_file_says(house: House) -> None:
    house.put("callers: []")
    assert (house.lets_in("first"), house.lets_in("unnamed")) == (False, True)


@pytest.mark.parametrize("broken", ["callers: [", "callers: [{name: x}]", ""])
def test_a_broken_file_changes_nothing_and_is_said_once(
    house: House, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    house.put(broken)
    with caplog.at_level(logging.ERROR, "api"):
        assert [house.lets_in("first") for _ in range(3)] == [True] * 3
    [record] = caplog.records
    assert "line " in record.getMessage()


def test_a_file_that_is_gone_changes_nothing(house: House) -> None:
    house.path.unlink()
    assert house.lets_in("first")


def test_a_mended_file_counts_again(house: House) -> None:
    house.put("callers: [")
    assert house.lets_in("first")
    house.write("third")
    assert (house.lets_in("first"), house.lets_in("third")) == (False, True)


def test_a_token_that_is_put_into_both_is_refused_as_a_mistake(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.write("unnamed")
    assert house.lets_in("unnamed")
    assert "is one of API_TOKENS too" in caplog.text


def _settings(path: Path, **fields: Any) -> Settings:
    return Settings(llm_api_key=SecretStr("sk-virtual"), callers_config_path=path, **fields)


def test_a_callers_token_is_enough_without_api_tokens(house: House) -> None:
    callers = open_callers(_settings(house.path), {})
    assert callers is not None
    assert callers.authenticate("first").id == "first"


def test_no_token_at_all_says_which_ways_out_there_are(house: House) -> None:
    house.put("callers: []")
    with pytest.raises(ConfigurationError, match=r"(?s)API_TOKENS.*callers\.yaml.*REQUIRE_AUTH=false"):
        open_callers(_settings(house.path), {})


def test_a_file_that_is_not_there_yet_is_read_once_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    clock, file = Clock(), Settings.model_fields["callers_config_path"].default
    callers = Callers(file, [SecretStr("unnamed")], {}, clock)
    assert callers.authenticate("unnamed").id.startswith("token-")
    file.parent.mkdir()
    file.write_text(f"callers: [{{name: first, tokens: [{{sha256: {digest('first').hex()}}}]}}]")
    clock.now += 1
    assert callers.authenticate("first").id == "first"


def test_whoever_lets_everyone_in_has_no_callers(tmp_path: Path) -> None:
    assert open_callers(_settings(tmp_path / "absent.yaml", require_auth=False), {}) is None
