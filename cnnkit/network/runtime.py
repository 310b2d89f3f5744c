"""What is set up once in a process that trains: the cache of programs, oneDNN, and memory."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from pathlib import Path

from cnnkit.network import compilation_cache
from cnnkit.network.kernels import onednn

# The parameters of glibc's mallopt, as malloc.h numbers them.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8
_MOST_HEAP = 16 << 30
_WHOLE_END = 1 << 62
"""More than the heap's free end, which stays: it is the next step's, in large pages."""
_MADV_HUGEPAGE = 14  # as mman.h numbers it
_LARGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")
_LARGE_PAGE = 2 << 20


def prepare() -> tuple[str, ...]:
    """Set up this process to train fast. It may be called again.

    Returns:
        What could not be had, a line each. All works without.
    """
    _keep_memory()
    _one_step_at_a_time()
    problem = compilation_cache.enable()
    kept = () if problem is None else (f"compiled programs are not kept: {problem}",)
    state = onednn.load()
    return kept if state.active or not state.wanted else (*kept, f"no oneDNN: {state.reason}")


@cache
def _keep_memory() -> None:
    """Let the allocator keep what XLA frees, for the next step asks for the same again.

    By default glibc gives blocks above some megabytes back to Linux at once, which clears each
    page of the next step's anew: a third of the time of a step of a small network on a CPU.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    mallopt = getattr(libc, "mallopt", None)
    if mallopt is None:  # another C library
        return
    mallopt(_MMAP_MAX, 0)
    mallopt(_ARENA_MAX, 1)
    mallopt(_TRIM_THRESHOLD, -1)  # never
    mallopt(_TOP_PAD, 64 << 20)
    _ask_for_large_pages(libc)


def give_back() -> None:
    """Give Linux what lies free between the blocks that are in use, as far as whole pages go.

    What compiling needed stays free in the heap, more than a hundred megabytes; the blocks of a
    step fit into none of it.
    """
    if not sys.platform.startswith("linux"):
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:  # another C library
        return
    trim.argtypes = [ctypes.c_size_t]
    trim(_WHOLE_END)


def _one_step_at_a_time() -> None:
    """Have a CPU compute a program where it is called, and not in a thread behind.

    There a step asks for its memory while another thread still frees that of the step before: the
    process then holds both. What a call returns is computed; nothing else is different.
    """
    import jax

    jax.config.update("jax_cpu_enable_async_dispatch", False)


def _ask_for_large_pages(libc: ctypes.CDLL) -> None:
    """Have Linux back the heap with pages of 2 MiB where it leaves that to programs.

    A few percent of a step. The heap is grown by addresses, which are no memory until they are
    written; where addresses are limited (`ulimit -v`) it is left as it is.
    """
    import resource  # Windows has none

    if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        return
    try:
        if int(_LARGE_PAGES.read_text()) != _LARGE_PAGE:
            return
    except (OSError, ValueError):
        return
    address, size = ctypes.c_void_p, ctypes.c_size_t
    libc.sbrk.argtypes, libc.sbrk.restype = [ctypes.c_ssize_t], size
    libc.malloc.argtypes, libc.malloc.restype = [size], address
    libc.free.argtypes, libc.free.restype = [address], None
    libc.madvise.argtypes = [address, size, ctypes.c_int]
    start = -(-libc.sbrk(0) // _LARGE_PAGE) * _LARGE_PAGE
    libc.free(libc.malloc(_heap()))
    length = libc.sbrk(0) - start
    if length > 0:
        libc.madvise(start, length, _MADV_HUGEPAGE)


def _heap() -> int:
    """The bytes of a training's heap, as far as they are foreseen: a quarter of the memory."""
    return min(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4, _MOST_HEAP)
