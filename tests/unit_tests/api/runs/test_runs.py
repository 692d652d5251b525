"""Runs: every event once and in order, for their caller alone, within bounds, and nothing left of them."""

import asyncio

import pytest

from api.errors import RunEventsGone, RunNotFound, TooManyRuns
from api.runs import Bounds, Run, RunReader, Runs, numbered
from tests.unit_tests.api.runs.played_source import (
    FAILED,
    A,
    B,
    CountingMetrics,
    PlayedSource,
    begun,
    event,
    runs_within,
    settled,
)


async def _read(run: Run, first: int = 0) -> bytes:
    reader = RunReader(run, first)
    told = b"".join([block async for block in reader.events()])
    await reader.aclose()
    return told


def _all(numbers: range) -> bytes:
    return b"".join(numbered(event(number), number) for number in numbers)


async def test_events_that_came_together_have_a_number_each() -> None:
    runs, source = runs_within(), PlayedSource()
    source.tell(event(0) + event(1), event(2), None)
    run = begun(runs, source)
    assert await _read(run) == _all(range(3))
    assert run.told() == {
        "id": run.name,
        "object": "reasoning.run",
        "status": "completed",
        "first_event": 0,
        "last_event": 2,
    }


async def test_a_reader_that_leaves_is_nothing_to_the_run_and_comes_back_where_it_was() -> None:
    runs, source = runs_within(), PlayedSource()
    run = begun(runs, source)
    reader = RunReader(run)
    events = reader.events()
    source.tell(event(0))
    assert await anext(events) == _all(range(1))
    await events.aclose()
    await reader.aclose()
    source.tell(event(1), event(2), None)
    await settled()
    assert source.closed
    assert await _read(run, first=1) == _all(range(1, 3))


async def test_two_readers_are_told_the_same() -> None:
    runs, source = runs_within(), PlayedSource()
    run = begun(runs, source)
    both = asyncio.gather(_read(run), _read(run))
    source.tell(*(event(number) for number in range(9)), None)
    assert list(await both) == [_all(range(9))] * 2


async def test_a_failure_is_told_to_every_reader() -> None:
    runs, source = runs_within(), PlayedSource()
    source.tell(event(0), ValueError())
    run = begun(runs, source)
    told = _all(range(1)) + numbered(FAILED, 1)
    assert [await _read(run), await _read(run), run.status] == [told, told, "failed"]


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_cancelled_run_ends_what_it_stands_on(at_once: bool) -> None:
    runs, source = runs_within(), PlayedSource()
    run = begun(runs, source)
    if not at_once:
        await settled()
    await run.cancel()
    assert source.closed
    assert (run.status, await _read(run)) == ("cancelled", numbered(FAILED, 0))


async def test_a_run_is_its_callers_alone_and_anothers_is_as_if_it_was_not_there() -> None:
    runs, source = runs_within(), PlayedSource()
    run = begun(runs, source)
    assert runs.find(run.name, A) is run
    with pytest.raises(RunNotFound) as anothers:
        runs.find(run.name, B)
    with pytest.raises(RunNotFound) as nobodys:
        runs.find("run_x", B)
    assert anothers.value.message.replace(run.name, "run_x") == nobodys.value.message
    await runs.close()


async def test_a_run_that_tells_a_response_is_found_by_its_id() -> None:
    runs, source, chat = runs_within(), PlayedSource(), PlayedSource()
    run = begun(runs, source)
    begun(runs, chat)
    source.tell(b'event: response.created\ndata: {"response":{"id":"resp_1"}}\n\n')
    chat.tell(event(0))
    await settled()
    assert runs.telling("resp_1", A) is run
    assert runs.telling("resp_1", B) is None
    await runs.close()


async def test_a_forgotten_run_tells_its_readers_its_end_and_holds_nothing() -> None:
    metrics = CountingMetrics()
    runs, source = runs_within(metrics), PlayedSource()
    run = begun(runs, source)
    reading = asyncio.create_task(_read(run))
    source.tell(event(0))
    await settled()
    await runs.forget(run)
    assert await reading == _all(range(1)) + numbered(FAILED, 1)
    assert (metrics.runs, metrics.bytes, runs.bytes) == (0, 0, 0)
    with pytest.raises(RunNotFound):
        runs.find(run.name, A)


