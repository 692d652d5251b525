"""`make usage`: what a row of LiteLLM's spend log counts as, and how rows are summed and shown."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import respx

from operations import usage
from operations.spend_rows import SpendRow
from operations.usage_report import DIMENSIONS, as_csv, as_json, as_table, percentile, summed

URL = "http://127.0.0.1:4999"
KEYS = {"keys": [{"token": "hash", "metadata": {"environment": "test"}}], "total_pages": 1}


def _fields(number: int = 0, **changed: Any) -> dict[str, Any]:
    said = {"component": "passthrough", "operation": "chat", "environment": "forged", "session_id": "s-1"}
    metadata = {"spend_logs_metadata": said, "usage_object": {"total_tokens": 5}, "user_api_key_alias": "litellm-test"}
    return {
        "request_id": f"id-{number}",
        "startTime": "2026-11-21T02:00:00.000+00:00",
        "api_key": "hash",
        "model_group": "gpt-4o",
        "status": "success",
        "spend": 0.25,
        "prompt_tokens": 3,
        "completion_tokens": 2,
        "request_duration_ms": 100 * number,
        "metadata": metadata,
    } | changed


def _rows(*fields: dict[str, Any]) -> list[SpendRow]:
    return [SpendRow.of(each, {"hash": "test"}) for each in fields]


def test_the_keys_environment_outranks_what_the_call_says() -> None:
    assert _rows(_fields())[0].environment == "test"


def test_a_guess_of_a_failed_calls_prompt_is_no_use() -> None:
    [row] = _rows(_fields(status="failure", prompt_tokens=27, metadata={"usage_object": {}}))
    assert (row.failed, row.tokens) == (True, 0)


def test_what_a_failed_stream_had_used_counts() -> None:
    [row] = _rows(_fields(status="failure", metadata={"usage_object": {"total_tokens": 5}}))
    assert row.tokens == 5


def test_a_call_whose_client_left_is_cut() -> None:
    assert _rows(_fields(metadata={"error_information": {"error_code": "499"}}))[0].cut


def test_the_tags_say_what_a_failed_response_lost() -> None:
    tags = ["component:passthrough", "operation:response", "environment:test", "routing_path:passthrough", "mine"]
    [row] = _rows(_fields(metadata={"spend_logs_metadata": None}, request_tags=tags, api_key="another"))
    assert (row.component, row.operation, row.environment) == ("passthrough", "response", "test")


def test_a_caller_stays_who_it_is_whatever_user_it_names() -> None:
    said = {"spend_logs_metadata": {"caller": "token-1"}}
    report = summed(_rows(_fields(end_user="token-2", metadata=said)), ["caller", "end_user"])
    assert [key for key, _ in report.groups] == [("token-1", "token-2")]


def test_a_callers_name_stands_where_its_fingerprint_would() -> None:
    said = {"spend_logs_metadata": {"caller": "chat-page", "memory_user": "webui-7"}}
    report = summed(_rows(_fields(metadata=said)), ["caller", "memory_user"])
    assert [key for key, _ in report.groups] == [("chat-page", "webui-7")]


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 7}}, 7),
        ({"input_tokens_details": {"cached_tokens": 7}}, 7),
        ({"cache_read_input_tokens": 7}, 7),
        ({"cache_read_input_tokens": 7, "prompt_tokens_details": {"cached_tokens": 7}}, 7),
        ({"cache_read_input_tokens": 0, "prompt_tokens_details": {"cached_tokens": 7}}, 7),
        ({"cache_read_input_tokens": None, "prompt_tokens_details": None}, 0),
        ({"cache_read_input_tokens": True, "prompt_tokens_details": {"cached_tokens": "7"}}, 0),
        ({}, 0),
        ("words", 0),
        (None, 0),
    ],
)
def test_what_was_read_from_a_cache_is_counted_once_in_whatever_words(usage: Any, read: int) -> None:
    [row] = _rows(_fields(metadata={"usage_object": usage}))
    assert row.cache_read_tokens == read


def test_groups_come_with_their_sums_and_the_dearest_first() -> None:
    report = summed(_rows(_fields(1), _fields(2, model_group="dear", spend=9)), ["model"])
    assert [(key, sums.numbers()["cost"]) for key, sums in report.groups] == [(("dear",), 9), (("gpt-4o",), 0.25)]


def test_a_percentile_is_a_measured_value() -> None:
    values = [float(value) for value in range(1, 101)]
    assert (percentile(values, 50), percentile(values, 95), percentile([7.0], 95), percentile([], 50)) == (50, 95, 7, 0)


def test_json_and_csv_say_the_same() -> None:
    report = summed(_rows(_fields(1), _fields(2)), ["component", "session"])
    [group] = json.loads(as_json(report))["groups"]
    [line] = csv.DictReader(io.StringIO(as_csv(report)))
    assert {name: str(value) for name, value in group.items()} == line


def test_a_cell_that_looks_like_a_formula_is_text() -> None:
    fields = _fields(metadata={"spend_logs_metadata": {"session_id": "=cmd()"}})
    assert "'=cmd()" in as_csv(summed(_rows(fields), ["session"]))


def test_the_tables_last_line_is_the_total() -> None:
    assert as_table(summed(_rows(_fields(1), _fields(2)), ["component"])).splitlines()[-1].split()[:2] == ["total", "2"]


def test_every_page_is_read_and_no_row_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pages = [[_fields(number) for number in range(500)], [_fields(499), _fields(500)]]
    with respx.mock(base_url=URL) as litellm:
        litellm.get("/key/list").respond(json=KEYS)
        litellm.get("/spend/logs/v2", params={"page": 1}).respond(json={"data": pages[0]})
        litellm.get("/spend/logs/v2", params={"page": 2}).respond(json={"data": pages[1]})
        assert usage.main(["--format", "json", *_options(tmp_path)], {"LITELLM_MASTER_KEY": "sk-master"}) == 0
    assert json.loads(capsys.readouterr().out)["total"]["calls"] == 501


def test_no_calls_are_a_report_of_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with respx.mock(base_url=URL) as litellm:
        litellm.get("/spend/logs/v2").respond(json={"data": []})
        assert usage.main(["--format", "json", *_options(tmp_path)], {"LITELLM_MASTER_KEY": "sk-master"}) == 0
    assert json.loads(capsys.readouterr().out)["total"]["calls"] == 0


def test_a_database_that_does_not_listen_is_done_without(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = {"LITELLM_MASTER_KEY": "sk-master", "LITELLM_POSTGRES_PASSWORD": "x", "LITELLM_POSTGRES_PORT": "9"}
    with respx.mock(base_url=URL) as litellm:
        litellm.get("/key/list").respond(json=KEYS)
        litellm.get("/spend/logs/v2").respond(json={"data": [_fields()]})
        assert usage.main(["--format", "json", *_options(tmp_path)], values) == 0
    assert json.loads(capsys.readouterr().out)["total"]["calls"] == 1


def test_something_else_on_litellms_port_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with respx.mock(base_url=URL) as other:
        other.get("/spend/logs/v2").respond(text="<html>")
        assert usage.main(_options(tmp_path), {"LITELLM_MASTER_KEY": "sk-master"}) == 1
    assert f"What answers at {URL} is not LiteLLM" in capsys.readouterr().err


def test_both_doors_group_by_the_same_names() -> None:
    calls = (Path(usage.__file__).parent / "spend_calls.sql").read_text()
    assert set(re.findall(r"\bAS ([a-z_]+),?$", calls, re.MULTILINE)) >= set(DIMENSIONS)


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    with respx.mock(base_url=URL) as litellm:
        litellm.get("/key/list").respond(json=KEYS)
        litellm.get("/spend/logs/v2").respond(json={"data": [_fields()]})
        options = ["--plot", str(tmp_path / "cost.png"), *_options(tmp_path)]
        assert usage.main(options, {"LITELLM_MASTER_KEY": "sk-master"}) == 0
    assert (tmp_path / "cost.png").read_bytes().startswith(b"\x89PNG")


def test_a_refused_master_key_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with respx.mock(base_url=URL) as litellm:
        litellm.get("/spend/logs/v2").respond(401, json={"error": {"message": "no"}})
        assert usage.main(_options(tmp_path), {"LITELLM_MASTER_KEY": "sk-wrong"}) == 1
    assert "does not accept LITELLM_MASTER_KEY" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        ["--since", "tomorrow"],
        ["--since", "yesterday"],
        ["--since", "٣d"],
        ["--until", "2026-13-01"],
        ["--plot", "nowhere/cost.png"],
        ["--since", "99999999999d"],
        ["--since", "99999999999999999999w"],
        ["--by", "component,colour"],
        ["--format", "xml"],
        ["--plot", "cost.jpg"],
    ],
)
def test_a_wrong_option_is_named(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        usage.main(wrong, {})
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"argument {wrong[0]}: " in said
    assert "point_in_time" not in said


def test_times_without_a_zone_are_utc() -> None:
    assert usage.point_in_time("2026-11-21T02:00") == datetime(2026, 11, 21, 2, tzinfo=UTC)


def _options(tmp_path: Path) -> list[str]:
    (tmp_path / ".env").touch()
    return ["--litellm-url", URL, "--env-file", str(tmp_path / ".env")]
