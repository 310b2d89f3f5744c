"""The end of the network and the loss of `train:` do not fit each other.

## What it finds

The loss reads the output as probabilities where the network ends in `softmax` or `sigmoid`, else as
logits, scores that may be any number. Under a cross-entropy or focal loss these are faults:

- `categorical_cross_entropy` of one output, or behind a `sigmoid`: its outputs must be the
  probabilities of classes of which one is right, and add up to 1.
- `binary_cross_entropy` behind a `softmax`: each output is a yes or no of its own.
- any of them behind an activation that keeps logits from being any number, such as `relu`.
- any loss behind a `softmax` of one output, which is always 1.
- any of them of a sequence that was never made one vector: behind an `lstm` with `sequences`, or
  behind `attention`, each position has scores of its own, while an example has one target.

`mean_squared_error` takes any other end: of probabilities it is the Brier score. Side outputs, by
`head:`, are held to the same.

Where the network gives a map, `32x32x5`, each pixel has a target of its own. Then these are faults:

- a loss of pixels, such as `dice`, or `boundary_weights`, of a network that gives one vector, or a
  side output that gives a vector beside a map;
- a loss of values, such as `mean_squared_error`, of folders of `masks`;
- `mixup` or `cutmix`, which mix the targets of whole examples;
- `tiles`, where the network gives a vector, or cells that lie apart: what it gives of tiles is put
  together cell by cell;
- `early_stopping` by a metric of whole examples, such as `accuracy`, where there is `mean_iou`; or
  the other way round.

## Why

The training runs, its loss even falls, and the network learns something else than was meant: with
`relu` no class can become unlikely, and where all scores are 0 no gradient is left.

## Example

```yaml
input: 28x28x1
layers:
  - flatten
  - dense: {units: 10, activation: relu}
train: {data: digits, loss: categorical_cross_entropy}
```

## Instead

```yaml
input: 28x28x1
layers:
  - flatten
  - dense: {units: 10}
train: {data: digits, loss: categorical_cross_entropy}
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from cnnkit.analysis.receptive_field import fields_of_inputs
from cnnkit.errors import Finding
from cnnkit.layers.base import Layer
from cnnkit.layers.shape import Shape, show
from cnnkit.rules.base import INPUT, RuleContext, finding, place_in
from cnnkit.spec.model.training.loss import ByOutput, Loss
from cnnkit.tasks.metric import metric_of, of_output, split_name

if TYPE_CHECKING:
    from cnnkit.spec.model.training import Train

_CATEGORICAL = "categorical_cross_entropy"
_BINARY = "binary_cross_entropy"
_ENTROPIES = frozenset({_CATEGORICAL, _BINARY, "focal"})
_OF_SEQUENCES = frozenset({"recurrence", "attention"})
_LOGITS = "leave out the last activation, so that the outputs can be any number"


def check(network: RuleContext) -> Iterator[Finding]:
    """The ends of the network, its own and those of side outputs, that the loss cannot read."""
    train = network.analysis.spec.train
    if train is None or train.loss.compares > 1:
        return
    for index, loss in _ends(network, train.loss):
        end = index
        while _passes(network.operations[end].layer) and network.source(end) > INPUT:
            end = network.source(end)
        output = network.operations[index].output
        if output is None:
            continue
        entropies = [each.loss for each in loss.terms if each.loss.kind in _ENTROPIES]
        if entropies and (fault := _unreduced(network, index, output)):
            yield finding("head-loss-mismatch", *network.owner(index), *fault)
            continue
        last = network.operations[end].layer
        faults = (_fault(term.loss.kind, last, output[-1]) for term in loss.terms)
        if fault := next(filter(None, faults), None):
            layer, above = network.owner(end)
            field = () if layer.kind == last.kind else ("activation",)
            yield finding("head-loss-mismatch", layer, above, *fault, field)
    yield from _maps(network, train)


def _maps(network: RuleContext, train: Train) -> Iterator[Finding]:
    """What is of whole examples where the network answers for each pixel, or the other way."""
    given = {name: shape for name, shape in network.graph.given.items() if shape is not None}
    if len(given) != len(network.graph.outputs):
        return
    recipe = train.for_outputs(given)
    if of_outputs := recipe.of_outputs():
        found = {name: part for name, (part, _) in of_outputs.items() if name in given}
    elif len(given) == 1:
        found = {next(iter(given)): recipe}
    else:
        return
    for name, part in found.items():
        place = ("loss", name) if of_outputs else ("loss",)
        if part.loss.of_maps and not part.of_maps:
            yield _no_map(network, part.loss, given[name], place)
            return
        if _asks_values_of_masks(train, part):
            yield Finding(
                "head-loss-mismatch",
                "error",
                f"{part.loss.title} compares values, and `masks` have the class of each pixel",
                "take a loss of classes, such as `dice`, or call images that are to come out "
                "`targets: FOLDER`",
                place_in(network.analysis.spec, "train", *place),
            )
            return
    if not of_outputs:
        yield from _sides(network, next(iter(given.values())))
    if train.boundary_weights is not None and not recipe.of_maps:
        yield Finding(
            "head-loss-mismatch",
            "error",
            "`boundary_weights` weighs the pixels of maps, and the network gives one vector",
            "leave it out, or end the network in a map",
            place_in(network.analysis.spec, "train", "boundary_weights"),
        )
    yield from _mixed(network, train, recipe.of_maps)
    yield from _tiled(network, train, given)
    output, metric = split_name(recipe.monitor)
    watched = found.get(output) if of_outputs else recipe
    if watched is not None and not metric_of(metric).of_any(watched.tasks):
        what = "answers for each pixel" if watched.of_maps else "answers for whole examples"
        near = watched.default_monitor
        yield Finding(
            "head-loss-mismatch",
            "error",
            f"`early_stopping` watches `{recipe.monitor}`, and "
            f"{f'`{output}`' if output else 'the network'} {what}",
            f"write `metric: {of_output(output, near) if output else near}`",
            place_in(network.analysis.spec, "train", "early_stopping", "metric"),
        )


def _asks_values_of_masks(train: Train, part: Train) -> bool:
    """Whether folders of masks are to be compared as images are."""
    from cnnkit.spec.model.training import Images  # of specs with `train:` alone

    masks = train.data.masks if isinstance(train.data, Images) else None
    return masks is not None and train.target is None and not part.loss.of_classes


def _no_map(
    network: RuleContext, loss: Loss, output: Shape, place: tuple[str | int, ...]
) -> Finding:
    """A loss of pixels of an output that is a vector."""
    what = "the network" if len(network.graph.outputs) == 1 else f"`{place[-1]}`"
    return Finding(
        "head-loss-mismatch",
        "error",
        f"{loss.title} compares the pixels of maps, and {what} gives one vector of "
        f"{output[-1]:,} scores",
        "end the network in a map, as `conv: {filters: CLASSES, kernel: 1}` does, or take "
        "`categorical_cross_entropy`",
        place_in(network.analysis.spec, "train", *place),
    )


def _sides(network: RuleContext, output: Shape) -> Iterator[Finding]:
    """Side outputs that have no target in common with the output."""
    for end in network.ends:
        side = network.operations[end].output
        if side is not None and (len(side) > 1) != (len(output) > 1):
            yield finding(
                "head-loss-mismatch",
                *network.owner(end),
                f"this side output gives {show(side)}, and the network {show(output)}: they have "
                f"no target in common",
                "give both a map, or both a vector",
            )


def _mixed(network: RuleContext, train: Train, maps: bool) -> Iterator[Finding]:
    """Augmentations that mix the targets of whole examples, where there are maps."""
    from cnnkit.spec.model.training.augmentation import no_maps  # of specs with `train:` alone

    for index, each in enumerate(train.augment):
        if maps and each.mixes:
            fault = no_maps(each)
            place = place_in(network.analysis.spec, "train", "augment", index)
            yield Finding("head-loss-mismatch", "error", fault.message, fault.help, place)


def _tiled(network: RuleContext, train: Train, given: Mapping[str, Shape]) -> Iterator[Finding]:
    """Outputs of which tiles cannot be put together."""
    from cnnkit.spec.model.training import Images  # of specs with `train:` alone

    data = train.data
    if not isinstance(data, Images) or data.tiles is None or len(network.graph.inputs) > 1:
        return
    size = network.analysis.spec.input[:-1]
    fields, _, _ = fields_of_inputs(network.graph)
    for name, shape in given.items():
        end, extents = network.graph.outputs[name], shape[:-1]
        if extents == size or end <= INPUT:
            continue
        told = f"{show(extents)} of" if extents else "one vector of"
        apart = max((each.stride for each in fields[end] or ()), default=1)
        if extents and apart == 1:
            continue
        yield Finding(
            "head-loss-mismatch",
            "error",
            f"`tiles` are put together cell by cell, and the network gives {told} a tile of "
            f"{show(size)}" + (f", each cell {float(apart):g} from the next" if extents else ""),
            "bring its output to the resolution of its input, as `upsample` does, or leave `tiles` "
            "out",
            place_in(network.analysis.spec, "train", "data", "tiles"),
        )


def _ends(network: RuleContext, loss: Loss) -> Iterator[tuple[int, Loss]]:
    """The ends of the network, and the loss of each."""
    if not isinstance(loss, ByOutput):
        if len(network.graph.outputs) == 1:
            yield from ((end, loss) for end in network.ends)
        return
    for name, end in network.graph.outputs.items():
        if end > INPUT and name in loss.each:
            yield end, loss.each[name]


def _unreduced(network: RuleContext, end: int, output: Shape) -> tuple[str, str] | None:
    """What is wrong where the scores are those of each position of a sequence, and what to do."""
    if len(output) != 2:
        return None
    before = [network.operations[index].layer for index in network.before(end)]
    last = next((layer for layer in before if layer.family in _OF_SEQUENCES), None)
    if last is None:
        return None
    positions, scores = output
    ways = ["before the head `reduce: {over: 0, keep: false}`, the mean of all positions"]
    if last.family == "recurrence":
        ways.append(f"`{last.kind}` without `sequences`, its last step")
    if any(layer.kind == "class_token" for layer in before):
        ways.append("`slice: {axis: 0, start: 0, stop: 1}` and `flatten`, the class token")
    given = f"{show(output)}: {scores:,} scores at each of {positions:,} positions"
    return (
        f"the loss reads one vector of scores, the network gives {given}",
        f"{'; or '.join(ways)}; then `dense: {{units: {scores}}}`",
    )


def _passes(layer: Layer) -> bool:
    """Whether what goes out is what came in, or a part of it."""
    return layer.storage == "view" or layer.kind == "crop"


def _fault(loss: str, last: Layer, outputs: int) -> tuple[str, str] | None:
    """What is wrong with this loss behind this layer, and what to do."""
    kind = last.kind
    if outputs == 1 and (loss == _CATEGORICAL or last.of_classes):
        what = f"{loss} of 1 output" if loss == _CATEGORICAL else f"{kind} of 1 output"
        return (
            f"{what} has nothing to learn: of one class the probability is always 1",
            f"give each class an output; for a yes or no take `{_BINARY}`, without softmax",
        )
    if loss not in _ENTROPIES:
        return None
    if kind == "hard_sigmoid":
        return f"{kind} before {loss}: it reaches 0 and 1, whose logarithm is infinite", _LOGITS
    if kind == "sigmoid" and loss == _CATEGORICAL:
        return (
            f"sigmoid before {loss}: the {outputs:,} outputs do not add up to 1",
            f"`softmax`, where one class is right; `{_BINARY}`, where any number of them is",
        )
    if last.of_classes and loss == _BINARY:
        return (
            f"{kind} before {loss}: its {outputs:,} outputs add up to 1, as one yes among noes",
            f"`{_CATEGORICAL}`, where one class is right; `sigmoid`, where any number of them is",
        )
    if last.bounds and not last.of_classes and kind != "sigmoid":
        return f"{kind} before {loss}: it keeps the logits {last.bounds}", _LOGITS
    return None
