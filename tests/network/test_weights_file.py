"""Weights as a file: what is written is read again, and what is no such file is one finding."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="the extra `export` is not installed")
pytest.importorskip("flax")

import cnnkit
from cnnkit.errors import DataError, SpecError, UsageError
from cnnkit.network.weights import arrays_of, put_arrays
from cnnkit.network.weights_file import WeightsFile, metadata_of, read_weights, written
from cnnkit.spec.graph import Graph
from cnnkit.spec.tracing import trace

SPEC = """
input: 4x4x2
layers:
  - {name: stem, conv: {filters: 3, kernel: 3, bias: false}}
  - batch_norm
  - flatten
  - dense: {units: 2}
"""
SHAPES = {
    "layers.stem.kernel": (3, 3, 2, 3),
    "layers.1.scale": (3,),
    "layers.1.shift": (3,),
    "layers.1.mean": (3,),
    "layers.1.variance": (3,),
    "layers.3.kernel": (12, 2),
    "layers.3.bias": (2,),
}


@pytest.fixture
def graph() -> Graph:
    spec = cnnkit.load(SPEC)
    return trace(spec.layers, spec.input, spec.rounding)


def arrays() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    return {name: draw.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}


def refused(path: Path, graph: Graph) -> list[tuple[str, str, str | None]]:
    with pytest.raises(SpecError) as error:
        read_weights(path, graph)
    return [(each.rule, each.message, each.path) for each in error.value.findings]


def test_names_are_the_paths_and_values_come_back(tmp_path: Path, graph: Graph) -> None:
    network = cnnkit.build(cnnkit.load(SPEC), 1)
    assert {name: each.shape for name, each in arrays_of(network).items()} == SHAPES
    given = arrays()
    put_arrays(network, given)
    path = tmp_path / "w.safetensors"
    path.write_bytes(written(arrays_of(network), metadata_of("input: 1", classes=["a", "ß"])))
    found = read_weights(path, graph)
    assert set(found.arrays) == set(SHAPES)
    for name, array in given.items():
        np.testing.assert_array_equal(found.arrays[name], array)
    assert found.metadata == {
        "cnnkit.spec": "input: 1",
        "cnnkit.version": cnnkit.__version__,
        "cnnkit.classes": '["a", "ß"]',
    }
    assert found.said("classes") == ["a", "ß"]
    assert found.said("metrics") is None


def test_a_missing_file_is_wrong_usage(tmp_path: Path, graph: Graph) -> None:
    with pytest.raises(UsageError) as error:
        read_weights(tmp_path / "none.safetensors", graph)
    assert str(error.value) == (
        f"{tmp_path / 'none.safetensors'} is not there: give the weights as "
        "--weights FILE.safetensors"
    )
    with pytest.raises(UsageError, match="is a folder: give the weights"):
        read_weights(tmp_path, graph)


def test_arrays_that_are_missing_left_over_or_of_another_shape(
    tmp_path: Path, graph: Graph
) -> None:
    given = arrays()
    del given["layers.3.bias"]
    given["layers.1.scale"] = np.zeros(4, np.float32)
    given["layers.9.kernel"] = np.zeros(1, np.float32)
    path = tmp_path / "w.safetensors"
    path.write_bytes(written(given, {}))
    assert refused(path, graph) == [
        ("missing-field", f"{path} has no `layers.3.bias`, which has 2", "layers.3"),
        (
            "shape-mismatch",
            f"`layers.1.scale` has the shape 4 in {path}, the layer needs 3",
            "layers.1",
        ),
        ("unknown-name", f"{path} has `layers.9.kernel`, the spec does not", None),
    ]


def test_many_of_a_kind_are_counted(tmp_path: Path, graph: Graph) -> None:
    strays = {f"other.{number}": np.zeros(1, np.float32) for number in range(9)}
    path = tmp_path / "w.safetensors"
    path.write_bytes(written(arrays() | strays, {}))
    found = refused(path, graph)
    assert len(found) == 6
    assert found[-1] == ("unknown-name", f"{path}: 4 more arrays like these", None)


def test_another_type(tmp_path: Path, graph: Graph) -> None:
    given = arrays() | {"layers.3.bias": np.zeros(2, np.float16)}
    path = tmp_path / "w.safetensors"
    path.write_bytes(written(given, {}))
    assert refused(path, graph) == [
        (
            "wrong-type",
            f"`layers.3.bias` is of type F16 in {path}; weights are float32, F32",
            "layers.3",
        )
    ]


def test_values_that_are_no_numbers(tmp_path: Path, graph: Graph) -> None:
    given = arrays()
    given["layers.3.bias"][1] = np.nan
    path = tmp_path / "w.safetensors"
    path.write_bytes(written(given, {}))
    assert refused(path, graph) == [
        ("wrong-value", f"{path}: `layers.3.bias` holds NaN or infinite values", None)
    ]


def header(text: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text


OUTSIDE = {"layers.3.bias": {"dtype": "F32", "shape": [2], "data_offsets": [0, 2**60]}}
HUGE = {"layers.3.bias": {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 8]}}
DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "short": lambda whole: whole[:5],
    "cut in the header": lambda whole: whole[:40],
    "cut in the arrays": lambda whole: whole[:-1],
    "more than the arrays": lambda whole: whole + b"\0",
    "a header of 8 EiB": lambda whole: header(b"{}", 2**63),
    "a header beyond the file": lambda whole: header(b"{}", 10**6),
    "no JSON": lambda whole: header(b"\xff" * 40),
    "a list": lambda whole: header(b"[]"),
    "deep": lambda whole: header(b"[" * 10_000),
    "arrays outside": lambda whole: header(json.dumps(OUTSIDE).encode()) + b"\0" * 8,
    "shapes that overflow": lambda whole: header(json.dumps(HUGE).encode()) + b"\0" * 8,
    "a type there is none of": lambda whole: whole.replace(b'"F32"', b'"F99"'),
    "a pickle": lambda whole: b"\x80\x04\x95" + whole,
}


@pytest.mark.parametrize("how", DAMAGED)
def test_what_is_no_such_file_is_one_finding(how: str, tmp_path: Path, graph: Graph) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(DAMAGED[how](written(arrays(), {})))
    ((rule, message, _),) = refused(path, graph)
    assert rule == "unreadable-file"
    assert message.startswith(f"{path} is no file of safetensors that can be read: ")


def test_damaged_metadata_are_told() -> None:
    file = WeightsFile(Path("w.safetensors"), {}, {"cnnkit.classes": "[1,"})
    with pytest.raises(DataError, match=r"^w\.safetensors: `cnnkit\.classes` is damaged: "):
        file.said("classes")
