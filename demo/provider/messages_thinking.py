"""Anthropic's thinking: when the demo thinks, how it signs what it thought, and which thoughts it takes back."""

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Any

from demo.provider.errors import ProviderError
from demo.provider.messages_fields import has_beta, of_type

# No secret that protects anything: it only lets the demo know its own blocks again, in every process of it.
DEMO_SECRET = b"the demo provider signs its thoughts"
NONCE_BYTES = 32
LEAST_BUDGET = 1024
TYPES = ("adaptive", "between_tools", "disabled", "enabled")
# What stands in the place of a thought that is not told.
REDACTED = "redacted"


def is_thinking(body: dict[str, Any]) -> bool:
    return (body.get("thinking") or {}).get("type") in {"adaptive", "enabled"}


def is_shown(body: dict[str, Any]) -> bool:
    """Whether the thoughts are told, and not their signature alone."""
    return (body.get("thinking") or {}).get("display") != "omitted"


def signed(thought: str) -> str:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return base64.b64encode(nonce + _mac(nonce, thought)).decode()


def is_ours(thought: str, signature: str) -> bool:
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    nonce, mac = raw[:NONCE_BYTES], raw[NONCE_BYTES:]
    return hmac.compare_digest(mac, _mac(nonce, thought))


def check_block(block: dict[str, Any], name: str) -> None:
    """A thinking block that comes back is as it left, to the last character. Raises ProviderError."""
    if block["type"] == "thinking" and not is_ours(block["thinking"], block["signature"]):
        raise ProviderError(f"{name}: Invalid `signature` in `thinking` block")
    if block["type"] == "redacted_thinking" and not is_ours(REDACTED, block["data"]):
        raise ProviderError(f"{name}: Invalid `data` in `redacted_thinking` block")


def check_thinking(body: dict[str, Any], betas: frozenset[str]) -> None:
    """The field, and what else may stand beside it. Raises ProviderError."""
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type")
    if kind not in TYPES:
        tags = ", ".join(f"'{name}'" for name in TYPES)
        what = f"Input tag '{kind}' found using 'type' does not match any of the expected tags: {tags}"
        raise ProviderError("thinking.type: Field required" if kind is None else f"thinking: {what}")
    if kind == "enabled":
        _check_budget(body, betas)
    if is_thinking(body):
        _check_sampling(body)


def _check_budget(body: dict[str, Any], betas: frozenset[str]) -> None:
    name = "thinking.enabled.budget_tokens"
    budget = body["thinking"].get("budget_tokens")
    if budget is None:
        raise ProviderError(f"{name}: Field required")
    if of_type(budget, int, name) < LEAST_BUDGET:
        raise ProviderError(f"{name}: Input should be greater than or equal to {LEAST_BUDGET}")
    interleaved = bool(body.get("tools")) and has_beta(betas, "interleaved-thinking-")
    if "max_tokens" in body and budget >= body["max_tokens"] and not interleaved:
        raise ProviderError("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _check_sampling(body: dict[str, Any]) -> None:
    if body.get("temperature") not in {None, 1}:
        raise ProviderError("`temperature` may only be set to 1 when thinking is enabled.")
    if body.get("top_p") is not None and body["top_p"] < 0.95:
        raise ProviderError("`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.")
    if body.get("top_k") is not None:
        raise ProviderError("`top_k` must be unset when thinking is enabled.")
    if (body.get("tool_choice") or {}).get("type") in {"any", "tool"}:
        raise ProviderError("Thinking may not be enabled when tool_choice forces tool use.")


def _mac(nonce: bytes, thought: str) -> bytes:
    return hmac.new(DEMO_SECRET, nonce + thought.encode(errors="replace"), hashlib.sha256).digest()
