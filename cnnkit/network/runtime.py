"""What is set up once in a process that trains: the cache of programs, oneDNN, and memory."""

from __future__ import annotations

import ctypes
import sys

from cnnkit.network import compilation_cache
from cnnkit.network.kernels import onednn

# The parameters of glibc's mallopt, as malloc.h numbers them.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8


def prepare() -> tuple[str, ...]:
    """Set up this process to train fast. It may be called again.

    Returns:
        What could not be had, a line each. All works without.
    """
    _keep_memory()
    problem = compilation_cache.enable()
    kept = () if problem is None else (f"compiled programs are not kept: {problem}",)
    state = onednn.load()
    return kept if state.active or not state.wanted else (*kept, f"no oneDNN: {state.reason}")


def _keep_memory() -> None:
    """Let the allocator keep what XLA frees, for the next step asks for the same again.

    By default glibc gives blocks above some megabytes back to Linux at once, which clears each
    page of the next step's anew: a third of the time of a step of a small network on a CPU.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another C library
        return
    mallopt(_MMAP_MAX, 0)
    mallopt(_ARENA_MAX, 1)
    mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    mallopt(_TOP_PAD, 64 << 20)
