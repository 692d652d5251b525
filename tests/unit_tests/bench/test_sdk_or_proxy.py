"""The table of what was tried both ways."""

from tests.bench.sdk_or_proxy import table


def test_a_message_of_several_lines_stays_one_row() -> None:
    *_, row = table({"sdk": {"error": "first\nsecond"}, "proxy": {"error": "a | b"}}).splitlines()
    assert row == "| error | first second | a \\| b |"
