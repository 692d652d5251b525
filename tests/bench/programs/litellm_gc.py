"""LiteLLM with other ways of collecting garbage. GC_STEPS names them: `thread` (decision 7's), `freeze` (what was imported stays).

Not for use: on Python 3.11, without the thread, it may crash as api/garbage_collection.py says.
"""

import os
import sys
from pathlib import Path

from api.garbage_collection import collect_at_safe_points, keep_for_good


def main() -> None:
    steps = os.environ.get("GC_STEPS", "").split(",")
    if "thread" in steps:
        collect_at_safe_points()
    sys.path.pop(0)
    os.chdir(Path.home())
    from litellm import run_server  # type: ignore[import-not-found,unused-ignore]

    if "freeze" in steps:
        import litellm.proxy.proxy_server  # type: ignore[import-not-found,unused-ignore]  # noqa: F401

        keep_for_good()
    sys.argv[0] = "litellm"
    run_server()


if __name__ == "__main__":
    main()
