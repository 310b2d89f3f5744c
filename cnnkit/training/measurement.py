"""All that is said of a split: of sums over its examples, and of what each of them was answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnnkit.tasks.metric import is_metric, of_output
from cnnkit.training.compute.boundary import Borders
from cnnkit.training.compute.calibration import reliability
from cnnkit.training.compute.figures import figures, figures_of_scores
from cnnkit.training.compute.loss import probabilities
from cnnkit.training.compute.metrics import matrix_of, of_pixels, summarize, summarize_pixels
from cnnkit.training.compute.objective import ONLY
from cnnkit.training.compute.ranking import Answers, precision_area, roc_area
from cnnkit.training.compute.state import MetricSums
from cnnkit.training.prepare.material import Material, SplitName

if TYPE_CHECKING:
    from cnnkit.training.engine import Engine

Scores = NDArray[np.float32]


def answers_of(engine: Engine, part: str, scores: Scores, name: SplitName) -> Answers | None:
    """What the scores of an output say of a split's examples; None of values.

    Args:
        engine: What they were computed by.
        part: The name of the output; "" where it is alone.
        scores: ``[N, K]``, as ``Engine.scores`` gives them.
        name: The split.
    """
    of, material = engine.steps.parts[part], engine.material.of_output(part)
    if not of.train.loss.of_classes:
        return None
    said = np.asarray(probabilities(jnp.asarray(scores), of.train, of.final))
    targets = material.examples(name).targets[material.indices(name)]
    if of.train.loss.compares > 1:
        return Answers.of(said, targets, "pairs")
    return Answers.of(said, targets, "labels" if of.multi_label else "classes")


def measured_of_all(
    totals: MetricSums, material: Material, answers: Mapping[str, Answers | Borders | None]
) -> dict[str, Any]:
    """All metrics of a split; of several outputs theirs by name, and as ``outputs`` all of each.

    Args:
        totals: Sums, on the host.
        material: What they are of.
        answers: What was said of each example, of each output by its name.
    """
    if not totals.outputs:
        return measured(totals, material.dataset.classes, answers.get(ONLY))
    outputs = {
        name: measured(totals.outputs[name], of.classes, answers.get(name))
        for name, of in material.dataset.outputs.items()
    }
    metrics = {
        of_output(output, name): value
        for output, each in outputs.items()
        for name, value in each.items()
        if is_metric(name)
    }
    loss = figures(totals)["loss"]
    return {"examples": int(totals.examples), **metrics, "loss": loss, "outputs": outputs}


def measured(
    totals: MetricSums, classes: tuple[str, ...], answers: Answers | Borders | None = None
) -> dict[str, Any]:
    """All metrics of a split: its means, each class's figures, the confusion matrix.

    Args:
        totals: Sums, on the host.
        classes: The names of the classes.
        answers: What was said of each example, from which the metrics follow that sums do not
            give; None leaves these out.
    """
    means = {"examples": int(totals.examples), **figures(totals)}
    if answers is not None:
        means |= figures_of_scores(answers)
    counts = np.asarray(totals.confusion)
    if of_pixels(counts):
        return _of_pixels(summarize_pixels(matrix_of(counts)).to_dict(), means, classes)
    if counts.ndim == 1 or len(counts) == 1:  # of values, and of triplets
        return means
    summary = {**summarize(counts).to_dict(), **means}
    rows = summary["classes"]
    names = names_of(classes, len(rows))
    per_class = [{"name": name, **row} for name, row in zip(names, rows, strict=True)]
    if isinstance(answers, Answers):
        for key, area in (("roc_auc", roc_area), ("average_precision", precision_area)):
            for row, value in zip(per_class, answers.each(area), strict=True):
                row[key] = value
        if summary.get("calibration_error") is not None:
            summary["reliability"] = [each._asdict() for each in reliability(answers)]
    return {**summary, "classes": per_class}


def _of_pixels(
    summary: dict[str, Any], means: dict[str, Any], classes: tuple[str, ...]
) -> dict[str, Any]:
    """All metrics of pixels, with the names of the classes."""
    rows = summary["classes"]
    names = names_of(classes, len(rows))
    per_class = [{"name": name, **row} for name, row in zip(names, rows, strict=True)]
    return {**summary, **means, "classes": per_class}


def names_of(classes: tuple[str, ...], count: int) -> tuple[str, ...]:
    """The names of so many classes or labels; their numbers where they have none."""
    if len(classes) < count:  # masks need not have a pixel of the last ones
        return (*classes, *map(str, range(len(classes), count)))
    return classes[:count]
