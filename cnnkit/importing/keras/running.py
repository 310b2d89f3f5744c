"""A file of Keras run by Keras, where all that it names is Keras's own."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnkit.importing.model import ModuleRuntime, NotRunError

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array


@dataclass(frozen=True)
class KerasRuntime(ModuleRuntime):
    """Runs a file, once its configuration was read.

    Attributes:
        path: The file.
        config: The model.
        holds: Whether there are weights.
        outputs: The names of what goes out, in the order in which the model gives it.
    """

    path: Path
    config: Any
    holds: bool
    outputs: Sequence[str] = ()
    name: str = "Keras"

    def run(self, given: Mapping[str, Array]) -> Mapping[str, Array]:
        """What the model gives for a batch of each input, in their order.

        Raises:
            NotRunError: There are no weights, Keras is not installed, or it cannot run the model.
        """
        import numpy as np

        if not self.holds:
            raise NotRunError("the file holds no weights")
        foreign = sorted(set(_foreign(self.config)))
        if foreign:
            raise NotRunError(f"the model names code outside Keras, which is not run: {foreign[0]}")
        os.environ.setdefault("KERAS_BACKEND", "jax")
        try:
            import keras
        except (ModuleNotFoundError, ImportError) as error:
            raise NotRunError(f"Keras is not installed: pip install keras ({error})") from error
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about Keras's own ways with its arrays
                model = keras.models.load_model(self.path, compile=False, safe_mode=True)
                batches = list(given.values())
                several = len(batches) > 1  # of a mapping in the order of its names
                fed = keras.tree.pack_sequence_as(model.input, batches) if several else batches[0]
                flat = keras.tree.flatten(model(fed, training=False))
                arrays = [np.asarray(keras.ops.convert_to_numpy(each)) for each in flat]
        except Exception as error:  # Keras has no common base of its errors
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise NotRunError(f"Keras cannot run the model: {reason}") from error
        return dict(zip(self.outputs, arrays, strict=True))


def _foreign(value: Any) -> Iterator[str]:
    """The modules that a configuration names and that are not Keras's."""
    if isinstance(value, list):
        for each in value:
            yield from _foreign(each)
    elif isinstance(value, dict):
        module = value.get("module")
        if isinstance(module, str) and module.partition(".")[0] not in ("keras", "builtins"):
            yield module
        if value.get("class_name") in ("Lambda", "__lambda__"):
            yield str(value["class_name"])
        for each in value.values():
            yield from _foreign(each)
