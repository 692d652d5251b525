"""Responses are kept: continued by their id, read again, listed and deleted, and refused as OpenAI refuses them."""

from typing import Any

import httpx
import openai
import pytest

from demo.provider.endpoint import Call
from demo.provider.errors import ProviderError
from demo.provider.kept import MOST_KEPT, MOST_KEPT_CHARACTERS, Kept
from tests.unit_tests.demo.provider.wire import script

ASKED: dict[str, Any] = {"model": "gpt-4o", "input": "My name is Ada."}
TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}


async def ask(http: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await http.post("/v1/responses", json=ASKED | changes)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def refused(http: httpx.AsyncClient, **changes: Any) -> tuple[int, dict[str, Any]]:
    answer = await http.post("/v1/responses", json=ASKED | changes)
    return answer.status_code, answer.json()["error"]


def texts(items: list[dict[str, Any]]) -> list[str]:
    return [part["text"] for item in items for part in item["content"]]


async def test_a_kept_response_is_read_again_as_it_was(http: httpx.AsyncClient) -> None:
    made = await ask(http)
    assert (await http.get(f"/v1/responses/{made['id']}")).json() == made


async def test_a_streamed_response_is_kept_as_it_ended(sdk: openai.AsyncOpenAI) -> None:
    events = [event async for event in await sdk.responses.create(model="gpt-4o", input="Hello", stream=True)]
    last = events[-1]
    assert last.type == "response.completed"
    assert await sdk.responses.retrieve(last.response.id) == last.response


async def test_a_conversation_goes_on_from_a_kept_response(http: httpx.AsyncClient) -> None:
    first = await ask(http)
    second = await ask(http, input="And my age is 36.", previous_response_id=first["id"])
    third = await ask(http, input="Who am I?", previous_response_id=second["id"])
    assert third["previous_response_id"] == second["id"]
    listed = (await http.get(f"/v1/responses/{third['id']}/input_items", params={"order": "asc"})).json()
    said = [first["output"][0]["content"][0]["text"], second["output"][0]["content"][0]["text"]]
    assert texts(listed["data"]) == ["My name is Ada.", said[0], "And my age is 36.", said[1], "Who am I?"]


async def test_what_was_said_before_counts_as_input(http: httpx.AsyncClient) -> None:
    first = await ask(http)
    second = await ask(http, previous_response_id=first["id"])
    assert second["usage"]["input_tokens"] > first["usage"]["input_tokens"] + first["usage"]["output_tokens"] - 10


async def test_instructions_hold_for_one_response_alone(http: httpx.AsyncClient) -> None:
    first = await ask(http, instructions="long " * 500)
    second = await ask(http, previous_response_id=first["id"])
    assert second["usage"]["input_tokens"] < first["usage"]["input_tokens"]


async def test_a_call_is_answered_in_the_next_response(http: httpx.AsyncClient) -> None:
    first = await ask(http, input="What is the weather?", tools=[TOOL])
    [call] = first["output"]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny, 21 degrees"}
    second = await ask(http, input=[output], previous_response_id=first["id"], tools=[TOOL])
    assert "sunny, 21 degrees" in second["output"][0]["content"][0]["text"]


async def test_a_call_without_its_output_is_refused(http: httpx.AsyncClient) -> None:
    first = await ask(http, input="What is the weather?", tools=[TOOL])
    status, error = await refused(http, previous_response_id=first["id"])
    expected = f"No tool output found for function call {first['output'][0]['call_id']}."
    assert (status, error["message"], error["param"]) == (400, expected, "input")


async def test_an_output_of_no_call_is_refused(http: httpx.AsyncClient) -> None:
    first = await ask(http)
    stray = [{"type": "function_call_output", "call_id": "call_x", "output": "y"}]
    status, error = await refused(http, input=stray, previous_response_id=first["id"])
    assert (status, error["message"]) == (400, "No tool call found for function call output with call_id call_x.")


@pytest.mark.parametrize(
    ("previous", "code"),
    [("resp_unknown", "previous_response_not_found"), ("chatcmpl-1", "invalid_value"), (5, "invalid_type")],
)
async def test_an_unknown_response_is_not_gone_on_from(http: httpx.AsyncClient, previous: Any, code: str) -> None:
    status, error = await refused(http, previous_response_id=previous)
    kind = "invalid_request_error"
    assert (status, error["code"], error["param"], error["type"]) == (400, code, "previous_response_id", kind)


@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_not_to_be_stored_is_not_kept(http: httpx.AsyncClient, stream: bool) -> None:
    made = await http.post("/v1/responses", json=ASKED | {"store": False, "stream": stream})
    identifier = made.text.split('"id":"resp_')[1].partition('"')[0]
    assert (await http.get(f"/v1/responses/resp_{identifier}")).status_code == 404
    status, error = await refused(http, previous_response_id=f"resp_{identifier}")
    assert (status, error["code"]) == (400, "previous_response_not_found")


async def test_a_deleted_response_is_gone(http: httpx.AsyncClient) -> None:
    made = await ask(http)
    deleted = await http.delete(f"/v1/responses/{made['id']}")
    assert deleted.json() == {"id": made["id"], "object": "response", "deleted": True}
    again = await http.delete(f"/v1/responses/{made['id']}")
    assert (again.status_code, again.json()["error"]["message"]) == (404, f"Response with id '{made['id']}' not found.")


@pytest.mark.parametrize(
    ("method", "below"), [("GET", ""), ("DELETE", ""), ("GET", "/input_items"), ("POST", "/cancel")]
)
async def test_an_unknown_or_malformed_id_is_refused(http: httpx.AsyncClient, method: str, below: str) -> None:
    unknown = await http.request(method, f"/v1/responses/resp_unknown{below}")
    assert (unknown.status_code, unknown.json()["error"]["type"]) == (404, "invalid_request_error")
    malformed = await http.request(method, f"/v1/responses/msg_1{below}")
    assert (malformed.status_code, malformed.json()["error"]["code"]) == (400, "invalid_value")


async def test_a_finished_response_is_not_cancelled(http: httpx.AsyncClient) -> None:
    made = await ask(http)
    answer = await http.post(f"/v1/responses/{made['id']}/cancel")
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Cannot cancel a synchronous response.")


async def test_input_items_come_in_pages_the_newest_first(sdk: openai.AsyncOpenAI) -> None:
    given = [{"role": "user", "content": str(number)} for number in range(5)]
    made = await sdk.responses.create(model="gpt-4o", input=given)  # type: ignore[arg-type]
    page = await sdk.responses.input_items.list(made.id, limit=2)
    assert (page.has_more, texts([item.model_dump() for item in page.data])) == (True, ["4", "3"])
    every = [item.model_dump() async for item in sdk.responses.input_items.list(made.id, limit=2)]
    assert texts(every) == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "101"}, {"limit": "many"}, {"order": "up"}, {"after": "msg_x"}]
)
async def test_a_page_that_cannot_be_is_refused(http: httpx.AsyncClient, query: dict[str, str]) -> None:
    made = await ask(http)
    answer = await http.get(f"/v1/responses/{made['id']}/input_items", params=query)
    assert answer.status_code in {400, 404}
    assert answer.json()["error"]["param"] in query


async def test_a_scripted_answer_is_kept_like_any(http: httpx.AsyncClient) -> None:
    await script(http, {"content": "scripted"})
    made = await ask(http)
    assert texts((await http.get(f"/v1/responses/{made['id']}")).json()["output"]) == ["scripted"]


def test_only_so_many_are_kept() -> None:
    kept = Kept()
    for number in range(MOST_KEPT + 1):
        kept.keep({"id": f"resp_{number}", "output": []}, [])
    assert kept.get(_lookup("resp_1"))["id"] == "resp_1"
    with pytest.raises(ProviderError):
        kept.get(_lookup("resp_0"))


def test_only_so_much_is_kept() -> None:
    kept = Kept()
    for number in range(3):
        kept.keep({"id": f"resp_{number}", "output": ["x" * (MOST_KEPT_CHARACTERS // 2 - 100)]}, [])
    assert kept.get(_lookup("resp_2"))["id"] == "resp_2"
    with pytest.raises(ProviderError):
        kept.get(_lookup("resp_0"))


def _lookup(identifier: str) -> Call:
    return Call("", httpx.Headers(), "", None, {"response_id": identifier})  # type: ignore[arg-type]
