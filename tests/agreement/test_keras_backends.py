"""Converted Keras code gives the same values with the other backends of Keras."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import cnnkit
from cnnkit.export import convert
from cnnkit.export.code.functions import layer_name
from tests.agreement.converted import Case, case_of, close, keras_layout
from tests.agreement.corpus import CORPUS
from tests.agreement.keras_backend import Model

pytest.importorskip("keras", reason="Keras is not installed")


def model(case: Case, code: str) -> Model:
    """The converted network, as the other process takes it."""
    weights: dict[str, list[np.ndarray]] = {}
    for owned in case.owned:
        array = keras_layout(owned, owned.array)
        weights.setdefault(layer_name(owned.node.path), []).append(array)
    name = code.rsplit("model = ", 1)[1].split("(", 1)[0]
    return Model(code, name, bool(case.graph.sides), weights, case.x)


def outputs(backend: str, models: Mapping[str, Model], path: Path) -> dict[str, np.ndarray | str]:
    """What models give with a backend, or the error that one raises."""
    path.write_bytes(pickle.dumps({name: tuple(model) for name, model in models.items()}))
    program = Path(__file__).with_name("keras_backend.py")
    environment = {**os.environ, "KERAS_BACKEND": backend}
    subprocess.run([sys.executable, str(program), str(path)], check=True, env=environment)
    found: dict[str, np.ndarray | str] = pickle.loads(path.read_bytes())  # noqa: S301
    return found


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_outputs(backend: str, tmp_path: Path) -> None:
    """All networks at once, for a backend takes long to start; JAX has tests of its own."""
    if not find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    specs = {name: cnnkit.load(text) for name, text in CORPUS.items()}
    codes = {name: convert(spec, "keras").code for name, spec in specs.items()}
    cases = {name: case_of(specs[name], backwards=False) for name, code in codes.items() if code}
    models = {name: model(case, codes[name] or "") for name, case in cases.items()}
    for name, found in outputs(backend, models, tmp_path / "models").items():
        assert not isinstance(found, str), f"{name}: {found}"
        close(found, cases[name].output, name)
