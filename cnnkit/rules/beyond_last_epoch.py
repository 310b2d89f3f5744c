"""Something in `train:` waits for an epoch that does not come.

## What it finds

- A learning rate whose `warmup` is as long as the whole training, or longer: its peak is never
  reached, and the decay after it never begins.
- A `step` whose rate falls at epochs, `at`, that lie at the end of the training or beyond.
- `early_stopping` whose `patience` is as long as the training: it never stops.
- `unfreeze` after the last epoch: the frozen layers are never trained.

## Why

The training runs, and is another one than is written: often the number of epochs was changed and
what was tuned to it was not. A warm-up alone trains at rates that are too small all the time.

## Example

```yaml
input: 28x28x1
layers:
  - flatten
  - dense: {units: 10}
train:
  data: mnist
  learning_rate: {cosine: {peak: 0.1, warmup: 5}}
  epochs: 5
```

## Instead

```yaml
input: 28x28x1
layers:
  - flatten
  - dense: {units: 10}
train:
  data: mnist
  learning_rate: {cosine: {peak: 0.1, warmup: 0.5}}
  epochs: 5
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnkit.errors import Finding
from cnnkit.rules.base import RuleContext, counted, place_in

if TYPE_CHECKING:
    from cnnkit.spec.model.training import Train

Place = tuple[str | int, ...]


def check(network: RuleContext) -> Iterator[Finding]:
    """What of the recipe does not come to pass."""
    spec = network.analysis.spec
    if spec.train is None:
        return
    for field, message, advice in _late(spec.train):
        place = place_in(spec, "train", *field)
        yield Finding("beyond-last-epoch", "warning", message, advice, place)


def _late(train: Train) -> Iterator[tuple[Place, str, str]]:
    """The fields that are too late, what is wrong with each, and what to do."""
    epochs = train.epochs
    whole = f"the training has {counted(epochs, 'epoch')}"
    rate = train.learning_rate
    warmup = getattr(rate, "warmup", 0)
    if warmup >= epochs:
        yield (
            ("learning_rate", rate.kind, "warmup"),
            f"the warm-up takes {warmup:g} epochs and {whole}: the peak is never reached",
            "a shorter `warmup`, such as a twentieth of the training, or more `epochs`",
        )
    for index, at in enumerate(getattr(rate, "at", None) or ()):
        if at >= epochs:
            yield (
                ("learning_rate", rate.kind, "at", index),
                f"the rate falls after epoch {at:g} and {whole}",
                "an earlier epoch, or more `epochs`",
            )
    if train.unfreeze is not None and train.unfreeze.at >= epochs:
        yield (
            ("unfreeze", "at"),
            f"the frozen layers are trained after epoch {train.unfreeze.at} and {whole}",
            "an earlier epoch, or more `epochs`; or leave `unfreeze` out",
        )
    stopping = train.early_stopping
    if stopping is not None and stopping.patience >= epochs:
        yield (
            ("early_stopping", "patience"),
            f"the patience is {counted(stopping.patience, 'epoch')} and {whole}: all are trained",
            "less `patience`, or more `epochs`",
        )
