"""A short run of `make fuzz`, always the same: nothing is found. The long one is docs/fuzzing.md."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz import bodies, sockets
from tests.fuzz.drive import Bounds
from tests.fuzz.findings import Findings
from tests.fuzz.surroundings import api_before_the_provider
from tests.support.api import RunningAPI

# So patient that a busy machine is not taken for a server that hangs.
BOUNDS = Bounds(patience=15.0, width=8)
SEED = 1


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAPI]:
    with api_before_the_provider(tmp_path_factory.mktemp("fuzz")) as api:
        yield api


@pytest.fixture
def findings(tmp_path: Path) -> Iterator[Findings]:
    """Fails the test that found something, and says what, and where its inputs are."""
    findings = Findings(tmp_path)
    yield findings
    assert findings.lines() == [], f"the smallest input of each kind is in {tmp_path}"


def test_no_bytes_on_a_socket_bring_a_5xx_a_traceback_or_keep_others_waiting(
    api: RunningAPI, findings: Findings
) -> None:
    tally = sockets.run(api, findings, BOUNDS, seed=SEED, numbers=range(400))
    assert tally.inputs == 400
    assert {"2xx", "4xx"} <= tally.answers.keys()


def test_no_body_brings_a_5xx_of_ours_a_leak_or_keeps_others_waiting(api: RunningAPI, findings: Findings) -> None:
    tally = bodies.run(api, findings, BOUNDS, seed=SEED, numbers=range(1_000))
    assert tally.inputs == 1_000
    assert {"2xx", "4xx"} <= tally.answers.keys()
