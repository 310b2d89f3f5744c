"""What a command costs before it does anything: ``cnnkit analyze`` against its bare imports.

The bar: the flagship's analysis takes at most 1.35 times a process that imports yaml, typer,
rich.table and rich.console, and defines one Pydantic model.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from measuring import Measure, environment, heading, in_turn, machine, milliseconds, table, versions

SPEC = Path(__file__).parents[1] / "specs" / "lectures" / "rgb-valid-4-classes.yaml"
BAR = 1.35
BARE = """
import rich.console, rich.table, typer, yaml
from pydantic import BaseModel

class Model(BaseModel):
    value: int
"""


def main() -> None:
    """Measures both sides in turn, and prints them with the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=15, help="runs of each side")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="one run of each, to see that it runs")
    options = parser.parse_args()
    n = 1 if options.quick else options.n
    sides = {
        "bare imports": _process([sys.executable, "-c", BARE]),
        "cnnkit analyze": _process([sys.executable, "-m", "cnnkit", "analyze", str(SPEC)]),
    }
    medians = in_turn(sides, n)
    ratio = medians["cnnkit analyze"] / medians["bare imports"]
    facts = machine() | versions("cnnkit", "pydantic", "typer", "rich", "PyYAML")
    if options.json:
        figures = {"n": n, "seconds": medians, "ratio": ratio, "bar": BAR}
        print(json.dumps({"machine": facts, "startup": figures}, indent=2))
        return
    print(f"{heading(facts)}; medians of n = {n}\n")
    print(table(["process", "time"], [[name, milliseconds(s)] for name, s in medians.items()]))
    verdict = "within" if ratio <= BAR else "ABOVE"
    print(f"\nratio {ratio:.3f}, {verdict} the bar of {BAR}")


def _process(command: list[str]) -> Measure:
    """The time from the start of a process to its end."""
    variables = environment()

    def measure() -> float:
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, env=variables, check=True)
        return time.perf_counter() - start

    return measure


if __name__ == "__main__":
    main()
