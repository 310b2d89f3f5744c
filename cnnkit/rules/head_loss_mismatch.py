"""The end of the network and the loss of `train:` do not fit each other.

## What it finds

The loss reads the output as probabilities where the network ends in `softmax` or `sigmoid`, else as
logits, scores that may be any number. Under a cross-entropy or focal loss these are faults:

- `categorical_cross_entropy` of one output, or behind a `sigmoid`: its outputs must be the
  probabilities of classes of which one is right, and add up to 1.
- `binary_cross_entropy` behind a `softmax`: each output is a yes or no of its own.
- any of them behind an activation that keeps logits from being any number, such as `relu`.
- any loss behind a `softmax` of one output, which is always 1.

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
from cnnkit.rules.base import INPUT, Network, finding

_CATEGORICAL = "categorical_cross_entropy"
_BINARY = "binary_cross_entropy"
_ENTROPIES = frozenset({_CATEGORICAL, _BINARY, "focal"})
_PASSING = frozenset({"flatten", "reshape", "linear", "dropout", "spatial_dropout", "crop"})
_KEEPS = {
    "relu": "at 0 or above",
    "relu6": "between 0 and 6",
    "elu": "above −alpha",
    "selu": "above −1.76",
    "gelu": "above −0.17",
    "silu": "above −0.28",
    "mish": "above −0.31",
    "hard_silu": "at −0.375 or above",
    "softplus": "above 0",
    "tanh": "between −1 and 1",
}
_LOGITS = "leave out the last activation, so that the outputs can be any number"


def check(network: Network) -> Iterator[Finding]:
    """The ends of the network, its own and those of side outputs, that the loss cannot read."""
    train = network.analysis.spec.train
    if train is None:
        return
    for index in network.ends:
        end = index
        while network.operations[end].layer.kind in _PASSING and network.source(end) != INPUT:
            end = network.source(end)
        output = network.operations[index].output
        kind = network.operations[end].layer.kind
        if output is not None and (fault := _fault(train.loss.kind, kind, output[-1])):
            layer, above = network.owner(end)
            field = () if layer.kind == kind else ("activation",)
            yield finding("head-loss-mismatch", layer, above, *fault, field)


def _fault(loss: str, kind: str, outputs: int) -> tuple[str, str] | None:
    """What is wrong with this loss behind this kind of layer, and what to do."""
    if outputs == 1 and (loss == _CATEGORICAL or kind in ("softmax", "log_softmax")):
        what = f"{loss} of 1 output" if loss == _CATEGORICAL else f"{kind} of 1 output"
        return (
            f"{what} has nothing to learn: of one class the probability is always 1",
            f"give each class an output; for a yes or no take `{_BINARY}`, without softmax",
        )
    if loss not in _ENTROPIES:
        return None
    if kind in _KEEPS:
        return f"{kind} before {loss}: it keeps the logits {_KEEPS[kind]}", _LOGITS
    if kind == "hard_sigmoid":
        return f"{kind} before {loss}: it reaches 0 and 1, whose logarithm is infinite", _LOGITS
    if kind == "sigmoid" and loss == _CATEGORICAL:
        return (
            f"sigmoid before {loss}: the {outputs:,} outputs do not add up to 1",
            f"`softmax`, where one class is right; `{_BINARY}`, where any number of them is",
        )
    if kind in ("softmax", "log_softmax") and loss == _BINARY:
        return (
            f"{kind} before {loss}: its {outputs:,} outputs add up to 1, as one yes among noes",
            f"`{_CATEGORICAL}`, where one class is right; `sigmoid`, where any number of them is",
        )
    return None
