"""The loss of a recipe as it is written: one, a sum, or one for each output; and its metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from cnnkit.errors import did_you_mean
from cnnkit.spec.language.faults import Fault, Faults, shown
from cnnkit.spec.model.training.loss import LOSSES, TOGETHER, ByOutput, Loss, Sum
from cnnkit.tasks.metric import CHOOSING, METRICS, metric_of, of_output, split_name
from cnnkit.tasks.task import OF_NUMBERS


def read_loss(value: object) -> Loss:
    """The loss that plain data names: one by its name, or one for each output by the output's.

    Each may be a list, which is a weighted sum.

    Raises:
        Faults: It names none, a field of one is wrong, or losses of a sum have no targets in
            common.
    """
    if not isinstance(value, Mapping) or not _by_output(value):
        return _of_one(value)
    if len(value) == 1:
        raise Faults(
            Fault(
                "wrong-value",
                "`loss` names one output, and a loss that is alone is written without",
                f"write `loss: {_shortly(next(iter(value.values())))}`",
            )
        )
    each: dict[str, Loss] = {}
    faults: list[Fault] = []
    for name, written in value.items():
        try:
            loss = _of_one(written)
        except Faults as found:
            faults += [fault.below((str(name),)) for fault in found.faults]
            continue
        if loss.compares > 1:
            faults.append(
                Fault(
                    "wrong-value",
                    f"`{loss.kind}` compares {loss.compares} outputs, and is given for one",
                    f"write `loss: {loss.kind}` alone",
                    (str(name),),
                )
            )
        each[str(name)] = loss
    if faults:
        raise Faults(*faults)
    return ByOutput.model_construct(each=each)


def _by_output(value: Mapping[Any, object]) -> bool:
    """Whether a mapping is of outputs; one key may be the name of a loss, with its fields."""
    if len(value) != 1:
        return bool(value)
    ((name, inner),) = value.items()
    known = {*LOSSES.kinds, *LOSSES.aliases}
    if name in known:
        return False
    parts = inner if isinstance(inner, list | tuple) and inner else [inner]
    return all(each in known if isinstance(each, str) else _names(each, known) for each in parts)


def _names(value: object, known: set[str]) -> bool:
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in known


def _shortly(written: object) -> object:
    """A loss as advice shows it."""
    return "[…]" if isinstance(written, list | tuple) else written


def _of_one(value: object) -> Loss:
    """The loss of one output; of a list the weighted sum."""
    if not isinstance(value, list | tuple):
        return _loss(value)
    if not value:
        raise Faults(
            Fault("wrong-value", "`loss` is a sum of nothing", f"write one, {LOSSES.example}")
        )
    parts = []
    for index, each in enumerate(value):
        try:
            parts.append(_weighted(each))
        except Faults as error:
            raise Faults(*(fault.below((index,)) for fault in error.faults)) from None
    if len(parts) == 1 and parts[0][1] == 1:
        return parts[0][0]
    for index, (loss, _) in enumerate(parts):
        if loss.compares > 1:
            raise Faults(
                Fault(
                    "wrong-value",
                    f"`{loss.kind}` compares {loss.compares} outputs, and is no part of a sum",
                    f"write `loss: {loss.kind}` alone",
                    (index,),
                )
            )
    total = Sum.model_construct(parts=tuple(parts))
    if not total.tasks:
        others = [loss.title for loss, _ in parts]
        raise Faults(
            Fault(
                "wrong-value",
                f"the sum of {' and '.join(others)} has no targets that all of them compare",
                "sum losses of one kind of targets: of classes, of pixels or of numbers",
            )
        )
    return total


def _loss(value: object) -> Loss:
    return cast(Loss, LOSSES.read(value))


def _weighted(value: object) -> tuple[Loss, float]:
    """A loss of a sum and its factor: `{dice: 2}`, `{focal: {gamma: 1, weight: 0.5}}` or `dice`."""
    weight: object = 1.0
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, fields),) = value.items()
        if isinstance(fields, Mapping) and "weight" in fields:
            weight = fields["weight"]
            value = {name: {key: each for key, each in fields.items() if key != "weight"}}
        elif isinstance(fields, int | float) and not isinstance(fields, bool):
            weight, value = fields, {name: {}}
        if not _is_factor(weight):
            at = (str(name), "weight") if isinstance(fields, Mapping) else (str(name),)
            raise Faults(
                Fault(
                    "wrong-value",
                    f"a loss cannot have the weight {shown(weight)} in a sum",
                    "write a number above 0",
                    at,
                )
            )
    return _loss(value), float(weight)  # type: ignore[arg-type]


def _is_factor(weight: object) -> bool:
    if isinstance(weight, bool) or not isinstance(weight, int | float):
        return False
    return 0 < weight < math.inf


def choosing(loss: Loss) -> list[str]:
    """The metrics that networks which are trained by a loss may be chosen by."""
    if isinstance(loss, ByOutput):
        return [
            *(of_output(name, each) for name, part in loss.each.items() for each in choosing(part)),
            TOGETHER,
        ]
    return [name for name in CHOOSING if METRICS[name].of_any(loss.tasks)]


def not_of_task(metric: str, loss: Loss) -> str | None:
    """Why no network that is trained by a loss has a metric; None where one may have it."""
    if isinstance(loss, ByOutput):
        output, own = split_name(metric)
        if output in loss.each:
            return not_of_task(own, loss.each[output])
        if metric == TOGETHER:
            return None
        near = did_you_mean(metric, choosing(loss))
        return f"each output has its own: {f'did you mean `{near}`?' if near else 'name it first'}"
    if split_name(metric)[0]:
        return "the network has one output, whose metrics have no other name"
    wanted = metric_of(metric).tasks
    if metric_of(metric).of_any(loss.tasks):
        return None
    if loss.compares > 1:
        return f"{loss.kind} has no such metric"
    of_numbers = not set(OF_NUMBERS).isdisjoint(wanted)
    if loss.of_classes == of_numbers:
        return f"{loss.title} has no {'values to predict' if loss.of_classes else 'classes'}"
    return f"{loss.title} is of {'pixels' if loss.of_maps else 'whole examples'} alone"
