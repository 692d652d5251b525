"""The record of requests: bounded, and empty where nobody scripts."""

from demo.provider.records import MOST_RECORDS, Records


def test_only_the_last_requests_are_kept() -> None:
    records = Records(enabled=True)
    for number in range(MOST_RECORDS + 5):
        records.begin("/v1/x", {}, number, str(number), None)
    kept = records.find(None, None)
    assert (len(kept), kept[0]["body"], kept[-1]["body"]) == (MOST_RECORDS, 5, MOST_RECORDS + 4)


def test_without_scripting_nothing_is_kept() -> None:
    records = Records(enabled=False)
    records.begin("/v1/x", {"a": "b"}, {}, "{}", None)
    assert records.find(None, None) == []
