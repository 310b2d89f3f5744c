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

from collections.abc import Iterator

from cnnkit.errors import Finding
from cnnkit.layers.base import Layer
from cnnkit.layers.shape import Shape, show
from cnnkit.rules.base import INPUT, Network, finding
from cnnkit.spec.model.training.loss import ByOutput, Loss

_CATEGORICAL = "categorical_cross_entropy"
_BINARY = "binary_cross_entropy"
_ENTROPIES = frozenset({_CATEGORICAL, _BINARY, "focal"})
_OF_SEQUENCES = frozenset({"recurrence", "attention"})
_LOGITS = "leave out the last activation, so that the outputs can be any number"


def check(network: Network) -> Iterator[Finding]:
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
        if loss in _ENTROPIES and (fault := _unreduced(network, index, output)):
            yield finding("head-loss-mismatch", *network.owner(index), *fault)
            continue
        last = network.operations[end].layer
        if fault := _fault(loss, last, output[-1]):
            layer, above = network.owner(end)
            field = () if layer.kind == last.kind else ("activation",)
            yield finding("head-loss-mismatch", layer, above, *fault, field)


def _ends(network: Network, loss: Loss) -> Iterator[tuple[int, str]]:
    """The ends of the network, and the loss of each."""
    if not isinstance(loss, ByOutput):
        if len(network.graph.outputs) == 1:
            yield from ((end, loss.kind) for end in network.ends)
        return
    for name, end in network.graph.outputs.items():
        if end > INPUT and name in loss.each:
            yield end, loss.each[name].kind


def _unreduced(network: Network, end: int, output: Shape) -> tuple[str, str] | None:
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
