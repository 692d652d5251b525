"""What `make connect` prints is run as it stands, against the real stack."""

import json
import subprocess
import sys

import pytest

from local_stack import bootstrap
from local_stack.instance import Instance

CLIENTS_PYTHON = str(bootstrap.venv("clients") / "bin" / "python")
ANSWER = "You asked: “Hello”"
FROM_THE_ENVIRONMENT = """
import openai
answer = openai.OpenAI().chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello"}])
print(answer.choices[0].message.content)
"""


def lines(stack: Instance, client: str) -> str:
    command = [sys.executable, "-m", "operations.connect", "--state-dir", str(stack.state), "--client", client]
    return run(command)


def run(command: list[str], given: str = "") -> str:
    done = subprocess.run(
        command, cwd=bootstrap.ROOT, env={"PATH": "/usr/bin:/bin"}, input=given, capture_output=True, text=True,
        timeout=100, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_command_for_curl_gets_an_answer(stack: Instance) -> None:
    answer = json.loads(run(["sh"], lines(stack, "curl")))
    assert ANSWER in answer["choices"][0]["message"]["content"]


@pytest.mark.parametrize("python", [sys.executable, CLIENTS_PYTHON], ids=["openai 2", "openai 3"])
def test_the_program_for_openais_sdk_prints_an_answer(stack: Instance, python: str) -> None:
    assert ANSWER in run([python, "-W", "error", "-"], lines(stack, "openai-python"))


def test_the_program_for_langchain_prints_an_answer(stack: Instance) -> None:
    assert ANSWER in run([CLIENTS_PYTHON, "-"], lines(stack, "langchain"))


def test_the_program_for_anthropics_sdk_prints_an_answer(stack: Instance) -> None:
    assert ANSWER in run([CLIENTS_PYTHON, "-W", "error", "-"], lines(stack, "anthropic-python"))


def test_the_variables_are_all_that_the_sdk_needs(stack: Instance) -> None:
    script = f"{lines(stack, 'env')}\n{sys.executable} - <<'END'{FROM_THE_ENVIRONMENT}END\n"
    assert ANSWER in run(["sh"], script)
