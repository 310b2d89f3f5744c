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


HEAP = """
import re
from cnnkit.network import runtime

runtime.prepare()
mappings = re.split(r"\\n(?=[0-9a-f]+-[0-9a-f]+ )", open("/proc/self/smaps").read())
heap = [mapping for mapping in mappings if "[heap]" in mapping]
sizes = [int(re.search(r"Size: +(\\d+) kB", mapping)[1]) for mapping in heap if " hg" in mapping]
print("large pages, MiB:", sum(sizes) >> 10)
"""


@pytest.mark.skipif(not runtime._LARGE_PAGES.is_file(), reason="Linux has no large pages here")
def test_the_heap_is_to_have_large_pages() -> None:
    told = subprocess.run(
        [sys.executable, "-c", HEAP], capture_output=True, text=True, check=True
    ).stdout
    assert int(told.rsplit(": ")[1]) >= runtime._heap() - (8 << 20) >> 20
