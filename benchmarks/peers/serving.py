"""One side of a comparison as a process: the benchmark asks for a run by a line, and gets one.

It imports nothing of this project, so that any interpreter that has the peer can run it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from statistics import median

BURST = 3
"""Runs for each line: the first finds the caches full of what the other side left there."""


def serve(count: Callable[[str], int]) -> None:
    """Counts the parameters of the network that the command line names.

    With ``--once`` it does so once and ends, as a new process would. Otherwise it does so a few
    times for each line of standard input, and answers with the median of the seconds.
    """
    network = sys.argv[1]
    if "--once" in sys.argv:
        print(json.dumps({"parameters": count(network)}))
        return
    for _ in sys.stdin:
        seconds = []
        for _ in range(BURST):
            start = time.perf_counter()
            count(network)
            seconds.append(time.perf_counter() - start)
        print(json.dumps({"seconds": median(seconds)}), flush=True)
