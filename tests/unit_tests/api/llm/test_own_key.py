"""The environment of this server's key: asked for once by all together, and nobody waits for it for long."""

import asyncio
import time
from typing import Any

import pytest

from api.errors import UpstreamUnreachable
from api.llm.own_key import OwnKey

TOLD: dict[str, Any] = {"info": {"metadata": {"environment": "prod"}}}


class Info:
    """Plays `/key/info`: answers after a while, or fails."""

    def __init__(self, answer: Any = TOLD, *, after: float = 0.0) -> None:
        self.answer, self.after, self.asked = answer, after, 0

    async def __call__(self) -> Any:
        self.asked += 1
        await asyncio.sleep(self.after)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_all_who_ask_at_once_share_one_asking() -> None:
    info = Info(after=0.05)
    key = OwnKey(info)
    assert await asyncio.gather(*(key.environment() for _ in range(5))) == ["prod"] * 5
    assert info.asked == 1


async def test_who_leaves_while_asking_takes_the_answer_from_nobody() -> None:
    info = Info(after=0.05)
    key = OwnKey(info)
    leaves = asyncio.create_task(key.environment())
    await asyncio.sleep(0.01)
    leaves.cancel()
    assert await key.environment() == "prod"
    assert (leaves.cancelled(), info.asked) == (True, 1)


async def test_the_answer_is_kept_though_all_who_asked_have_left() -> None:
    info = Info(after=0.05)
    key = OwnKey(info)
    leaves = asyncio.create_task(key.environment())
    await asyncio.sleep(0.01)
    leaves.cancel()
    await asyncio.sleep(0.1)
    assert await key.environment() == "prod"
    assert info.asked == 1


async def test_a_litellm_that_hangs_holds_all_calls_once_and_not_for_long() -> None:
    info = Info(after=60)
    key = OwnKey(info, waited_for=0.1)
    began = time.monotonic()
    assert await asyncio.gather(*(key.environment() for _ in range(5))) == [None] * 5
    assert await key.environment() is None
    assert (info.asked, time.monotonic() - began < 2 * 0.1) == (1, True)


async def test_a_litellm_that_is_slow_is_heard_when_nobody_waits_any_more() -> None:
    info = Info(after=0.1)
    key = OwnKey(info, waited_for=0.05)
    assert await key.environment() is None
    await asyncio.sleep(0.1)
    assert (await key.environment(), info.asked) == ("prod", 1)


async def test_a_litellm_that_never_answers_is_asked_again() -> None:
    info = Info(after=60)
    key = OwnKey(info, answer_limit=0.05)
    assert await key.environment() is None
    info.after = 0
    assert await key.environment() is None
    _let_time_pass(key)
    assert (await key.environment(), info.asked) == ("prod", 2)


async def test_a_key_without_an_environment_is_asked_for_again_only_later() -> None:
    info = Info({"info": {"metadata": {}}})
    key = OwnKey(info)
    assert [await key.environment() for _ in range(3)] == [None] * 3
    assert info.asked == 1
    info.answer = TOLD
    _let_time_pass(key)
    assert await key.environment() == "prod"


async def test_a_failure_is_tried_again_only_later() -> None:
    info = Info(UpstreamUnreachable("down"))
    key = OwnKey(info)
    assert [await key.environment() for _ in range(3)] == [None] * 3
    assert info.asked == 1
    info.answer = TOLD
    _let_time_pass(key)
    assert await key.environment() == "prod"


@pytest.mark.parametrize(
    "answer", [[], "text", None, {"info": []}, {"info": {"metadata": {"environment": 1}}}], ids=repr
)
async def test_an_answer_that_does_not_tell_is_none(answer: Any) -> None:
    assert await OwnKey(Info(answer)).environment() is None


async def test_what_was_learnt_otherwise_is_not_asked_for() -> None:
    info = Info()
    key = OwnKey(info)
    key.learn({"info": {"metadata": {"environment": "dev"}}})
    assert (await key.environment(), info.asked) == ("dev", 0)


def _let_time_pass(key: OwnKey) -> None:
    assert key._ask_again > time.monotonic()
    key._ask_again = time.monotonic()
