"""OpenAI's embeddings: texts with words in common lie close together, and the same text always lies at one place."""

import base64
import hashlib
import math
import re
from array import array
from typing import Any

from demo.provider import checks
from demo.provider.endpoint import Call, Dialect
from demo.provider.errors import ProviderError
from demo.provider.usage import tokens_in

DIMENSIONS = {"text-embedding-3-large": 3072}
DEFAULT_DIMENSIONS, MOST_DIMENSIONS = 1536, 3072
WORD = re.compile(r"\w+")


def embed(call: Call) -> dict[str, Any]:
    body = call.required_body()
    model = checks.model_of(body)
    texts = _texts(checks.required(body, "input"))
    checks.in_range(body, "dimensions", 1, MOST_DIMENSIONS)
    kind = checks.one_of(body.get("encoding_format") or "float", ("float", "base64"), "encoding_format")
    size = body.get("dimensions") or DIMENSIONS.get(model.rsplit("/", 1)[-1], DEFAULT_DIMENSIONS)
    data = [
        {"object": "embedding", "index": place, "embedding": _encoded(vector(text, size), kind)}
        for place, text in enumerate(texts)
    ]
    tokens = sum(tokens_in(text) for text in texts)
    return {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def vector(text: str, size: int) -> list[float]:
    """A unit vector: every word adds to the one dimension, and with the one sign, that its hash names."""
    sums = [0.0] * size
    for word in WORD.findall(text.lower()) or [text]:
        digest = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8])
        sums[(digest >> 1) % size] += 1.0 if digest & 1 else -1.0
    length = math.sqrt(sum(value * value for value in sums))
    return [value / length for value in sums] if length else [1.0] + [0.0] * (size - 1)


def _texts(given: Any) -> list[str]:
    """Texts, or token lists, which stand for themselves."""
    items = [given] if isinstance(given, str) or (isinstance(given, list) and given and _is_token(given[0])) else given
    if not isinstance(items, list) or not items or any(item in ("", []) for item in items):
        raise ProviderError("'$.input' is invalid. Please check the API reference.", param="input")
    return [item if isinstance(item, str) else " ".join(map(str, item)) for item in items]


def _is_token(item: Any) -> bool:
    return isinstance(item, int)


def _encoded(values: list[float], kind: str) -> list[float] | str:
    return base64.b64encode(array("f", values).tobytes()).decode() if kind == "base64" else values


DIALECT = Dialect("/embeddings", look_up=embed)
