"""LiteLLM's key administration over HTTP, as far as minting virtual keys needs it.

Keys travel in headers and bodies only: LiteLLM writes request paths to its log, query strings included.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Self

import httpx

# LiteLLM needs seconds to notice that its database has gone.
TIMEOUT_SECONDS = 30.0


class LiteLLMError(Exception):
    """LiteLLM did not do what it was asked; the message says why, and the mend."""


class KeyBlockedError(LiteLLMError):
    """Somebody has blocked the key on purpose."""


@dataclasses.dataclass(frozen=True)
class KeyInfo:
    """What LiteLLM knows of a key. ``token`` is the hash that names it; the key itself is shown once only."""

    token: str
    alias: str
    models: tuple[str, ...]

    @classmethod
    def of(cls, token: str, fields: dict[str, Any]) -> Self:
        return cls(token=token, alias=fields.get("key_alias") or "", models=tuple(fields.get("models") or ()))


class LiteLLMAdmin:
    """Raises LiteLLMError from every method."""

    def __init__(self, url: str, master_key: str) -> None:
        self._url = url
        self._master_key = master_key
        # Keys must not pass through a proxy that the environment happens to name.
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def unreadiness(self) -> str | None:
        """Why LiteLLM cannot mint keys yet; None when it can."""
        try:
            response = self._client.get("/health/readiness", timeout=5)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"it cannot be reached ({str(error) or type(error).__name__})"
        state = _object(response)
        if response.status_code == httpx.codes.OK and state.get("db") == "connected":
            return None
        if "db" in state or response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return "it answers, but its database is not connected"
        return f"/health/readiness answered {response.status_code}"

    def check_master_key(self) -> None:
        self._call("GET", "/key/list", params={"size": 1})

    def own_info(self, key: str) -> KeyInfo | None:
        """Asks with the key itself; None when LiteLLM does not know it. Raises KeyBlockedError."""
        response = self._send("GET", "/key/info", key)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            if "blocked" in _message(response):
                raise KeyBlockedError("LiteLLM has this key blocked")
            return None
        body = self._checked("/key/info", response)
        return KeyInfo.of(body["key"], body["info"])

    def find(self, alias: str) -> KeyInfo | None:
        parameters = {"key_alias": alias, "return_full_object": "true", "size": 100}
        keys = self._call("GET", "/key/list", params=parameters)["keys"]
        return next((KeyInfo.of(key["token"], key) for key in keys if key.get("key_alias") == alias), None)

    def generate(self, alias: str, models: Sequence[str], environment: str) -> str:
        """Without a budget and without rate limits: the key's purpose is attribution."""
        body = {"key_alias": alias, "models": list(models), "metadata": {"environment": environment}}
        return str(self._call("POST", "/key/generate", json=body)["key"])

    def set_models(self, token: str, models: Sequence[str]) -> None:
        self._call("POST", "/key/update", json={"key": token, "models": list(models)})

    def rename(self, token: str, alias: str) -> None:
        self._call("POST", "/key/update", json={"key": token, "key_alias": alias})

    def delete(self, alias: str) -> bool:
        """False when there was none."""
        response = self._send("POST", "/key/delete", self._master_key, json={"key_aliases": [alias]})
        if response.status_code == httpx.codes.NOT_FOUND:
            return False
        self._checked("/key/delete", response)
        return True

    def environments(self) -> dict[str, str]:
        """What each key is for, by the key's hash."""
        found: dict[str, str] = {}
        page = pages = 1
        while page <= pages:
            body = self._call("GET", "/key/list", params={"return_full_object": "true", "size": 100, "page": page})
            for key in body["keys"]:
                found[key["token"]] = (key.get("metadata") or {}).get("environment") or ""
            page, pages = page + 1, int(body.get("total_pages") or 1)
        return found

    def newest_spend_log(self, since: datetime, until: datetime) -> str | None:
        """The request id of the last call that began in this time; None if none did."""
        rows = self._spend_logs(since, until, page=1, page_size=1)
        return str(rows[0]["request_id"]) if rows else None

    def spend_log_pages(self, since: datetime, until: datetime, size: int) -> Iterator[list[dict[str, Any]]]:
        """The spend log's rows of calls that began in this time, newest first."""
        for page in itertools.count(1):
            rows = self._spend_logs(since, until, page=page, page_size=size)
            yield rows
            if len(rows) < size:
                return

    def _spend_logs(self, since: datetime, until: datetime, **paging: int) -> list[dict[str, Any]]:
        window = {
            name: time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
            for name, time in (("start_date", since), ("end_date", until))
        }
        return list(self._call("GET", "/spend/logs/v2", params={**window, **paging})["data"])

    def _call(self, method: str, path: str, **request: Any) -> _Answer:
        return self._checked(path, self._send(method, path, self._master_key, **request))

    def _send(self, method: str, path: str, key: str, **request: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, headers={"Authorization": f"Bearer {key}"}, **request)
        except httpx.HTTPError as error:
            raise LiteLLMError(
                f"LiteLLM cannot be reached at {self._url} ({str(error) or type(error).__name__}): start it with "
                "`make up` or `make docker_up`, or name its address with --litellm-url"
            ) from error

    def _checked(self, path: str, response: httpx.Response) -> _Answer:
        if response.status_code == httpx.codes.OK:
            return _Answer(_object(response), self._url)
        message = _message(response)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise LiteLLMError(
                f"LiteLLM at {self._url} does not accept LITELLM_MASTER_KEY: it was started with another one. Restart "
                "it with this one (`make down up` or `make docker_restart`), or name the file that holds its own "
                "with --env-file"
            )
        if response.status_code == httpx.codes.FORBIDDEN:
            raise LiteLLMError(
                "LITELLM_MASTER_KEY is a virtual key, which cannot mint others: set LiteLLM's master key"
            )
        if _is_database_failure(response):
            raise LiteLLMError(
                f"LiteLLM's database is down ({message}): `make status` or `docker compose ps` says what runs. Start "
                "it and run this again"
            )
        raise LiteLLMError(f"LiteLLM answered {response.status_code} to {path}: {message}")


class _Answer(dict[str, Any]):
    """What LiteLLM answered. Something else on its port lacks what LiteLLM would have said."""

    def __init__(self, body: dict[str, Any], url: str) -> None:
        super().__init__(body)
        self._url = url

    def __missing__(self, name: str) -> Any:
        raise LiteLLMError(
            f"What answers at {self._url} is not LiteLLM, or not with {name!r}: name its address with --litellm-url"
        )


def _object(response: httpx.Response) -> dict[str, Any]:
    """The body as an object; empty when it is anything else."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _is_database_failure(response: httpx.Response) -> bool:
    """503 once LiteLLM has noticed; until then, an authentication that failed on its own side."""
    message = _message(response)
    return response.status_code == httpx.codes.SERVICE_UNAVAILABLE or (
        response.is_server_error and (message.startswith("Authentication Error") or "database" in message.lower())
    )


def _message(response: httpx.Response) -> str:
    """The error's own words, with anything that looks like a key taken out."""
    error = _object(response).get("error")
    text = str(error.get("message") or error) if isinstance(error, dict) else response.text
    return re.sub(r"sk-[\w-]{4,}", "sk-...", text)[:500]
