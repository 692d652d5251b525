"""GET /docs and GET /: complete without the internet, and without a token."""

import re
from urllib.parse import urljoin

import pytest
from starlette.testclient import TestClient

TYPES = {".js": "text/javascript", ".css": "text/css", ".png": "image/png", ".json": "application/json"}


@pytest.fixture
def client(client: TestClient) -> TestClient:
    del client.headers["authorization"]
    return client


def _references(page: str) -> list[str]:
    return re.findall(r'(?:src|href|data-description)="([^"]*)"', page)


def test_the_page_names_no_other_host(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "//" not in page.text
    assert "http" not in page.text


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_everything_that_the_page_is_made_of_is_there_and_has_its_type(client: TestClient, path: str) -> None:
    page = client.get(path)
    references = _references(page.text)
    assert len(references) >= 5
    for reference in references:
        response = client.get(urljoin(str(page.url), reference))
        assert (response.status_code, response.content != b"") == (200, True)
        assert response.headers["content-type"].startswith(TYPES[reference[reference.rindex(".") :]])


def test_the_page_holds_no_script_and_its_policy_permits_none_but_this_servers_files(client: TestClient) -> None:
    page = client.get("/docs")
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page.text) == ["", ""]
    assert not re.search(r"<style|\son\w+=|javascript:", page.text)
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["connect-src"]) == ("'none'", "'self'", "'self'")
    assert "http" not in page.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["nothing.js", "__init__.py", "..%2Fmain.py", "%2e%2e/main.py", "swagger-ui.css.map"])
def test_no_other_file_is_served(client: TestClient, name: str) -> None:
    assert client.get(f"/docs/{name}").status_code in (401, 404)


def test_a_browser_is_led_to_the_page_by_a_relative_redirect(client: TestClient) -> None:
    response = client.get("/", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}, follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (307, "docs")
    assert client.get("/", headers={"accept": "text/html"}).url.path == "/docs"


@pytest.mark.parametrize("headers", [{}, {"accept": "application/json"}, {"accept": "*/*"}])
def test_everyone_else_is_told_where_things_are(client: TestClient, headers: dict[str, str]) -> None:
    told: dict[str, str] = client.get("/", headers=headers).json()
    assert told["base_url"] == "/v1"
    assert [client.get(told[name]).status_code for name in ("docs", "openapi", "health")] == [200, 200, 200]


def test_the_root_answers_a_head(client: TestClient) -> None:
    assert client.head("/").status_code == 200
