"""Inputs are the same for the same seed, and few of them are turned away before anybody has read them."""

import random

from tests.fuzz.http_bytes import socket_input
from tests.fuzz.json_bodies import GOOD, body_input
from tests.fuzz.json_text import Members, Raw, members, write


def test_an_input_can_be_made_again() -> None:
    for number in range(50):
        seed = f"1/socket/{number}"
        assert socket_input(random.Random(seed), "t") == socket_input(random.Random(seed), "t")
        assert body_input(random.Random(seed), "t") == body_input(random.Random(seed), "t")


def test_inputs_differ() -> None:
    assert len({body_input(random.Random(f"1/bodies/{number}"), "t").body for number in range(200)}) > 150
    assert len({socket_input(random.Random(f"1/socket/{number}"), "t").data for number in range(200)}) > 180


def test_a_change_leaves_the_requests_that_it_starts_from_as_they_are() -> None:
    before = repr(GOOD)
    for number in range(300):
        body_input(random.Random(number), "t")
    assert repr(GOOD) == before


def test_a_key_can_stand_twice_and_a_value_be_no_json() -> None:
    assert (
        write(Members([("a", 1), ("a", Raw("NaN")), ("b", members({"c": [None]}))]))
        == '{"a":1,"a":NaN,"b":{"c":[null]}}'
    )