async def test_without_a_reader_the_oldest_events_go_and_who_comes_for_them_is_told_so() -> None:
    runs, source = runs_within(bytes_of_a_run=200), PlayedSource()
    run = begun(runs, source)
    source.tell(*(event(number) for number in range(50)), None)
    await settled()
    first = run.journal.first
    assert (run.status, run.journal.bytes < 250, first > 0) == ("completed", True, True)
    with pytest.raises(RunEventsGone, match=str(first)):
        RunReader(run, first - 1)
    assert await _read(run, first) == _all(range(first, 50))


async def test_a_run_waits_for_a_slow_reader_and_for_its_leaving() -> None:
    runs, source = runs_within(bytes_of_a_run=200), PlayedSource()
    run = begun(runs, source)
    reader = RunReader(run)
    source.tell(*(event(number) for number in range(50)), None)
    await settled()
    assert (run.status, run.journal.first, run.journal.bytes < 250) == ("in_progress", 0, True)
    told = b"".join([block async for block in reader.events()])
    assert told == _all(range(50))
    await reader.aclose()


async def test_a_reader_that_leaves_for_good_holds_the_run_no_longer() -> None:
    runs, source = runs_within(bytes_of_a_run=200), PlayedSource()
    run = begun(runs, source)
    reader = RunReader(run)
    source.tell(*(event(number) for number in range(50)), None)
    await settled()
    await reader.aclose()
    await settled()
    assert run.status == "completed"


async def test_all_together_hold_no_more_than_they_may_and_those_that_have_ended_go_first() -> None:
    runs = runs_within(bytes=1000)
    ended, source = PlayedSource(), PlayedSource()
    ended.tell(*(event(number) for number in range(30)), None)
    old, run = begun(runs, ended), begun(runs, source)
    await settled()
    source.tell(*(event(number) for number in range(30)), None)
    await settled()
    assert runs.bytes < 1050
    assert await _read(run) == _all(range(30))
    with pytest.raises(RunNotFound):
        runs.find(old.name, A)


@pytest.mark.parametrize("bounds", [{"runs_of_a_caller": 2}, {"runs": 2}])
async def test_beyond_the_number_none_begins_until_one_has_ended(bounds: dict[str, int]) -> None:
    runs, sources = Runs(Bounds(**bounds), CountingMetrics()), [PlayedSource(), PlayedSource()]
    first, _ = (begun(runs, source) for source in sources)
    with pytest.raises(TooManyRuns):
        runs.place(A)
    sources[0].tell(None)
    await settled()
    with runs.place(A):
        pass
    with pytest.raises(RunNotFound):
        runs.find(first.name, A)
    await runs.close()


async def test_a_place_that_is_not_used_is_free_again() -> None:
    runs = runs_within(runs=1)
    for _ in range(3):
        with runs.place(A), pytest.raises(TooManyRuns):
            runs.place(B)


async def test_one_caller_takes_no_room_from_another() -> None:
    runs = runs_within(runs_of_a_caller=1)
    begun(runs, PlayedSource())
    with runs.place(B):
        pass
    await runs.close()


async def test_a_run_is_forgotten_when_its_time_is_up() -> None:
    runs, source = runs_within(keep_seconds=0.001), PlayedSource()
    run = begun(runs, source)
    source.tell(event(0), None)
    await settled()
    await asyncio.sleep(0.01)  # its time has been up by then, and no machine is so slow that it is not
    with pytest.raises(RunNotFound):
        runs.find(run.name, A)
    assert runs.bytes == 0


async def test_closing_ends_all() -> None:
    metrics = CountingMetrics()
    runs, sources = Runs(Bounds(), metrics), [PlayedSource() for _ in range(5)]
    for source in sources:
        begun(runs, source)
    await runs.close()
    assert all(source.closed for source in sources)
    assert (metrics.runs, metrics.bytes) == (0, 0)


async def test_several_processes_are_named_where_a_run_is_not_found() -> None:
    with pytest.raises(RunNotFound, match="WORKERS"):
        Runs(Bounds(), CountingMetrics(), several=True).find("run_x", A)


def test_the_first_reader_is_told_by_what_to_return() -> None:
    async def headers() -> dict[str, str]:
        runs = runs_within()
        run = begun(runs, PlayedSource())
        told = dict(RunReader(run).headers)
        await runs.close()
        return {**told, "x-reasoning-run-id": str(told["x-reasoning-run-id"] == run.name)}

    assert asyncio.run(headers()) == {"x-trace-id": "t", "x-reasoning-run-id": "True"}
