"""What is set up before a training, and what is said of what could not be had."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cnnkit.network import compilation_cache, runtime
from cnnkit.network.kernels import onednn


@pytest.mark.parametrize(
    ("problem", "state", "said"),
    [
        (None, onednn.Availability(True, True, "oneDNN 1"), ()),
        (None, onednn.Availability(False, False, "it is not installed"), ()),
        (
            "the folder is open to other users",
            onednn.Availability(False, True, "the extension is not built: `cnnkit doctor --build`"),
            (
                "compiled programs are not kept: the folder is open to other users",
                "no oneDNN: the extension is not built: `cnnkit doctor --build`",
            ),
        ),
    ],
)
def test_says_only_what_was_wanted_and_is_not_there(
    problem: str | None,
    state: onednn.Availability,
    said: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compilation_cache, "enable", lambda: problem)
    monkeypatch.setattr(onednn, "load", lambda: state)
    assert runtime.prepare() == said


PROCESS = """
import ctypes
import re
from pathlib import Path

import jax
import jax.numpy as jnp

from cnnkit.network import runtime

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]


def resident():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) >> 10


def large_pages():
    mappings = re.split(r"\\n(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text())
    heap = [mapping for mapping in mappings if "[heap]" in mapping and " hg" in mapping]
    return sum(int(re.search(r"Size: +(\\d+) kB", mapping)[1]) for mapping in heap) >> 10


runtime.prepare()
print("large pages:", large_pages())
blocks = [libc.malloc(8 << 20) for _ in range(16)]
for block in blocks:
    ctypes.memset(block, 1, 8 << 20)
kept = libc.malloc(8 << 20)  # so that they are not at the end of the heap
for block in blocks:
    libc.free(block)
free = resident()
runtime.give_back()
print("given back:", free - resident())
print("large pages, still:", large_pages())
product = jax.jit(lambda x: x @ x @ x)
x = jnp.ones((1024, 1024))
print("ready:", product(x).is_ready())
"""


@pytest.fixture(scope="module")
def told() -> dict[str, str]:
    """What a process says of itself once it is set up; sizes are in MiB."""
    done = subprocess.run([sys.executable, "-c", PROCESS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(line.split(": ") for line in done.stdout.splitlines())


@pytest.mark.skipif(not runtime._LARGE_PAGES.is_file(), reason="Linux has no large pages here")
def test_the_heap_is_to_have_large_pages_and_keeps_them(told: dict[str, str]) -> None:
    assert int(told["large pages"]) >= runtime._heap() - (8 << 20) >> 20
    assert told["large pages, still"] == told["large pages"]


@pytest.mark.skipif(sys.platform != "linux", reason="the allocator is another one")
def test_what_lies_free_in_the_heap_goes_back_to_linux(told: dict[str, str]) -> None:
    assert int(told["given back"]) >= 120  # of 128


def test_a_cpu_has_computed_what_a_call_returns(told: dict[str, str]) -> None:
    assert told["ready"] == "True"
