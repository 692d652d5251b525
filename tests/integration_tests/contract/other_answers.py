"""Generated answers of the other endpoints: embeddings, responses and their events, and what a text completion is made of."""

from typing import Any

from hypothesis import strategies as st

from demo.provider.responses import ECHOED
from tests.integration_tests.contract.answers import ANNOTATION, COUNTS, NAMES, SAID, WORDS, Generated

_VECTOR = st.lists(st.floats(-1, 1), min_size=1, max_size=4) | st.sampled_from(["AAAA", "AACAPwAAAL8="])


def _embedding(index: int) -> Generated:
    return st.fixed_dictionaries({"object": st.just("embedding"), "index": st.just(index), "embedding": _VECTOR})


_vectors = st.integers(1, 3).flatmap(lambda count: st.tuples(*map(_embedding, range(count))).map(list))
EMBEDDINGS: Generated = st.fixed_dictionaries(
    {
        "object": st.just("list"),
        "data": _vectors,
        "model": st.just("text-embedding-3-small"),
        "usage": COUNTS.map(lambda count: {"prompt_tokens": count, "total_tokens": count}),
    }
)


def _cited(annotation: Any) -> dict[str, Any]:
    return {"type": "url_citation", **annotation["url_citation"]}


_citation = ANNOTATION.map(_cited)
_output_text = st.fixed_dictionaries(
    {
        "type": st.just("output_text"),
        "text": WORDS,
        "annotations": st.lists(_citation, max_size=1),
        "logprobs": st.just([]),
    }
)
_refused = st.fixed_dictionaries({"type": st.just("refusal"), "refusal": SAID})
_DONE: dict[str, st.SearchStrategy[Any]] = {"status": st.just("completed")}
_message = st.fixed_dictionaries(
    {
        "type": st.just("message"),
        "id": NAMES.map("msg_{}".format),
        "role": st.just("assistant"),
        "content": st.lists(_output_text | _refused, min_size=1, max_size=2),
        **_DONE,
    }
)
_function_call = st.fixed_dictionaries(
    {"type": st.just("function_call"), "id": NAMES, "call_id": NAMES, "name": NAMES, "arguments": WORDS, **_DONE}
)
_reasoning = st.fixed_dictionaries(
    {
        "type": st.just("reasoning"),
        "id": NAMES,
        "summary": st.lists(st.fixed_dictionaries({"type": st.just("summary_text"), "text": SAID}), max_size=2),
    }
)
ITEM: Generated = st.one_of(_message, _function_call, _reasoning)
_used = st.tuples(COUNTS, COUNTS, COUNTS, COUNTS).map(
    lambda counts: {
        "input_tokens": counts[0],
        "input_tokens_details": {"cached_tokens": counts[1]},
        "output_tokens": counts[2],
        "output_tokens_details": {"reasoning_tokens": counts[3]},
        "total_tokens": counts[0] + counts[2],
    }
)
_incomplete = st.sampled_from([{"reason": "max_output_tokens"}, {"reason": "content_filter"}])
_ended = st.just({"status": "completed", "completed_at": 1_700_000_001, "incomplete_details": None}) | _incomplete.map(
    lambda why: {"status": "incomplete", "completed_at": None, "incomplete_details": why}
)
_head = st.fixed_dictionaries(
    {
        "id": NAMES.map("resp_{}".format),
        "object": st.just("response"),
        "created_at": st.integers(1_600_000_000, 1_800_000_000),
        "background": st.just(False),  # noqa: FBT003
        "error": st.none(),
        "model": st.just("gpt-4o-2024-08-06"),
        "output": st.lists(ITEM, min_size=1, max_size=3),
        "service_tier": st.sampled_from(["default", "flex"]),
        "usage": _used,
    }
)
RESPONSE: Generated = st.tuples(_head, _ended).map(lambda parts: {**ECHOED, **parts[0], **parts[1]})


@st.composite
def response_events(draw: st.DrawFn) -> list[dict[str, Any]]:
    """The events of a streamed response: it opens, each item is added, said and done, and it ends."""
    response = draw(RESPONSE)
    opened = response | {"status": "in_progress", "output": [], "usage": None} | _NOT_ENDED
    events: list[dict[str, Any]] = [{"type": "response.created", "response": opened}]
    for place, item in enumerate(response["output"]):
        at = {"output_index": place}
        events += [{"type": "response.output_item.added", **at, "item": item}]
        events += [{**said, **at, "item_id": item["id"]} for said in draw(st.lists(_SAID, max_size=3))]
        events += [{"type": "response.output_item.done", **at, "item": item}]
    events += [{"type": f"response.{response['status']}", "response": response}]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


_NOT_ENDED = {"completed_at": None, "incomplete_details": None}
_SAID: Generated = st.one_of(
    *(
        st.fixed_dictionaries({"type": st.just(f"response.{kind}.delta"), "delta": SAID, **place})
        for kind, place in (
            ("output_text", {"content_index": st.just(0), "logprobs": st.just([])}),
            ("refusal", {"content_index": st.just(0)}),
            ("function_call_arguments", {}),
            ("reasoning_summary_text", {"summary_index": st.just(0)}),
        )
    )
)
