"""An upstream's words without what is nobody's business: keys, upstream addresses, tracebacks."""

import re

# What LiteLLM and providers quote of a key they refuse: its start or end, and its sha256.
_KEY_LIKE = re.compile(
    r"\bsk-[\w.\-*]+|\b[0-9a-f]{64}\b|(?<=Bearer )\S+|(?<=Basic )\S+|\bAIza[\w\-]{20,}"
    # Groq, Hugging Face, Replicate, Fireworks, Together, Google, GitHub, GitLab, npm, PyPI, Stripe.
    r"|\b(?:gsk|hf|r8|fw|tgp_v\d|vck|gh[opusr]|github_pat|npm|(?:sk|pk|rk)_(?:live|test))_[\w.\-*]{6,}"
    r"|\b(?:nvapi|pplx|xai|csk|glpat|pypi|dop_v\d|xox[abeoprs]|xapp)[-_][\w.\-*]{6,}|\bya29\.[\w.\-*]{6,}"
    # AWS, and a signed token of anybody.
    r"|\b(?:AKIA|ASIA)[A-Z0-9*]{8,}|\beyJ[\w\-*]{8,}(?:\.[\w\-*]+){0,4}"
)
# Of a provider whose keys have no form of their own: what stands where a key is named, if it has a digit.
_NAMED_KEY = re.compile(
    r"""((?:api|access|secret|private|auth)[ _-]?(?:key|token)(?: provided)?["']?\s?[:=]\s?["']?)"""
    r"""(?=[^\s"',;]{0,200}\d)[^\s"',;]{8,}""",
    re.IGNORECASE,
)
# Where LiteLLM asks: an endpoint, something on its own network, or what it calls an api_base. A provider's help page is none.
_URL = re.compile(r"""https?://([^\s"'<>)]*)""", re.IGNORECASE)
_ENDPOINT = re.compile(r"/(?:chat/completions|completions|responses|embeddings|messages)\b", re.IGNORECASE)
_UPSTREAM_URL = re.compile(
    r"""https?://(?:[^\s/@"'<>]+@)?(?:[\w-]+|127\.[\d.]+|10\.[\d.]+|172\.(?:1[6-9]|2\d|3[01])\.[\d.]+|192\.168\.[\d.]+|\[[0-9a-f:]+\])"""
    # A host of one word or a private number, and not the beginning of a longer name.
    r"""(?![\w@-]|\.\w|:\w+@)(?::\d+(?!\d))?(?:/[^\s"'<>)]*)?"""
    r"""|(?<=connect to host )\S+|(?<=api_base[=:])\s*\S+""",
    re.IGNORECASE,
)
# LiteLLM quotes its own where a provider's answer breaks it.
_TRACEBACK = "Traceback (most recent call last)"
_FAILED_WITHOUT_WORDS = "LiteLLM failed; its log says how."


def redact(message: str) -> str:
    """The message without tracebacks and anything that looks like a key, a key's hash or the address of an upstream."""
    said = message.partition(_TRACEBACK)[0].rstrip() or _FAILED_WITHOUT_WORDS
    without_keys = _NAMED_KEY.sub(r"\1[redacted]", _KEY_LIKE.sub("[redacted]", said))
    return _UPSTREAM_URL.sub("[redacted]", _URL.sub(_unless_endpoint, without_keys))


def _unless_endpoint(url: re.Match[str]) -> str:
    """Each address is looked at once: a caller can have a message quote as many of them in a row as it likes."""
    return "[redacted]" if _ENDPOINT.search(url[1]) else url[0]
