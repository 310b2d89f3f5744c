"""How fast ONNX graphs are imported: read, structured, written and read again as a spec.

- ResNet-50, as the package `onnx` ships it, in under 1.5 s.
- DenseNet-201, written here node by node, in under 4 s.

Both without the proof, which runs the networks; in a process that has imported what it needs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from measuring import Measure, Seconds, heading, in_turn, machine, milliseconds, table, versions

from cnnkit.importing import import_model

BARS: dict[str, Seconds] = {"resnet-50": 1.5, "densenet-201": 4.0}
SHIPPED = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


def densenet_201(path: Path) -> None:
    """Writes the graph of DenseNet-201 (Huang et al., 2017), its weights all alike."""
    nodes: list[Any] = []
    arrays: list[Any] = []

    def add(operator: str, *inputs: str, **attributes: Any) -> str:
        output = f"t{len(nodes)}"
        nodes.append(onnx.helper.make_node(operator, inputs, [output], **attributes))
        return output

    def weight(*shape: int) -> str:
        name = f"w{len(arrays)}"
        arrays.append(onnx.numpy_helper.from_array(np.full(shape, 0.01, np.float32), name))
        return name

    def conv(x: str, channels: int, filters: int, kernel: int, **attributes: Any) -> str:
        edge = kernel // 2
        pads = [edge] * 4
        return add("Conv", x, weight(filters, channels, kernel, kernel), pads=pads, **attributes)

    def norm(x: str, channels: int) -> str:
        arrays_of_norm = [weight(channels) for _ in range(4)]
        return add("Relu", add("BatchNormalization", x, *arrays_of_norm))

    x, channels = norm(conv("x", 3, 64, 7, strides=[2, 2]), 64), 64
    x = add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for stage, layers in enumerate((6, 12, 48, 32)):
        maps = [x]
        for _ in range(layers):
            whole = add("Concat", *maps, axis=1) if len(maps) > 1 else x
            y = conv(norm(whole, channels), channels, 128, 1)
            maps.append(conv(norm(y, 128), 128, 32, 3))
            channels += 32
        x = add("Concat", *maps, axis=1)
        if stage < 3:
            x = conv(norm(x, channels), channels, channels // 2, 1)
            x = add("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
            channels //= 2
    x = add("Flatten", add("GlobalAveragePool", norm(x, channels)))
    x = add("Gemm", x, weight(1000, channels), weight(1000), transB=1)
    graph = onnx.helper.make_graph(
        nodes,
        "densenet-201",
        [onnx.helper.make_tensor_value_info("x", 1, [1, 3, 224, 224])],
        [onnx.helper.make_tensor_value_info(x, 1, None)],
        arrays,
    )
    opsets = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets), path)


def imported(path: Path, parameters: int) -> Measure:
    """Measures one import, whose parameters are known."""

    def measure() -> Seconds:
        start = time.perf_counter()
        found = import_model(path)
        taken = time.perf_counter() - start
        assert found.parameters == parameters
        return taken

    return measure


def main() -> int:
    """Prints a table, or JSON; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=7, help="imports of each")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="one import, to see that it runs")
    options = parser.parse_args()
    n = 1 if options.quick else options.n
    with TemporaryDirectory() as folder:
        path = Path(folder) / "densenet-201.onnx"
        densenet_201(path)
        # Parameters as torchvision publishes them.
        sides = {
            "resnet-50": imported(SHIPPED / "light_resnet50.onnx", 25_557_032),
            "densenet-201": imported(path, 20_013_928),
        }
        medians = in_turn(sides, n)
    if options.json:
        print(json.dumps({"importing": {"seconds": medians, "bars": BARS}, **machine()}))
    else:
        print(f"{heading(machine() | versions('cnnkit', 'onnx'))}; medians of n = {n}\n")
        rows = [(name, milliseconds(taken), f"{BARS[name]:g} s") for name, taken in medians.items()]
        print(table(("network", "import", "bar"), rows))
    return int(not options.quick and any(medians[name] > bar for name, bar in BARS.items()))


if __name__ == "__main__":
    sys.exit(main())
