"""Runs models of Keras with one backend, in a process of its own: ``keras_backend.py FILE``.

Keras chooses its backend once, when it is imported, by ``KERAS_BACKEND``. The file holds pickled
models; what they give, or the error that one raises, takes its place.
"""

from __future__ import annotations

import pickle
import sys
import traceback
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Model(NamedTuple):
    """A file that was converted, the function in it that makes the model, its weights, a batch."""

    code: str
    name: str
    heads: bool
    weights: dict[str, list[np.ndarray]]
    x: np.ndarray


def output(model: Model) -> np.ndarray:
    """The output of a model, the first where it has several."""
    import keras

    module: dict[str, Any] = {"__name__": "converted"}
    exec(compile(model.code, "<keras>", "exec"), module)  # noqa: S102 - our own code
    keras.backend.clear_session()
    made = module[model.name](**({"heads": True} if model.heads else {}))
    for name, arrays in model.weights.items():
        layer = made.get_layer(name)
        pairs = zip(arrays, layer.weights, strict=True)
        layer.set_weights([array.reshape(weight.shape) for array, weight in pairs])
    y = made.predict_on_batch(model.x)
    return np.asarray(y[0] if model.heads else y)


def main(path: Path) -> None:
    """Replaces the models of a file by their outputs."""
    found: dict[str, np.ndarray | str] = {}
    for name, model in pickle.loads(path.read_bytes()).items():  # noqa: S301 - our own file
        try:
            found[name] = output(Model(*model))
        except Exception:  # the test shows it
            found[name] = traceback.format_exc()
    path.write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
