"""An ONNX file run by onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnnkit.importing.model import NotRunError

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array


@dataclass(frozen=True)
class OnnxRuntime:
    """Runs a file, whose inputs and outputs have names.

    Attributes:
        path: The file.
        inputs: What it calls its inputs, by our names.
        outputs: The same of its outputs.
    """

    path: Path
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    name: str = "onnxruntime"

    def __call__(self, batch: Array) -> Array:
        """What the model of one input and one output gives for a batch.

        Raises:
            NotRunError: onnxruntime is not installed, or cannot run it.
        """
        (output,) = self.run(dict.fromkeys(self.inputs, batch)).values()
        return output

    def run(self, given: Mapping[str, Array]) -> Mapping[str, Array]:
        """What the model gives for a batch of each input.

        Raises:
            NotRunError: onnxruntime is not installed, or cannot run it.
        """
        import numpy as np

        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise NotRunError(
                "onnxruntime is not installed: pip install 'cnnkit[import]'"
            ) from error
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # its warnings are about the model, which we do not change
        fed = {self.inputs[name]: batch for name, batch in given.items()}
        try:
            session = onnxruntime.InferenceSession(
                str(self.path), options, providers=["CPUExecutionProvider"]
            )
            found = session.run(list(self.outputs.values()), fed)
        except Exception as error:  # onnxruntime has no common base of its errors
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise NotRunError(f"onnxruntime cannot run the model: {reason}") from error
        return dict(zip(self.outputs, map(np.asarray, found), strict=True))
