"""A key as the command writes it into .env, which a shell, compose and python-dotenv read."""

import os
import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values

from operations import keys
from operations.key_setup import KeySetupError


@pytest.mark.parametrize("value", ["sk-a_B-9", "a=b", "two words", "with # hash", "=", "", "x;y&z|w>(q)*?[!~"])
def test_python_dotenv_and_sh_read_a_quoted_value_alike(tmp_path: Path, value: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"NAME={keys.quoted(value)}\n")
    script = f'. "{file}" && printf %s "$NAME"'
    shell = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, env={"PATH": os.defpath})
    assert (dotenv_values(file)["NAME"], shell.stdout) == (value, value)


@pytest.mark.parametrize("value", ["it's", "a\\b", "$HOME", "${HOME}", "a\nb"])
def test_a_value_that_readers_would_disagree_about_is_refused(value: str) -> None:
    with pytest.raises(KeySetupError):
        keys.quoted(value)
