"""What to try next after a run, the most promising first, of what the recipe does not have."""

from __future__ import annotations

import math
from typing import Final

from cnnkit.spec.model.training import Train
from cnnkit.spec.model.training.loss import OfPixels
from cnnkit.tasks.metric import class_of
from cnnkit.training.view.evidence import Evidence

FEW_UPDATES: Final = 100
"""Updates below which a network has hardly begun to learn."""
_USUAL_SPREAD: Final = (0.1, 10.0)  # of values to predict, for which default rates are made


def against_over_fitting(stop_at: int | None, train: Train | None) -> tuple[str, ...]:
    """Where the training error is far below the validation error."""
    advice = ["more training data"]
    if train is None or not train.augment:
        advice.append(
            "augmentation, `augment: [{shift: 2}]`, which makes more of the data there is"
        )
    if stop_at is not None:
        stopping = "" if train and train.early_stopping else ", or `early_stopping: {patience: 5}`"
        advice.append(f"stop at epoch {stop_at}: `epochs: {stop_at}`{stopping}")
    weighed = train is not None and train.optimizer.weight_decay > 0
    more = "more of the regularization" if weighed else "regularization"
    advice.append(f"{more}: `weight_decay: 5e-4` in the optimizer, `dropout` before the last dense")
    advice.append("fewer layers, or fewer filters and units")
    return tuple(advice)


def against_under_fitting(
    epochs: int, evidence: Evidence, train: Train | None, *, falling: bool
) -> tuple[str, ...]:
    """Where both errors are high."""
    advice = ["more layers, or more filters and units", _rate(evidence)]
    few = _few(evidence)
    advice.insert(0 if falling or few else 2, f"more epochs than {epochs}{few}")
    if evidence.too_fast:
        advice.insert(0, advice.pop(advice.index(_rate(evidence))))
    if train is not None and (train.augment or train.optimizer.weight_decay > 0):
        advice.append("less augmentation and less regularization")
    if evidence.balanced and not evidence.too_fast:
        advice = [*_for_rare_classes(train), *advice]
    return tuple(advice)


def against_imbalance(evidence: Evidence, train: Train | None) -> tuple[str, ...]:
    """Where the rare classes are missed."""
    classes = evidence.classes
    missed = [row.name for row in classes.missed] if classes else []
    rare = missed[-1] if missed else None
    advice = _for_rare_classes(train)
    watched = train.monitor if train else None
    if train is None or watched == train.default_monitor:
        recall = f", or `recall.{rare}`" if rare else ""
        advice.append(
            "another metric to choose the best epoch by: `early_stopping: {metric: "
            f"balanced_accuracy, patience: 10}}`{recall}"
        )
    if rare is not None and watched is not None and class_of(watched) is None:
        advice.append(
            f"a threshold below one half for `{rare}`: `cnnkit predict` gives the probabilities"
        )
    advice.append(f"more examples of `{rare}`" if rare else "more examples of the rare classes")
    return tuple(advice)


def without_skill(epochs: int, evidence: Evidence, train: Train | None) -> tuple[str, ...]:
    """Where an answer that looks at no input does as well."""
    advice = []
    spread = math.sqrt(evidence.variance or 1.0)
    if not _USUAL_SPREAD[0] <= spread <= _USUAL_SPREAD[1]:
        advice.append(f"targets of mean 0 and deviation 1: the deviation of these is {spread:.3g}")
    if evidence.too_fast:
        advice.append(_rate(evidence))
    elif evidence.classes is not None and evidence.classes.imbalanced:
        advice += against_imbalance(evidence, train)
    elif evidence.pixels is not None:
        advice += _for_rare_classes(train)
        if train is not None and not any(isinstance(t.loss, OfPixels) for t in train.loss.terms):
            advice.append("a loss of regions beside the other: `loss: [dice, focal]`")
    if few := _few(evidence):
        advice.append(f"more epochs than {epochs}{few}")
    advice.append(
        "`--overfit-batch`, which says whether the network can learn one batch by heart, and "
        "`cnnkit data show`, whether the targets belong to the inputs"
    )
    if not evidence.too_fast:
        advice.append(_rate(evidence))
    return tuple(advice)


def of_balance(epochs: int, *, falling: bool) -> tuple[str, ...]:
    """Where neither error is high."""
    if falling:
        return (
            f"more epochs than {epochs}: the validation loss still falls",
            "then a larger network together with more data or augmentation",
        )
    return (
        "for less error, a larger network together with more data or augmentation",
        "before a change is believed, `cnnkit cross-validate`: small differences are chance",
    )


def _for_rare_classes(train: Train | None) -> list[str]:
    if train is not None and train.class_weights is not None:
        return []
    return ["`class_weights: balanced`, which makes each class pull alike"]


def _rate(evidence: Evidence) -> str:
    if evidence.too_fast:
        return "a lower learning rate, or `find`"
    return "a higher learning rate, or `find`"


def _few(evidence: Evidence) -> str:
    updates = evidence.updates
    if updates is None or updates >= FEW_UPDATES:
        return ""
    return f": there were only {updates:,} updates; a smaller `batch_size` makes more of them, too"
