"""What a process of cnnkit's trainer grows by in its steps, in bytes of its own, as JSON.

Its own memory is what no file stands behind (`RssAnon`, on Linux alone): libraries' code is none.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from training_cnnkit import start

STEPS = 4
"""From the second one on all lie in the same place."""


def own_memory() -> int:
    """The bytes that the process has now."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"RssAnon:\s*(\d+) kB", status)
    assert found is not None
    return 1024 * int(found[1])


def main() -> None:
    """Compiles, takes some steps, and tells by how much the process has grown."""
    from cnnkit.network import runtime

    advance = start()
    runtime.give_back()
    before = own_memory()
    advance(1)
    advance(STEPS)  # what a step has had stays with the process, for the next one
    print(json.dumps(own_memory() - before))


if __name__ == "__main__":
    main()
