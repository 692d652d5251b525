"""Cookies of providers: kept for each model and user, and for nobody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.llm.provider_cookies import MOST_COOKIES, MOST_JARS, ProviderCookies


def _after(*set_cookies: str) -> str:
    cookies = ProviderCookies()
    for one in set_cookies:
        cookies.learn("m", "u", one)
    return cookies.header("m", "u")


@pytest.mark.parametrize(
    ("set_cookie", "sent"),
    [
        ("__cf_bm=a.b-1; path=/; HttpOnly; Secure", "__cf_bm=a.b-1"),
        ("a=1; Path=/, b=2; Path=/", "a=1; b=2"),
        ("a=1; Expires=Wed, 21 Oct 2099 07:28:00 GMT, b=2", "a=1; b=2"),
        ('a="x y"', 'a="x y"'),
        ("a=", "a="),
        ("a=1; Max-Age=60", "a=1"),
        ("a=1; Max-Age=0", ""),
        ("a=1; Max-Age=60; Expires=Wed, 21 Oct 2015 07:28:00 GMT", "a=1"),
        ("a=1; Expires=Wed, 21 Oct 2015 07:28:00 GMT", ""),
        ("a=1; Expires=soon", "a=1"),
        ("", ""),
        ("no cookie", ""),
        ("a=1\r\nx-evil: 1", ""),
        ("a=" + "x" * 5000, ""),
    ],
)
def test_what_a_provider_sets_is_sent_back(set_cookie: str, sent: str) -> None:
    assert _after(set_cookie) == sent


def test_a_new_value_takes_the_place_of_the_old_one() -> None:
    assert _after("a=1", "b=2", "a=3") == "b=2; a=3"


def test_a_cookie_that_is_taken_back_is_gone() -> None:
    assert _after("a=1", "a=; Max-Age=0") == ""


@given(st.lists(st.tuples(st.sampled_from("mn"), st.sampled_from("uvw")), max_size=20))
def test_nobodys_cookie_is_anothers(calls: list[tuple[str, str]]) -> None:
    cookies = ProviderCookies()
    for model, user in calls:
        cookies.learn(model, user, f"who={model}{user}; path=/")
    for model in "mn":
        for user in "uvw":
            own = f"who={model}{user}" if (model, user) in calls else ""
            assert cookies.header(model, user) == own


def test_a_jar_holds_no_more_than_it_may() -> None:
    assert _after(*(f"c{number}=1" for number in range(MOST_COOKIES + 5))).count("=") == MOST_COOKIES


def test_the_users_who_came_last_are_remembered() -> None:
    cookies = ProviderCookies()
    for number in range(MOST_JARS + 1):
        cookies.learn("m", str(number), "a=1")
    assert (cookies.header("m", "0"), cookies.header("m", "1"), cookies.header("m", str(MOST_JARS))) == (
        "",
        "a=1",
        "a=1",
    )
