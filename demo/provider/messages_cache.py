"""Anthropic's prompt cache: what of a prompt was seen before up to a mark, what is written, what is neither.

A prefix of any length is kept here, so that tests need no long prompts; Anthropic keeps those above a model's minimum.
"""

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from demo.provider.prompt import CacheUse
from demo.provider.usage import FULL_IMAGE, MESSAGE_OVERHEAD, tokens_in

MOST_PREFIXES = 10_000
# How many blocks before a mark Anthropic looks for what an earlier request wrote.
LOOK_BACK = 20
LIFETIMES_S = {"5m": 300, "1h": 3600}


@dataclass(frozen=True)
class Part:
    """A block of the prompt as the cache sees it; `tokens` and `prefix` are of all up to here."""

    prefix: str
    tokens: int
    ttl: str | None


@dataclass
class PromptCache:
    """The prefixes of all keys' requests, each until it has gone unused for its lifetime; the last 10,000."""

    _until: OrderedDict[str, float] = field(default_factory=OrderedDict)

    def use(self, parts: list[Part]) -> CacheUse:
        marks = [place for place, part in enumerate(parts) if part.ttl]
        if not marks:
            return CacheUse()
        found = self._longest_seen(parts, marks)
        read = parts[found].tokens if found is not None else 0
        written = {"5m": 0, "1h": 0}
        done = read
        for place in marks:
            part = parts[place]
            written[part.ttl or "5m"] += max(part.tokens - done, 0)
            done = max(done, part.tokens)
            self._keep(part.prefix, part.ttl or "5m")
        return CacheUse(read, written["5m"], written["1h"])

    def _longest_seen(self, parts: list[Part], marks: list[int]) -> int | None:
        now = time.monotonic()
        for mark in reversed(marks):
            for place in range(mark, max(mark - LOOK_BACK, -1), -1):
                if self._until.get(parts[place].prefix, 0) > now:
                    return place
        return None

    def _keep(self, prefix: str, ttl: str) -> None:
        self._until[prefix] = max(self._until.get(prefix, 0), time.monotonic() + LIFETIMES_S[ttl])
        self._until.move_to_end(prefix)
        while len(self._until) > MOST_PREFIXES:
            self._until.popitem(last=False)


def parts_of(body: dict[str, Any], key: str) -> list[Part]:
    """The prompt in the cache's order: tools, system, messages. A cache is one key's and one model's."""
    parts: list[Part] = []
    digest, tokens = hashlib.sha256(f"{key}\n{body['model']}".encode()), MESSAGE_OVERHEAD
    for label, block, cost in _blocks(body):
        bare = {name: value for name, value in block.items() if name != "cache_control"}
        digest.update(f"{label}{json.dumps(bare, sort_keys=True)}\n".encode())
        tokens += cost
        parts.append(Part(digest.hexdigest(), tokens, _ttl(block)))
    if parts and body.get("cache_control"):
        parts[-1] = Part(parts[-1].prefix, parts[-1].tokens, parts[-1].ttl or _ttl(body))
    return parts


def input_tokens(parts: list[Part]) -> int:
    return parts[-1].tokens if parts else MESSAGE_OVERHEAD


def _blocks(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], int]]:
    for tool in body.get("tools") or []:
        yield "tool", tool, tokens_in(json.dumps(tool))
    contents = [("system", body["system"])] if body.get("system") else []
    contents += [(message["role"], message["content"]) for message in body["messages"]]
    for role, content in contents:
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for place, block in enumerate(blocks):
            yield role, block, _cost(block) + (MESSAGE_OVERHEAD if place == 0 else 0)


def _cost(block: dict[str, Any]) -> int:
    kind = block["type"]
    if kind == "image":
        return FULL_IMAGE
    if kind == "text":
        return tokens_in(block["text"])
    if kind == "tool_result":
        content = block.get("content") or ""
        return tokens_in(content) if isinstance(content, str) else sum(_cost(part) for part in content)
    said = {name: value for name, value in block.items() if name not in {"type", "cache_control", "signature", "id"}}
    return tokens_in(json.dumps(said))


def _ttl(block: dict[str, Any]) -> str | None:
    control = block.get("cache_control")
    if control is None and block.get("type") == "tool_result" and isinstance(block.get("content"), list):
        control = next((part["cache_control"] for part in block["content"] if part.get("cache_control")), None)
    return (control.get("ttl") or "5m") if control else None
