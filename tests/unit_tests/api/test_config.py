"""Settings: what is missing or wrong is said by its name, with the mend, and without its value."""

from pathlib import Path

import pytest

from api.config import (
    CALLERS_FILE,
    MEMORY_ROUTING_FILE,
    MODEL_ALIASES_FILE,
    ConfigurationError,
    Settings,
    is_done_without,
    load_settings,
)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_API_KEY", "sk-virtual")
    monkeypatch.setenv("API_TOKENS", "one, two ,")


def test_an_empty_key_says_to_run_litellm_setup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_API_KEY", "")
    with pytest.raises(ConfigurationError, match=r"LLM_API_KEY.*make litellm_setup"):
        load_settings()


def test_tokens_are_comma_separated() -> None:
    assert [token.get_secret_value() for token in load_settings().api_tokens] == ["one", "two"]


def test_litellm_is_expected_where_compose_puts_it() -> None:
    assert load_settings().openai_base_url == "http://litellm:4000/v1"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:4000", "http://127.0.0.1:4000/", "http://127.0.0.1:4000/v1", "http://127.0.0.1:4000/v1/"]
)
def test_the_base_url_may_or_may_not_end_in_v1(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("LLM_BASE_URL", url)
    assert load_settings().openai_base_url == "http://127.0.0.1:4000/v1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LLM_BASE_URL", "litellm:4000"),
        ("HTTP_READ_TIMEOUT", "soon"),
        ("REQUIRE_AUTH", "perhaps"),
        ("MAX_REQUEST_BYTES", "0"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as error:
        load_settings()
    assert name in str(error.value)
    assert f"'{value}'" not in str(error.value)


def test_the_classifier_has_a_second_unless_told_otherwise() -> None:
    assert load_settings().routing_classifier_timeout == 1.0


def test_secrets_do_not_show_in_the_settings_text() -> None:
    text = repr(load_settings())
    assert "sk-virtual" not in text
    assert "two" not in text


def test_blanks_and_line_ends_around_the_key_are_not_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_API_KEY", " sk-virtual\n")
    assert load_settings().llm_api_key.get_secret_value() == "sk-virtual"


def test_a_key_of_blanks_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_API_KEY", " \n")
    with pytest.raises(ConfigurationError, match="LLM_API_KEY"):
        load_settings()


@pytest.mark.parametrize("token", ["schlüssel", "a b", "a\tb", "a\x7f", "🔑"])
def test_a_token_that_no_header_can_carry_is_refused_without_being_quoted(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("API_TOKENS", f"one,{token}")
    with pytest.raises(ConfigurationError, match=r"API_TOKENS.*ASCII") as error:
        load_settings()
    assert token not in str(error.value)


def test_hosts_and_origins_are_comma_separated_names_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "reasoning-api, API.example.com,*.internal,")
    monkeypatch.setenv("CORS_ALLOW_ORIGINS", "https://Chat.example.com/, http://localhost:3000")
    settings = load_settings()
    assert settings.allowed_hosts == ("reasoning-api", "api.example.com", "*.internal")
    assert settings.cors_allow_origins == ("https://chat.example.com", "http://localhost:3000")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_HOSTS", "https://api.example.com"),
        ("ALLOWED_HOSTS", "api.example.com:443"),
        ("ALLOWED_HOSTS", "api.*.com"),
        ("CORS_ALLOW_ORIGINS", "chat.example.com"),
        ("CORS_ALLOW_ORIGINS", "https://chat.example.com/page"),
        ("CORS_ALLOW_ORIGINS", "https://*.example.com"),
        ("CORS_ALLOW_ORIGINS", "null"),
        ("STREAM_KEEPALIVE_SECONDS", "0"),
    ],
)
def test_what_is_no_host_and_no_origin_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        load_settings()


@pytest.mark.parametrize("file", [CALLERS_FILE, MEMORY_ROUTING_FILE, MODEL_ALIASES_FILE])
def test_a_file_of_ours_may_be_absent_where_nobody_has_named_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    assert not is_done_without(file)
    monkeypatch.chdir(tmp_path)
    assert is_done_without(file)
    assert not is_done_without(tmp_path / file)


def test_by_default_no_call_opens_a_connection_because_too_few_are_kept() -> None:
    fields = Settings.model_fields
    assert fields["http_max_keepalive_connections"].default == fields["http_max_connections"].default
