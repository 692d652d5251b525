"""Workers that live take in what another tells; those that do not are told apart, and hold nobody up."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from api.colleagues import Colleagues


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: a socket's has an end."""
    with TemporaryDirectory(prefix="colleagues-") as directory:
        yield Path(directory)


class Worker(Colleagues):
    def __init__(self, directory: Path, taken_in_within: float = 30) -> None:
        super().__init__(directory, taken_in_within)
        self.heard: list[str] = []
        self.hear("word", self.heard.append)


@pytest.fixture
async def three(directory: Path) -> AsyncIterator[list[Worker]]:
    workers = [Worker(directory) for _ in range(3)]
    async with AsyncExitStack() as resources:
        for worker in workers:
            await worker.open()
            resources.push_async_callback(worker.close)
        yield workers


async def test_all_others_have_taken_it_in_when_it_is_told(three: list[Worker]) -> None:
    first, second, third = three
    assert await first.tell("word", "one two") == {second.name, third.name}
    assert (first.heard, second.heard, third.heard) == ([], ["one two"], ["one two"])


async def test_a_kind_that_nobody_hears_of_is_taken_in(three: list[Worker]) -> None:
    assert len(await three[0].tell("another kind", "word")) == 2
    assert three[1].heard == []


async def test_one_that_closed_is_not_there(three: list[Worker]) -> None:
    await three[1].close()
    assert await three[0].tell("word") == {three[2].name}


async def test_one_that_died_left_its_socket_and_does_not_live(directory: Path, three: list[Worker]) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(directory / "dead.socket"))
        dead.listen()
    assert await three[0].tell("word") == {three[1].name, three[2].name}


async def test_one_that_is_busy_lives_and_is_not_waited_for(directory: Path, three: list[Worker]) -> None:
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(str(directory / "busy.socket"))
        busy.listen()
        told = await asyncio.wait_for(Worker(directory, taken_in_within=0.05).tell("word"), 30)
    assert told == {"busy", *(worker.name for worker in three)}


async def test_without_others_nobody_is_told(directory: Path) -> None:
    assert await Worker(directory).tell("word") == set()
