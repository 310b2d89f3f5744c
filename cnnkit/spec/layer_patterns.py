"""Which layers the patterns of `train:` name: paths of the report, `*` for any characters.

A pattern names the layer at a path, and all that is inside it: ``layers.stage2`` also the kernel
of ``layers.stage2.bottleneck[1].layers.0``, and ``layers.stage*`` all stages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from cnnkit.errors import Finding, did_you_mean
from cnnkit.spec.graph import Graph
from cnnkit.spec.language.place import inmost
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.text.scalars import shortened

if TYPE_CHECKING:
    from cnnkit.spec.model.training import Train

_MOST_SHOWN = 6
_TOP = "layers."


def names(pattern: str, path: str) -> bool:
    """Whether a pattern names the layer at a path, or one that it stands in.

    >>> names("layers.stage*", "layers.stage2.bottleneck[1].layers.0")
    True
    >>> names("layers.1", "layers.10")
    False
    """
    return _expression(pattern).fullmatch(path) is not None


def frozen(train: Train | None, paths: Iterable[str]) -> frozenset[str]:
    """Those of some paths of operations whose weights a recipe keeps as they are at first."""
    freeze = None if train is None else train.freeze
    if freeze is None:
        return frozenset()
    return frozenset(path for path in paths if any(names(each, path) for each in freeze.layers))


def untrained(train: Train | None, graph: Graph) -> frozenset[str]:
    """The operations of a network whose weights a recipe keeps as they are to the end."""
    if train is None or train.unfreeze is not None:
        return frozenset()
    return frozen(train, [node.path for node in graph.nodes if node.effect.weights])


def multiple(rates: Mapping[str, float], path: str) -> float:
    """The multiple of the learning rate of an operation; of several that name it the last."""
    found = [factor for pattern, factor in rates.items() if names(pattern, path)]
    return found[-1] if found else 1.0


def faults(spec: Spec, graph: Graph) -> Iterator[Finding]:
    """What `train:` says of layers that are not there, have no weights, or cannot begin so.

    Args:
        spec: The spec.
        graph: Its network.
    """
    train = spec.train
    if train is None or graph.output is None:
        return
    if train.whiten is not None and (fault := train.whiten.fault(graph)) is not None:
        yield _finding(spec, fault.field, fault.rule, fault.message, fault.help or "")
    patterns: dict[tuple[str | int, ...], str] = {}
    if train.freeze is not None:
        patterns |= {("freeze", at): each for at, each in enumerate(train.freeze.layers)}
    patterns |= {("learning_rate", "layers", each): each for each in train.learning_rate.layers}
    if not patterns:
        return
    layers = [group.path for group in graph.root.walk() if group.path]
    weighted = [node.path for node in graph.nodes if node.effect.weights]
    whole = True
    for place, pattern in patterns.items():
        if not any(names(pattern, path) for path in (*layers, *weighted)):
            message = f"no layer is at `{shortened(pattern)}`"
            yield _finding(spec, place, "unknown-name", message, _near(pattern, layers))
        elif not any(names(pattern, path) for path in weighted):
            message = f"what is at `{shortened(pattern)}` has no weights"
            advice = f"there are weights at {_some(weighted)}"
            yield _finding(spec, place, "wrong-value", message, advice)
        else:
            continue
        whole = False
    learnt = {
        node.path for node in graph.nodes if any(each.trainable for each in node.effect.weights)
    }
    if whole and learnt and train.unfreeze is None and frozen(train, learnt) == learnt:
        message = "`freeze` names all layers that have weights, so that none is left to train"
        advice = "leave one out, such as the last, or say when all are trained: `unfreeze: {at: 5}`"
        yield _finding(spec, ("freeze",), "wrong-value", message, advice)


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))) + r"(\..*)?", re.DOTALL)


def _near(pattern: str, layers: list[str]) -> str:
    # Without the word that all begin with, by which any two are alike.
    if near := did_you_mean(pattern.removeprefix(_TOP), [each[len(_TOP) :] for each in layers]):
        return f"did you mean `{_TOP}{near}`?"
    return f"there are {_some([path for path in layers if path.count('.') == 1])}"


def _some(paths: list[str]) -> str:
    more = ", …" if len(paths) > _MOST_SHOWN else ""
    return ", ".join(f"`{path}`" for path in paths[:_MOST_SHOWN]) + more


def _finding(
    spec: Spec, place: tuple[str | int, ...], rule: str, message: str, advice: str
) -> Finding:
    document = spec.origin.document
    if place[0] == "freeze" and len(place) > 1 and document is not None:
        named = inmost(document, ("train", "freeze", "layers"))  # as a list, or among fields
        if named is not inmost(document, ("train", "freeze")):
            place = ("freeze", "layers", *place[1:])
    where = None if document is None else inmost(document, ("train", *place)).location()
    return Finding(rule, "error", message, advice, where)
