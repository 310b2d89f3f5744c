"""An ONNX file run by onnxruntime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnnkit.importing.model import NotRunError

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array


@dataclass(frozen=True)
class OnnxRuntime:
    """Runs a file, whose input has a name."""

    path: Path
    input_name: str
    name: str = "onnxruntime"

    def __call__(self, batch: Array) -> Array:
        """What the model gives for a batch.

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
        try:
            session = onnxruntime.InferenceSession(
                str(self.path), options, providers=["CPUExecutionProvider"]
            )
            (given,) = session.run(None, {self.input_name: batch})
        except Exception as error:  # onnxruntime has no common base of its errors
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise NotRunError(f"onnxruntime cannot run the model: {reason}") from error
        return np.asarray(given)
