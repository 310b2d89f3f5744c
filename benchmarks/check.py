"""What checking a thousand specs costs: ``cnnkit check`` against parsing and validating alone.

The other side reads the same files with PyYAML's loader in C and validates them with the same
Pydantic models. It keeps no places, puts in no variables, computes no shape and applies no rule.
The bar: the check takes less than 2.5 times its processor time, and grows in line with the number.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from measuring import heading, in_turn, machine, milliseconds, table, versions

from cnnkit.checking import Request, run
from cnnkit.layers import Layer, layer_class
from cnnkit.spec.model.spec import Spec

BAR = 2.5
LINEAR_BAR = 1.15

LECTURES = Path(__file__).parents[1] / "specs" / "lectures"
PLAIN = """\
name: plain-{number}
input: {extent}x{extent}x3
layers:
  - conv: {{filters: {width}, kernel: 3, padding: same, activation: relu}}
  - conv: {{filters: {width}, kernel: 3, padding: same, activation: relu}}
  - max_pool: {{size: 2}}
  - conv: {{filters: {wider}, kernel: 3, padding: same, activation: relu}}
  - conv: {{filters: {wider}, kernel: 3, padding: same, activation: relu}}
  - max_pool: {{size: 2}}
  - conv: {{filters: {wider}, kernel: 3, padding: same, activation: relu}}
  - conv: {{filters: {wider}, kernel: 5, padding: same, activation: relu}}
  - global_mean_pool
  - dropout: {{rate: 0.5}}
  - dense: {{units: 10}}
  - softmax
budget: {{parameters: 10M, macs: 10G}}
"""
NORMALIZED = """\
name: normalized-{number}
input: [{extent}, {extent}, 1]  # greyscale
layers:
  - conv: {{filters: {width}, kernel: 5, padding: 2, bias: false}}
  - batch_norm
  - relu
  - max_pool: {{size: 2, stride: 2}}
  - residual:
      layers:
        - conv: {{filters: {width}, kernel: 3, padding: same, bias: false}}
        - batch_norm
        - relu
        - conv: {{filters: {width}, kernel: 3, padding: same, bias: false}}
        - batch_norm
      activation: relu
  - max_pool: {{size: 2}}
  - conv: {{filters: {wider}, kernel: [3, 3], stride: [2, 2], padding: same, bias: false}}
  - batch_norm
  - relu
  - conv: {{filters: {wider}, kernel: 3, padding: same, bias: false}}
  - batch_norm
  - relu
  - global_mean_pool
  - dense: {{units: 10, activation: softmax}}
expect: {{output: [10]}}
"""


def main() -> None:
    """Measures both sides in turn, and prints them with the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=7, help="runs of each side")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="few specs, to see that it runs")
    options = parser.parse_args()
    small, large = (30, 120) if options.quick else (1_000, 4_000)
    n = 1 if options.quick else options.n
    with TemporaryDirectory() as folder:
        shipped, made, many = (Path(folder, name) for name in ("shipped", "made", "many"))
        write(shipped, lectures(small))
        write(made, networks(small))
        write(many, networks(large))
        medians = in_turn(
            {
                f"{name}, {small:,} {corpus.name} specs": partial(user_seconds, work, corpus)
                for corpus in (shipped, made)
                for name, work in (("parse and validate", validate_all), ("check", check_all))
            }
            | {f"check, {large:,} made specs": partial(user_seconds, check_all, many)},
            n,
        )
    alone, check, made_alone, made_check, many_check = medians.values()
    ratios = {"shipped": check / alone, "made": made_check / made_alone}
    growth = many_check / made_check / (large / small)
    facts = machine() | versions("cnnkit", "pydantic", "PyYAML")
    if options.json:
        figures = {"n": n, "seconds": medians, "ratios": ratios, "bar": BAR, "growth": growth}
        print(json.dumps({"machine": facts, "check": figures}, indent=2))
        return
    print(f"{heading(facts)}; user time, medians of n = {n}\n")
    print(table(["side", "time"], [[name, milliseconds(s)] for name, s in medians.items()]))
    for name, ratio in ratios.items():
        print(f"\nratio {ratio:.2f} of {name} specs, {verdict(ratio, BAR)} the bar of {BAR}")
    print(
        f"\neach of {large:,} specs takes {growth:.2f} times as long as each of {small:,}, "
        f"{verdict(growth, LINEAR_BAR)} the bar of {LINEAR_BAR}"
    )


def verdict(figure: float, bar: float) -> str:
    """Whether a figure keeps to its bar."""
    return "within" if figure < bar else "ABOVE"


def lectures(count: int) -> Iterator[str]:
    """The shipped specs of the lectures, over and over: 1 to 8 layers, with comments."""
    texts = [path.read_text() for path in sorted(LECTURES.iterdir())]
    return islice(cycle(texts), count)


def networks(count: int) -> Iterator[str]:
    """Specs of 14 and 19 layers, written out."""
    for number in range(count):
        form = (PLAIN, NORMALIZED)[number % 2]
        extent, width = 24 + 4 * (number % 4), 8 + 8 * (number % 5)
        yield form.format(number=number, extent=extent, width=width, wider=2 * width)


def write(folder: Path, texts: Iterable[str]) -> None:
    """Writes a file for each text."""
    folder.mkdir()
    for number, text in enumerate(texts):
        (folder / f"spec-{number:05}.yaml").write_text(text)


def check_all(folder: Path) -> None:
    """What is measured: the check of a folder in one process."""
    results = run(Request((str(folder),)))
    assert len(results) == len(list(folder.iterdir()))
    assert all(result.ok for result in results)


def validate_all(folder: Path) -> None:
    """What it is measured against."""
    for path in sorted(folder.iterdir()):
        data = yaml.load(path.read_bytes(), yaml.CSafeLoader)
        data.pop("defaults", None)  # the models know only layers that are complete
        Spec.model_validate({**data, "layers": [layer(each) for each in data["layers"]]})


def layer(data: Any) -> Layer:
    """The model of a layer, and of those inside it."""
    if isinstance(data, str):
        data = {data: {}}
    beside = {key: value for key, value in data.items() if key == "name"}
    ((kind, fields),) = (entry for entry in data.items() if entry[0] not in beside)
    cls = layer_class(kind)
    fields = {**(fields or {}), **beside}
    for field in cls.activation_fields:
        if field in fields:
            fields[field] = layer(fields[field])
    for field in cls.sequence_fields:
        if field in fields:
            fields[field] = [layer(each) for each in fields[field]]
    return cls.model_validate(fields)


def user_seconds(work: Callable[[Path], None], folder: Path) -> float:
    """The processor time that work takes in this process, less what the system does for it."""
    gc.collect()
    start = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    work(folder)
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime - start


if __name__ == "__main__":
    main()
