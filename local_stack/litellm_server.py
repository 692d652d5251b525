"""LiteLLM, kept from a crash of Python 3.11's (`api.garbage_collection` says which).

Runs in LiteLLM's own environment, as ``python -m local_stack.litellm_server OPTIONS``; the options are the ``litellm`` program's.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from api.garbage_collection import collect_at_safe_points


def main() -> None:
    collect_at_safe_points()
    # The checkout's folder was needed to find this module. It holds names that LiteLLM must not take for its own, and a
    # .env that is not LiteLLM's to read.
    sys.path.pop(0)
    os.chdir(Path.home())
    from litellm import run_server  # type: ignore[import-not-found,unused-ignore]

    sys.argv[0] = "litellm"
    run_server()


if __name__ == "__main__":
    main()
