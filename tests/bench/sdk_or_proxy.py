"""LiteLLM's SDK in the application's process, or OpenAI's before LiteLLM's proxy: `make sdk_or_proxy` tries what differs."""

import json
import subprocess
import sys
from typing import Any

from local_stack import bootstrap
from tests.bench.programs.either import PARAMETERS
from tests.bench.report import facts, facts_line
from tests.support.processes import ROOT
from tests.support.provider import ScriptedProvider
from tests.support.stack import running_stack
from tests.support.stack_client import StackClient

WAYS = ("sdk", "proxy")
HEADINGS = {"sdk": "LiteLLM's SDK in process", "proxy": "OpenAI's SDK and the proxy"}
LIMIT = 180  # seconds
USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}


def script(provider: ScriptedProvider) -> None:
    """The questions of tests/bench/programs/either.py, and how each is answered."""
    provider.script({"content": "Done."}, contains="either-bare", repeat_last=True)
    for kind in ("parameters", "trace", "pool"):
        provider.script({"content": "Done.", "usage": USAGE}, contains=f"either-{kind}", repeat_last=True)
    provider.script({"content": '{"name": "Paris"}', "usage": USAGE}, contains="either-json", repeat_last=True)
    for status in (400, 429):
        error = {"message": f"the provider's own words for {status}", "type": "some_type", "param": None, "code": None}
        provider.script({"status": status, "error": error}, contains=f"either-{status}", repeat_last=True)


def found(way: str, user: StackClient) -> dict[str, str]:
    """What the program saw, and what reached the provider."""
    provider = user.provider
    opened, asked = provider.connections()["accepted"], len(provider.requests(contains="either-"))
    seen: dict[str, str] = json.loads(_run(way, user))
    # Two of them are this program's: it asked for the requests, and for the connections once more.
    opened = provider.connections()["accepted"] - opened - 2
    requests = provider.requests(contains="either-")[asked:]
    seen["parameters"] = f"refused: {seen['parameters']}; arrived: {_arrived(requests)}"
    return {**seen, "trace headers": _traced(requests), "pooling": f"{opened} connections to the provider"}


def _run(way: str, user: StackClient) -> str:
    proxy = f"{user.stack.url('litellm')}/v1", user.settings["LITELLM_TEST_KEY"]
    url, key = proxy if way == "proxy" else (f"{user.provider.url}/v1", "sk-none")
    python = bootstrap.venv("litellm") / "bin" / "python"
    command = [str(python), "-m", "tests.bench.programs.either", way, url, key]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(user.stack.state), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{way}: {done.stderr[-3000:]}")
    return done.stdout.splitlines()[-1]


def _arrived(requests: list[dict[str, Any]]) -> str:
    bodies = [request["body"] for request in requests if "either-parameters" in json.dumps(request["body"])]
    return ", ".join(name for name in PARAMETERS if any(name in body for body in bodies)) or "none"


def _traced(requests: list[dict[str, Any]]) -> str:
    traced = [request["headers"] for request in requests if "either-trace" in json.dumps(request["body"])]
    return f"traceparent reaches the provider: {'yes' if traced and 'traceparent' in traced[-1] else 'no'}"


def table(columns: dict[str, dict[str, str]]) -> str:
    rows = [("", *(HEADINGS[way] for way in WAYS)), ("---",) * 3]
    rows += [(name, *(_cell(columns[way][name]) for way in WAYS)) for name in columns["sdk"]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    print("  starting a stack", file=sys.stderr, flush=True)
    with running_stack("--scripted") as stack:
        user = StackClient.of(stack)
        script(user.provider)
        columns = {}
        for way in WAYS:
            print(f"  asking by way of: {HEADINGS[way]}", file=sys.stderr, flush=True)
            columns[way] = found(way, user)
    print(f"{facts_line(facts())}\n\n{table(columns)}")


if __name__ == "__main__":
    main()
