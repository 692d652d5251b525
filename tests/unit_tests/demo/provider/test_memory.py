"""The memory service: it knows what a user told it, through whichever API, and nobody else's."""

from typing import Any

import httpx
import pytest

from demo.provider.memory import LONGEST_FACT, MOST_FACTS, MOST_USERS, Memories, stated
from demo.provider.prompt import Prompt, Turn
from tests.unit_tests.demo.provider.anthropic_wire import HEADERS
from tests.unit_tests.demo.provider.wire import requests, script

PATHS = ["/v1/chat/completions", "/v1/responses", "/v1/messages"]


async def say(http: httpx.AsyncClient, words: str, path: str = PATHS[0], **headers: str) -> httpx.Response:
    told = {"messages": [{"role": "user", "content": words}]} if path != "/v1/responses" else {"input": words}
    body: dict[str, Any] = {"model": "claude-sonnet-4-5", **told}
    if path == "/v1/messages":
        body["max_tokens"] = 200
    sent = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await http.post(path, json=body, headers=sent)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("path", PATHS)
async def test_a_user_is_remembered_on_every_api_and_no_other_is(http: httpx.AsyncClient, path: str) -> None:
    await say(http, f"My name is Ada {PATHS.index(path)}.", path, x_sm_user_id=f"ada-{path}")
    assert (
        f"Your name is Ada {PATHS.index(path)}."
        in (await say(http, "What is my name?", path, x_sm_user_id=f"ada-{path}")).text
    )
    assert "Ada" not in (await say(http, "What is my name?", path, x_sm_user_id="bob")).text
    assert "Your name" not in (await say(http, "What is my name?", path)).text


async def test_everything_told_is_recalled(http: httpx.AsyncClient) -> None:
    await say(http, "Please remember that the key is under the mat.", x_sm_user_id="eve")
    await say(http, "I live in Rome", PATHS[2], x_sm_user_id="eve")
    text = (await say(http, "What do you remember about me?", PATHS[1], x_sm_user_id="eve")).text
    assert "You told me: the key is under the mat; I live in Rome." in text
    nothing = (await say(http, "What do you remember about me?", x_sm_user_id="nobody")).text
    assert "I remember nothing about you." in nothing


async def test_two_accounts_users_of_one_name_are_two(http: httpx.AsyncClient) -> None:
    await say(http, "My name is Ada.", x_sm_user_id="u1", x_supermemory_api_key="sm-1")
    other = await say(http, "What is my name?", x_sm_user_id="u1", x_supermemory_api_key="sm-2")
    assert "You never told me your name." in other.text


async def test_answers_tell_of_the_conversation_and_the_memory(http: httpx.AsyncClient) -> None:
    answer = await say(http, "My cat is Tom.", x_sm_user_id="zoe", x_sm_conversation_id="conv-7")
    told = {name: value for name, value in answer.headers.items() if name.startswith("x-supermemory-")}
    assert told.pop("x-supermemory-tokens-processed").isdecimal()
    assert told == {
        "x-supermemory-conversation-id": "conv-7",
        "x-supermemory-context-modified": "false",
        "x-supermemory-chunks-created": "1",
        "x-supermemory-chunks-retrieved": "0",
    }
    assert (await requests(http))[-1]["headers"]["x-sm-conversation-id"] == "conv-7"
    assert not [name for name in (await say(http, "Hi")).headers if name.startswith("x-supermemory-")]


async def test_a_cookie_is_set_when_scripted(http: httpx.AsyncClient) -> None:
    await script(http, {"headers": {"set-cookie": "__cf_bm=secret; path=/; HttpOnly"}})
    assert (await say(http, "Hi", x_sm_user_id="zoe")).headers["set-cookie"].startswith("__cf_bm=")


@pytest.mark.parametrize(
    "question", ["What is my name?", "Do you remember me?", "Do you remember when it rained?", "What is a demo?"]
)
def test_a_question_states_nothing(question: str) -> None:
    assert stated(question) is None


def test_memories_are_bounded() -> None:
    memories = Memories()
    for number in range(MOST_FACTS + 1):
        _tell(memories, "one", f"remember that {number} " + "x" * LONGEST_FACT)
    facts = _tell(memories, "one", "what do you remember?")
    assert (len(facts), facts[0].startswith("1 "), max(map(len, facts))) == (MOST_FACTS, True, LONGEST_FACT)
    for number in range(MOST_USERS):
        _tell(memories, str(number), "my name is x")
    assert _tell(memories, "one", "what do you remember?") == []


def _tell(memories: Memories, user: str, words: str) -> list[str]:
    prompt = Prompt("m", [Turn("user", words)], {})
    memories.attend(httpx.Headers({"x-sm-user-id": user}), prompt)  # type: ignore[arg-type]
    return prompt.memory or []
