"""Coding agents, each pointed at the API as its user points it there, with a header that asks for reasoning."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.clients.agent import Agent, Showed
from tests.clients.program import Ran
from tests.support import npm

MODEL: Final = "gpt-4o-mini"
HEADERS: Final = {"X-Routing-Mode": "reasoning"}


class OpenCode(Agent):
    """`opencode run`, for Linux on x64; elsewhere npm has other packages of the same program."""

    package = "opencode"

    @property
    def settings(self) -> Mapping[str, str]:
        switched_off = ("AUTOUPDATE", "LSP_DOWNLOAD", "MODELS_FETCH")
        return {f"OPENCODE_DISABLE_{name}": "1" for name in switched_off}

    def configure(self) -> None:
        options = {"baseURL": f"{self.url}/v1", "apiKey": self.token, "headers": HEADERS}
        provider = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": {MODEL: {}}}
        config = {"model": f"reasoning-agent/{MODEL}", "provider": {"reasoning-agent": provider}}
        (self.project / "opencode.json").write_text(json.dumps(config))

    def command(self, prompt: str) -> list[str]:
        program = self.install() / "opencode-linux-x64" / "bin" / "opencode"
        return [str(program), "run", "--thinking", "--format", "json", prompt]

    def showed(self, done: Ran) -> Showed:
        said = [(event["type"], event["part"]) for event in done.events]
        counted = [part["tokens"] for kind, part in said if kind == "step_finish"]
        return Showed(
            answer=[part["text"] for kind, part in said if kind == "text"][-1],
            thoughts="".join(part["text"] for kind, part in said if kind == "reasoning"),
            tools=[part["tool"] for kind, part in said if kind == "tool_use"],
            tokens=(sum(one["input"] for one in counted), sum(one["output"] for one in counted)),
        )

    def reads(self, file: Path) -> dict[str, Any]:
        return {"name": "read", "arguments": {"filePath": str(file)}}


class Cline(Agent):
    """`cline`, for Linux on x64; elsewhere npm has other packages of the same program."""

    package = "cline"

    def configure(self) -> None:
        provider = "openai-compatible"
        own = {"provider": provider, "model": MODEL, "baseUrl": f"{self.url}/v1", "apiKey": self.token}
        entry = {"settings": own | {"headers": HEADERS}, "updatedAt": "2026-01-01T00:00:00Z", "tokenSource": "manual"}
        stored = {"version": 1, "lastUsedProvider": provider, "modes": {}, "providers": {provider: entry}}
        folder = self._made("data/settings")
        (folder / "providers.json").write_text(json.dumps(stored))

    def command(self, prompt: str) -> list[str]:
        program = self.install() / "@cline" / "cli-linux-x64" / "bin" / "cline"
        # With a folder of its own it also starts no process that outlives the run.
        return [str(program), "--json", "--data-dir", str(self._made("data")), prompt]

    def showed(self, done: Ran) -> Showed:
        ended = [event["event"] for event in done.events if event.get("event", {}).get("type") == "content_end"]
        result = done.events[-1]
        return Showed(
            answer=result["text"],
            thoughts="".join(one["reasoning"] for one in ended if one["contentType"] == "reasoning"),
            tools=[one["toolName"] for one in ended if one["contentType"] == "tool"],
            tokens=(result["usage"]["inputTokens"], result["usage"]["outputTokens"]),
        )

    def reads(self, file: Path) -> dict[str, Any]:
        return {"name": "read_files", "arguments": {"files": [{"path": str(file)}]}}


class Continue(Agent):
    """`cn`, which prints the answer alone."""

    package = "continue"

    def configure(self) -> None:
        model = {"name": MODEL, "provider": "openai", "model": MODEL, "apiBase": f"{self.url}/v1", "apiKey": self.token}
        entry = {**model, "requestOptions": {"headers": HEADERS}, "roles": ["chat", "edit", "apply"]}
        config = {"name": "reasoning-agent", "version": "1.0.0", "schema": "v1", "models": [entry]}
        self._config.write_text(json.dumps(config))  # JSON is YAML.

    def command(self, prompt: str) -> list[str]:
        program = self.install() / "@continuedev" / "cli" / "dist" / "cn.js"
        return [str(npm.node()), str(program), "--config", str(self._config), "-p", prompt]

    def showed(self, done: Ran) -> Showed:
        return Showed(done.output, "", [], None)

    def reads(self, file: Path) -> dict[str, Any]:
        return {"name": "Read", "arguments": {"filepath": str(file)}}

    @property
    def _config(self) -> Path:
        return self.home / "config.yaml"
