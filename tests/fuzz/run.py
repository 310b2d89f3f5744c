"""The long fuzz, by hand: ``python -m tests.fuzz.run --count 100000 --seed 1``.

Prints each bug when it is first seen, with a minimal spec that shows it; exits with 1 if there
was one. ``--only N`` runs one case and shows it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.fuzz.mutation import case
from tests.fuzz.trial import failure, smallest

INTERVAL = 10.0
"""Seconds between two lines of progress."""


def main() -> int:
    """Runs the cases, prints what fails, and gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="the number of the first case")
    parser.add_argument("--only", type=int, help="run this case alone, and print it")
    options = parser.parse_args()
    if options.only is not None:
        return _show(options.seed, options.only)
    bugs: Counter[str] = Counter()
    begun = shown = time.monotonic()
    for done, number in enumerate(range(options.start, options.start + options.count), start=1):
        found = failure(case(options.seed, number))
        if found is not None:
            bugs[found.key] += 1
            if bugs[found.key] == 1:
                least = smallest(found)
                print(f"\ncase {number}: {found.key}\n{least.detail}{least.case.data!r}\n")
        if time.monotonic() - shown > INTERVAL:
            shown = time.monotonic()
            rate = done / (shown - begun)
            print(f"{done:,} cases, {rate:.0f}/s, {len(bugs)} bugs", file=sys.stderr, flush=True)
    print(f"{options.count:,} cases of seed {options.seed}: {sum(bugs.values()):,} failures")
    for key, times in bugs.most_common():
        print(f"{times:>7,} × {key}")
    return 1 if bugs else 0


def _show(seed: int, number: int) -> int:
    it = case(seed, number)
    found = failure(it)
    print(it.data.decode(errors="backslashreplace"))
    print(found.detail if found else f"case {number} of seed {seed} gives findings or a report")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
