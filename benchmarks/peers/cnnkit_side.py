"""cnnkit: reads the spec of the zoo and analyses it, shapes, costs, memory and all."""

from __future__ import annotations

from pathlib import Path

from serving import serve

import cnnkit

ZOO = Path(__file__).parents[2] / "specs" / "zoo"


def count(network: str) -> int:
    """The parameters of a network of the zoo, once all its totals are computed, memory and all."""
    totals = cnnkit.analyze(cnnkit.load(ZOO / f"{network}.yaml")).totals.to_dict()
    parameters: int = totals["parameters"]
    return parameters


if __name__ == "__main__":
    serve(count)
