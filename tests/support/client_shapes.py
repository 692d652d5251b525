"""Requests as clients make them that cannot be run here: made from what is publicly known of each, which the file itself names."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "integration_tests" / "shapes"
MARK = "MARK"


@dataclass(frozen=True)
class ClientShape:
    """A client's headers and bodies, and what it is known by where config/memory_routing.yaml has its example's patterns."""

    memory_user: str
    session: str | None
    headers: dict[str, str]
    requests: list[dict[str, Any]]

    def bodies(self, mark: str) -> list[dict[str, Any]]:
        """The bodies, each with this word in it."""
        bodies: list[dict[str, Any]] = json.loads(json.dumps(self.requests).replace(MARK, mark))
        return bodies


def client_shape(name: str) -> ClientShape:
    """Of the file with this name."""
    told = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert told["made_from"]
    return ClientShape(told["memory_user"], told["session"], told["headers"], told["requests"])
