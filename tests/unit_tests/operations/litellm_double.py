"""LiteLLM's key administration as it was seen to answer, behind respx: what the client sends is recorded."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import respx
from dotenv import dotenv_values

URL = "http://litellm.test:4000"
MASTER = "sk-master"


@dataclasses.dataclass
class Key:
    value: str
    alias: str
    models: list[str]
    blocked: bool = False

    @property
    def token(self) -> str:
        return hashlib.sha256(self.value.encode()).hexdigest()

    def fields(self) -> dict[str, Any]:
        return {"token": self.token, "key_alias": self.alias, "models": self.models}


def error(status: int, message: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"message": message, "type": "x", "param": None, "code": str(status)}})


class LiteLLMDouble:
    """``failures`` maps a path to what its next calls answer, as status and message; None lets one call work.

    The master key is MASTER, or what ``master_key_file`` says when it is asked.
    """

    def __init__(self, master_key_file: Path | None = None) -> None:
        self.master_key_file = master_key_file
        self.keys: list[Key] = []
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.urls: list[str] = []
        self.failures: dict[str, list[tuple[int, str] | None]] = {}
        self.unready: list[httpx.Response | Exception] = []
        self._made = 0

    @property
    def master_key(self) -> str:
        return dotenv_values(self.master_key_file)["LITELLM_MASTER_KEY"] or "" if self.master_key_file else MASTER

    def install(self, router: respx.MockRouter, host: str = "litellm.test") -> None:
        router.route(host=host).mock(side_effect=self._answer)

    def add(self, alias: str, models: list[str], *, blocked: bool = False) -> str:
        self._made += 1
        key = Key(f"sk-made-{self._made}", alias, models, blocked)
        self.keys.append(key)
        return key.value

    def aliases(self) -> list[str]:
        return sorted(key.alias for key in self.keys)

    def alias_of(self, value: str) -> str | None:
        return next((key.alias for key in self.keys if key.value == value), None)

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [body for each, body in self.requests if each == path]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        body = json.loads(request.content) if request.content else {}
        self.requests.append((path, body))
        self.urls.append(str(request.url))
        if path == "/health/readiness":
            return self._readiness()
        if (waiting := self.failures.get(path)) and (failure := waiting.pop(0)):
            return error(*failure)
        return self._administer(path, body, request)

    def _readiness(self) -> httpx.Response:
        if not self.unready:
            return httpx.Response(200, json={"status": "healthy", "db": "connected"})
        answer = self.unready.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _administer(self, path: str, body: dict[str, Any], request: httpx.Request) -> httpx.Response:
        bearer = request.headers["authorization"].removeprefix("Bearer ")
        if path == "/key/info":
            return self._info(bearer)
        if bearer != self.master_key:
            known = any(key.value == bearer for key in self.keys)
            return error(403, "You are not authorized") if known else error(401, "Invalid proxy server token passed")
        if path == "/key/list":
            wanted = request.url.params.get("key_alias")
            found = [key.fields() for key in self.keys if wanted in (None, key.alias)]
            return httpx.Response(200, json={"keys": found})
        handlers = {"/key/generate": self._generate, "/key/update": self._update, "/key/delete": self._delete}
        return handlers[path](body)

    def _info(self, bearer: str) -> httpx.Response:
        key = next((key for key in self.keys if key.value == bearer), None)
        if key is None:
            return error(401, "Authentication Error, Invalid proxy server token passed. Unable to find token")
        if key.blocked:
            return error(401, "Authentication Error, Key is blocked. Update via `/key/unblock` if you're an admin.")
        return httpx.Response(200, json={"key": key.token, "info": key.fields()})

    def _generate(self, body: dict[str, Any]) -> httpx.Response:
        if body["key_alias"] in self.aliases():
            return error(400, f"Key with alias '{body['key_alias']}' already exists.")
        return httpx.Response(200, json={"key": self.add(body["key_alias"], body["models"])})

    def _update(self, body: dict[str, Any]) -> httpx.Response:
        key = next((key for key in self.keys if key.token == body["key"]), None)
        if key is None:
            return error(404, "Key not found.")
        if body.get("key_alias", key.alias) in [other.alias for other in self.keys if other is not key]:
            return error(400, "Key with alias already exists.")
        key.alias, key.models = body.get("key_alias", key.alias), body.get("models", key.models)
        return httpx.Response(200, json=key.fields())

    def _delete(self, body: dict[str, Any]) -> httpx.Response:
        doomed = [key for key in self.keys if key.alias in body["key_aliases"]]
        self.keys = [key for key in self.keys if key not in doomed]
        return httpx.Response(200, json={}) if doomed else error(404, "No keys found")
