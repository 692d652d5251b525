"""Where the dashboards are said to be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import respx

from operations import dashboards


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.write_text("LITELLM_PORT=4444\nLITELLM_MASTER_KEY=sk-secret\n")
    return path


@pytest.fixture
def network() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def test_the_address_has_the_port_of_the_env_file(
    file: Path, network: respx.MockRouter, capsys: pytest.CaptureFixture[str]
) -> None:
    network.get("http://127.0.0.1:4444/ui/").respond(200)
    assert dashboards.main(["litellm", "--env-file", str(file)], {}) == 0
    said = capsys.readouterr().out
    assert said.startswith("http://127.0.0.1:4444/ui/\n")
    assert f"LITELLM_MASTER_KEY in {file}" in said
    assert "sk-secret" not in said


def test_another_instance_has_its_own_ports(
    file: Path, network: respx.MockRouter, capsys: pytest.CaptureFixture[str]
) -> None:
    network.get("http://127.0.0.1:8102/").respond(200)
    assert dashboards.main(["phoenix", "--env-file", str(file)], {"STACK_PORT_BASE": "8100"}) == 0
    assert capsys.readouterr().out == "http://127.0.0.1:8102/\n"


def test_a_dashboard_that_does_not_run_is_not_offered(
    file: Path, network: respx.MockRouter, capsys: pytest.CaptureFixture[str]
) -> None:
    network.get("http://127.0.0.1:4444/ui/").respond(502)
    assert dashboards.main(["litellm", "--env-file", str(file)], {}) == 1
    assert "nothing answers at http://127.0.0.1:4444/ui/: start it with `make up`" in capsys.readouterr().err
