"""One line a request, whatever was asked, written soon and together."""

import asyncio
import io
import re
import select
from typing import Any

from api.telemetry import AccessLog
from api.telemetry.access_log import WRITTEN_EVERY


def _scope(raw_path: bytes = b"/v1/models", **more: Any) -> dict[str, Any]:
    return {
        "method": "GET",
        "path": "/v1/models",
        "raw_path": raw_path,
        "client": ("127.0.0.1", 5),
        "state": {"request_id": "req_1"},
    } | more


async def test_a_line_says_who_asked_what_and_how_it_went() -> None:
    out = io.StringIO()
    log = AccessLog(out)
    log.ended(_scope(), 200, 0.01234)
    log.close()
    line = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO api\.access: 127\.0\.0\.1 GET /v1/models 200 12\.3 ms req_1\n"
    assert re.fullmatch(line, out.getvalue())


async def test_lines_are_written_by_themselves_a_moment_later() -> None:
    out = io.StringIO()
    log = AccessLog(out)
    for _ in range(3):
        log.ended(_scope(), 200, 0.0)
    assert out.getvalue() == ""
    for _ in range(100):
        await asyncio.sleep(WRITTEN_EVERY / 10)
        if out.getvalue():
            break
    assert out.getvalue().count("\n") == 3


async def test_a_client_that_left_is_told_as_such() -> None:
    out = io.StringIO()
    log = AccessLog(out)
    log.ended(_scope(client=None), None, 1.0)
    log.close()
    assert " - GET /v1/models left 1000.0 ms" in out.getvalue()


async def test_no_path_makes_a_line_of_its_own() -> None:
    out = io.StringIO()
    log = AccessLog(out)
    log.ended(_scope(b"/a\r\nb\xc2\x85\x1b[31m"), 404, 0.0)
    log.close()
    assert len(out.getvalue().splitlines()) == 1


class Pipe(io.StringIO):
    """Remembers what was written at once."""

    def __init__(self) -> None:
        super().__init__()
        self.portions: list[str] = []

    def write(self, text: str) -> int:
        self.portions.append(text)
        return len(text)


async def test_where_others_write_too_whole_lines_go_out_in_portions_that_a_pipe_takes_whole() -> None:
    out = Pipe()
    log = AccessLog(out, shared=True)
    for number in range(200):
        log.ended(_scope(f"/{number}".encode()), 200, 0.0)
    log.ended(_scope(b"/" + b"x" * select.PIPE_BUF), 404, 0.0)
    log.close()
    assert all(portion.endswith("\n") for portion in out.portions)
    assert [len(portion) > select.PIPE_BUF for portion in out.portions] == [False] * (len(out.portions) - 1) + [True]
    assert len(out.portions) < 20
    assert "".join(out.portions).count("\n") == 201


async def test_an_output_that_is_gone_fails_no_request() -> None:
    out = io.StringIO()
    log = AccessLog(out)
    log.ended(_scope(), 200, 0.0)
    out.close()
    log.close()
