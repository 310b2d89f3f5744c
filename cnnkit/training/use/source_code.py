"""A network as source code of another framework with its weights beside it, loaded and compared."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from json import dumps
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import ExportError, SpecError, UsageError
from cnnkit.export import TARGETS, convert
from cnnkit.export.loading import names_of, order_of, with_loader
from cnnkit.network.weights_file import written
from cnnkit.spec.graph import Node
from cnnkit.training.use.export import answers, batches, distances, write
from cnnkit.training.use.weights import Weights

_RUN: Final = """
import runpy, sys
import numpy as np
_, code, inputs, outputs, target = sys.argv
model = runpy.run_path(code)["trained"]()
x = np.load(inputs)
if target == "torch":
    import torch
    with torch.no_grad():
        y = model(torch.from_numpy(x)).numpy()
elif target == "keras":
    import keras
    y = keras.ops.convert_to_numpy(model(keras.ops.convert_to_tensor(x), training=False))
else:
    y = model(x)
np.save(outputs, np.asarray(y))
"""
_TIME = 600


class Written(NamedTuple):
    """What was written.

    Attributes:
        code: The file.
        weights: The file of weights beside it.
        compared: Whether the framework is there, and gave our own output.
    """

    code: Path
    weights: Path
    compared: bool


def export_source_code(weights: Weights, target: str, path: Path) -> Written:
    """Writes a file of a framework and the weights beside it, which the file loads.

    Where the framework is installed, the file is run in a process of its own, and its output is
    compared with ours before either is there.

    Args:
        weights: The network.
        target: A key of ``cnnkit.export.TARGETS``.
        path: The file; the weights have its name, with `.safetensors`.

    Raises:
        SpecError: The framework cannot say the network.
        UsageError: It has several inputs or outputs.
        ExportError: The file does not run, or gives something else than the network.
    """
    if len(weights.graph.inputs) + len(weights.graph.outputs) > 2:
        raise UsageError(
            f"--to {target} writes networks of one input and one output with their weights, and "
            "this one has more: `cnnkit convert` writes its code, `--to safetensors` its weights"
        )
    conversion = convert(weights.spec, target)
    if conversion.code is None:
        raise SpecError(conversion.findings)
    beside = path.with_suffix(".safetensors")
    code = with_loader(conversion.code, target, beside.name)
    nodes = {node.path: node for node in weights.graph.nodes}
    arrays: dict[str, NDArray[np.float32]] = {}
    for name, array in weights.arrays.items():
        owner, _, weight = name.rpartition(".")
        arrays |= layout(target, nodes[owner], weight, array)
    order = dumps(order_of(weights.graph, target), ensure_ascii=False)
    content = written(arrays, {**weights.metadata(), "cnnkit.order": order, "cnnkit.for": target})
    compared = find_spec(target) is not None
    if compared:
        with tempfile.TemporaryDirectory(prefix="cnnkit-") as folder:
            trial = Path(folder) / "network.py"
            write(trial, code.encode())
            write(trial.with_name(beside.name), content)
            _compare(weights, target, trial)
    write(beside, content)
    write(path, code.encode())
    return Written(path, beside, compared)


def layout(
    target: str, node: Node, weight: str, array: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    """What an array becomes in a framework, by name.

    Ours are ``[*kernel, channels / groups, filters]``; PyTorch has filters and channels first, of a
    transposed convolution channels and filters; Keras has of that the filters before the channels.
    Of what has a value for each cell PyTorch has the channels first, as of a spectral norm's vector
    of what a filter reads, and the gates of a GRU are r, z, n there.
    """
    names, kind = names_of(target, node, weight), node.layer.kind
    if target == "torch" and kind in ("lstm", "gru"):
        if kind == "gru":
            z, r, n = np.split(array, 3, axis=-1)
            array = np.concatenate([r, z, n], axis=-1)
        parts = [*array] if len(names) > 1 else [array.T]
        return dict(zip(names, parts, strict=True))
    (name,) = names
    return {name: _one_layout(target, node, weight, array)}


def _one_layout(
    target: str, node: Node, weight: str, array: NDArray[np.float32]
) -> NDArray[np.float32]:
    kind = node.layer.kind
    if target == "torch" and (kind in ("position_embedding", "prelu") or weight == "v"):
        return np.moveaxis(array, -1, 0)
    if not weight.endswith("kernel") or target == "flax" or kind == "locally_connected":
        return array
    if target == "keras":
        return np.swapaxes(array, -1, -2) if kind == "transposed_conv" else array
    if kind == "transposed_conv":
        parts = np.split(array, int(getattr(node.layer, "groups", 1)), axis=-1)
        return np.concatenate([np.moveaxis(part, (-2, -1), (0, 1)) for part in parts])
    return np.moveaxis(array, (-1, -2), (0, 1))


def _compare(weights: Weights, target: str, code: Path) -> None:
    """Runs a file as a user would, and compares what it gives.

    Raises:
        ExportError: It does not run, or gives something else.
    """
    batch = batches(weights, None)
    expected = answers(weights, batch, None)
    (inputs,) = batch.values()
    given, found = code.with_name("inputs.npy"), code.with_name("outputs.npy")
    first = target == "torch"
    np.save(given, np.ascontiguousarray(np.moveaxis(inputs, -1, 1)) if first else inputs)
    command = [sys.executable, "-c", _RUN, str(code), str(given), str(found), target]
    done = subprocess.run(  # noqa: S603 - our own code, of a spec that was read
        command,
        capture_output=True,
        text=True,
        timeout=_TIME,
        check=False,
        # Keras runs on JAX where nobody says otherwise; on a CPU, which rounds as ours does.
        env={"KERAS_BACKEND": "jax", **os.environ, "JAX_PLATFORMS": "cpu"},
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise ExportError(f"the file of {TARGETS[target]} does not run: {reason}")
    outputs = np.load(found)
    last = np.moveaxis(outputs, 1, -1) if first else outputs
    distances(dict.fromkeys(expected, last), expected, f"the file of {TARGETS[target]}")
