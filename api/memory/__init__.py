"""Whose memory a request is about: rules in order, the first that answers wins, and without an answer it is nobody's.

memory_config.py    config/memory_routing.yaml
header_patterns.py  patterns over headers, in an engine that never goes back
body_user.py        the person whom a body names
memory_routing.py   MemoryRouting: the rules, what they say of themselves, and the headers to and from a memory service
__main__.py         `python -m api.memory`: checks a file
"""

from api.memory.memory_config import load_memory_routing, open_memory_routing
from api.memory.memory_routing import NO_MEMORY, MemoryRouting, MemoryUser, Rule

__all__ = ["NO_MEMORY", "MemoryRouting", "MemoryUser", "Rule", "load_memory_routing", "open_memory_routing"]
