"""The API as a real process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from tests.support.processes import free_port, running

TOKEN = "token-of-the-tests"


@dataclass(frozen=True)
class RunningAPI:
    """A running API, its base URL for an OpenAI client, and the header that lets one in."""

    url: str
    process: Popen[bytes]
    log: Path

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {TOKEN}"}


@contextmanager
def running_api(
    directory: Path, *, llm_base_url: str, llm_api_key: str = "sk-virtual", **settings: str
) -> Iterator[RunningAPI]:
    """The API on a free port, with these settings and no others."""
    port = free_port()
    log = directory / f"api-{port}.log"
    environment = {"LLM_BASE_URL": llm_base_url, "LLM_API_KEY": llm_api_key, "API_TOKENS": TOKEN, **settings}
    arguments = ("-m", "api", "--host", "127.0.0.1", "--port", str(port))
    url = f"http://127.0.0.1:{port}"
    with running(*arguments, url=f"{url}/health", log=log, environment=environment) as process:
        yield RunningAPI(url, process, log)
