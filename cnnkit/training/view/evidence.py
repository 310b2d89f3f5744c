"""What is measured at the end of a run, for its diagnosis: beside the curves, not of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cnnkit.training.view.baseline import ClassBaseline, PixelBaseline, RegressionBaseline


@dataclass(frozen=True)
class Evidence:
    """What a diagnosis knows of a run; None for what was not measured.

    Attributes:
        training: The figures over the training split by the weights of the last epoch, as they are
            outside of training: without augmentation and dropout, norms by their running averages.
        kept: All figures over the validation split, by the weights that are kept.
        updates: How often the weights were changed.
        alike: The loss of calling all classes equally probable.
        variance: That of the values of the validation split.
    """

    training: Mapping[str, Any] | None = None
    kept: Mapping[str, Any] | None = None
    updates: int | None = None
    alike: float | None = None
    variance: float | None = None

    @property
    def classes(self) -> ClassBaseline | None:
        """How the weights that are kept do on classes or labels."""
        if self.kept is None or "confusion" not in self.kept or "pixels" in self.kept:
            return None
        return ClassBaseline(self.kept)

    @property
    def pixels(self) -> PixelBaseline | None:
        """How they do on pixels."""
        if self.kept is None or "pixels" not in self.kept:
            return None
        return PixelBaseline(self.kept)

    @property
    def values(self) -> RegressionBaseline | None:
        """How they do on values."""
        error = (self.kept or {}).get("mean_squared_error")
        if self.kept is None or error is None or not self.variance:
            return None
        return RegressionBaseline(error, self.variance, self.kept["examples"])

    @property
    def balanced(self) -> bool:
        """Whether errors are those of the mean class: of imbalanced classes others say little."""
        return self.classes is not None and self.classes.imbalanced

    @property
    def scale(self) -> float:
        """How many times as many examples were trained on as the validation has."""
        if self.training is None or self.kept is None:
            return 1.0
        return float(self.training["examples"] / max(self.kept["examples"], 1))

    @property
    def too_fast(self) -> bool:
        """Whether training ended above what an answer that looks at no input gives."""
        loss, error = ((self.training or {}).get(name) for name in ("loss", "mean_squared_error"))
        if self.alike is not None and loss is not None:
            return bool(loss > _ABOVE * self.alike)
        if self.variance and error is not None:
            return bool(error > _ABOVE * self.variance)
        return False


_ABOVE = 1.5
