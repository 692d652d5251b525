"""Callers with names: whose token a request brings, what that caller may do, and what holds for its requests.

callers_config.py   config/callers.yaml
callers.py          Callers: token → Caller, with the file looked at again when it changes
__main__.py         `python -m api.callers`: checks a file, or turns a token into its line of it
"""

from api.callers.callers import Callers, open_callers
from api.callers.callers_config import read_callers

__all__ = ["Callers", "open_callers", "read_callers"]
