"""Rules as a file has them, and who asks."""

from pathlib import Path

from api.context import Caller, Permission
from api.memory import MemoryRouting, load_memory_routing

TRUSTED = Caller("chat-page", allowed=frozenset({Permission.SET_MEMORY_USER}))
PLAIN = Caller("token-0123456789ab", allowed=frozenset({Permission.TOOLS}))
ALICE = Caller("alice", "alice")
# Every rule at once.
EVERYTHING = r"""
enabled: true
patterns:
  - {header: User-Agent, pattern: ^OpenAIClientImpl/Java, user_id: pycharm-ai}
  - {header: user-agent, pattern: ^claude-cli, user_id: claude-cli}
  - {header: x-openwebui-user-id, pattern: ^(.+)$, user_id: "webui-{1}"}
  - {header: x-forwarded-email, pattern: '^(?P<name>[a-z]+)@([a-z]+)\.example$', user_id: "{name}.of.{2}", listen_to: everyone}
body_user: allowed
default: everybody
upstream: {models: [memory/*, gpt-4o]}
answer_headers: [X-Supermemory-*, x-context-tokens]
"""


def routing(folder: Path, text: str = EVERYTHING) -> MemoryRouting:
    file = folder / "memory_routing.yaml"
    file.write_text(text, encoding="utf-8")
    return load_memory_routing(file)


def headers(**named: str) -> dict[bytes, bytes]:
    """`user_agent="x"` is `user-agent: x`."""
    return {name.replace("_", "-").encode(): value.encode("latin-1") for name, value in named.items()}
