"""`python -m api.callers`: a file checked by hand, and a token turned into its line of it."""

import io
from pathlib import Path

import pytest

from api.callers.__main__ import main
from api.callers.callers_config import digest


def test_a_token_becomes_its_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("my-token\n"))
    assert main(["--hash"]) == 0
    assert capsys.readouterr().out == f"- sha256: {digest('my-token').hex()}\n"


@pytest.mark.parametrize("token", ["", "two words", "tökén"])
def test_what_no_header_can_carry_is_no_token(
    token: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(token))
    assert main(["--hash"]) == 1
    assert capsys.readouterr().out == ""


def test_a_good_file_is_told_with_its_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "callers.yaml"
    file.write_text(f"callers: [{{name: alice, tokens: [{{sha256: {digest('t').hex()}}}]}}]")
    assert main([str(file)]) == 0
    assert "1 tokens of 1 callers: alice" in capsys.readouterr().out


def test_a_bad_file_is_told_with_its_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "callers.yaml"
    file.write_text("callers: [{name: alice}]")
    assert main([str(file)]) == 1
    assert "line 1: callers[0].tokens: Field required" in capsys.readouterr().err
