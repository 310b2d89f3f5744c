"""A recipe does not fit the inputs and outputs of its network.

## What it finds

In a spec with a section `train:`:

- an input of the network that `data` does not give by its name, and a name of `data` that is no
  input;
- of several outputs one that has no loss, or no target, and a loss or a target of no output;
- `contrastive` and `triplet` where the network has not two or three outputs of one shape, vectors;
- `target: input` of several inputs or outputs;
- `augment` of several inputs whose extents differ, and augmentations that several inputs cannot
  share: all images of an example are moved alike, so that what lies at one place in one still lies
  there in the other;
- a `head` beside several outputs, for it learns the target of the one output;
- `learnt: false` of all weights.

## Why

Which array belongs to which input, and which loss to which output, cannot be guessed: a network
whose two inputs are mixed up trains, and learns something else than was meant.

## Example

```yaml
inputs: {left: 28x28x1, right: 28x28x1}
layers:
  - {name: encoder, conv: {filters: 8, kernel: 3, activation: relu}}
  - save: first
  - load: right
  - shared: encoder
  - merge: {with: first, by: subtract}
  - global_mean_pool
  - dense: {units: 10}
train: {data: mnist}
```

## Instead

```yaml
inputs: {left: 28x28x1, right: 28x28x1}
layers:
  - {name: encoder, conv: {filters: 8, kernel: 3, activation: relu}}
  - save: first
  - load: right
  - shared: encoder
  - merge: {with: first, by: subtract}
  - global_mean_pool
  - dense: {units: 10}
train:
  data: {arrays: pairs.npz, inputs: {left: x1, right: x2}, targets: y}
```
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from cnnkit.errors import Finding, did_you_mean
from cnnkit.layers.shape import Shape, show
from cnnkit.rules.base import RuleContext, place_in
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Arrays, Images, Packed, Train
from cnnkit.spec.model.training.loss import ByOutput

Place = tuple[str | int, ...]


def check(network: RuleContext) -> Iterator[Finding]:
    """What of the section `train:` does not fit the network."""
    spec = network.analysis.spec
    if spec.train is None:
        return
    graph, train = network.graph, spec.train
    weights = [weight for node in graph.nodes for weight in node.effect.weights]
    if any(each.frozen for each in weights) and not any(each.trainable for each in weights):
        yield _finding(
            spec,
            "all weights have `learnt: false`, so that none is left to train",
            "leave it out of one layer, such as the last",
        )
    yield from _losses(spec, train, graph.given)
    if graph.sides and (len(graph.outputs) > 1):
        yield _finding(
            spec,
            f"`head` learns the target of the one output, and the network has the outputs "
            f"{_listed(graph.outputs)}",
            "leave the head out, or make it an output, `- output: NAME`, with a loss of its own",
        )
    if train.target is not None and (what := graph.several):
        yield _finding(
            spec,
            f"`target: {train.target}` asks one output for the one input, and the network has "
            f"{what}",
            "leave it out, and name the array of each target, `data: {…, targets: {NAME: ARRAY}}`",
            ("target",),
        )
        return
    if train.data is not None:
        yield from _inputs(spec, train, graph.inputs)
        yield from _targets(spec, train, graph.outputs)
    if len(graph.inputs) > 1:
        yield from _augmentations(spec, train, graph.inputs)
        yield from _cut_maps(spec, train, graph.inputs)


def _losses(spec: Spec, train: Train, outputs: Mapping[str, Shape | None]) -> Iterator[Finding]:
    loss = train.loss
    if isinstance(loss, ByOutput):
        yield from _names(spec, "loss", loss.each, outputs, "output", ("loss",))
    elif loss.compares > 1:
        shapes = list(outputs.values())
        if len(outputs) != loss.compares:
            yield _finding(
                spec,
                f"`{loss.kind}` compares {loss.compares} outputs, and the network has "
                f"{len(outputs)}: {_listed(outputs)}",
                "name each embedding where it goes out, `- output: NAME`",
                ("loss",),
            )
        elif None not in shapes and len(set(shapes)) > 1:
            given = " and ".join(show(shape) for shape in shapes if shape is not None)
            yield _finding(
                spec,
                f"`{loss.kind}` compares outputs of one shape, and the network gives {given}",
                "apply the same layers to each input: `- shared: NAME`",
                ("loss",),
            )
        elif shapes[0] is not None and len(shapes[0]) > 1:
            yield _finding(
                spec,
                f"`{loss.kind}` compares vectors, and the network gives {show(shapes[0])}",
                "end each in `global_mean_pool`, or in `flatten`",
                ("loss",),
            )
    elif len(outputs) > 1:
        yield _finding(
            spec,
            f"`loss` is {loss.kind}, and the network has the outputs {_listed(outputs)}",
            f"give each its own: `loss: {_form(outputs)}`",
            ("loss",),
        )


def _inputs(spec: Spec, train: Train, inputs: Mapping[str, Shape]) -> Iterator[Finding]:
    data = train.data
    if isinstance(data, Arrays):
        field, given = "inputs", data.inputs
    elif isinstance(data, Images):
        field, given = "images", data.images
    else:
        field, given = "", None
    if isinstance(given, Mapping):
        yield from _names(spec, field, given, inputs, "input", ("data", field))
    elif len(inputs) > 1 and not isinstance(data, Packed):  # whose index says what it has
        yield _finding(
            spec,
            f"`data` gives one input, and the network has {_listed(inputs)}",
            f"name an array for each, `data: {{arrays: FILE.npz, inputs: {_form(inputs)}, "
            f"targets: …}}`, or a folder, `data: {{images: {_form(inputs)}}}`",
            ("data",),
        )


def _targets(spec: Spec, train: Train, outputs: Collection[str]) -> Iterator[Finding]:
    data, loss = train.data, train.loss
    if loss.kind == "triplet":
        yield from _no_targets(spec, train)
        return
    field = "masks" if isinstance(data, Images) else "targets"
    given = getattr(data, field) if isinstance(data, Arrays | Images) else None
    several = isinstance(loss, ByOutput)
    if isinstance(given, Mapping) and loss.compares == 1:
        yield from _names(spec, field, given, outputs, "output", ("data", field))
    elif isinstance(given, Mapping):
        of = "the folder of masks" if field == "masks" else "the name of its array"
        yield _finding(
            spec,
            f"`{field}` are named, and `{loss.kind}` has one target of {loss.compares} outputs",
            f"write `{field}: NAME`, {of}",
            ("data", field),
        )
    elif several and len(outputs) > 1 and not isinstance(data, Packed):
        yield _finding(
            spec,
            f"`data` gives one target, and the network has the outputs {_listed(outputs)}",
            f"name {_targets_of(data, outputs)}",
            ("data",),
        )
    elif isinstance(data, Arrays) and isinstance(data.inputs, Mapping) and given is None:
        yield _finding(
            spec,
            "`data` names the arrays of the inputs, and not that of the targets",
            "add `targets: NAME`",
            ("data",),
        )


def _targets_of(data: object, outputs: Collection[str]) -> str:
    """How a target of each output is given."""
    if isinstance(data, Images) and data.masks is not None:
        return f"a folder for each: `masks: {_form(outputs)}`"
    return f"an array for each: `data: {{arrays: FILE.npz, …, targets: {_form(outputs)}}}`"


def _no_targets(spec: Spec, train: Train) -> Iterator[Finding]:
    """What is said against targets where a loss compares outputs with each other alone."""
    data = train.data
    if isinstance(data, Arrays) and data.targets is not None:
        yield _finding(
            spec,
            "`triplet` compares the outputs with each other, and `data` has `targets`",
            "leave them out",
            ("data", "targets"),
        )
    elif not isinstance(data, Packed) and not (
        isinstance(data, Arrays) and isinstance(data.inputs, Mapping)
    ):
        yield _finding(
            spec,
            "`triplet` learns from arrays of anchors, of others of their kind and of strangers",
            "name them: `data: {arrays: FILE.npz, inputs: {anchor: …, positive: …, negative: …}}`",
            ("data",),
        )


def _augmentations(spec: Spec, train: Train, inputs: Mapping[str, Shape]) -> Iterator[Finding]:
    images = {name: shape for name, shape in inputs.items() if len(shape) > 1}
    for index, each in enumerate(train.augment):
        place = ("augment", index)
        if not each.shared:
            yield _finding(
                spec,
                f"`{each.kind}` changes one image, and an example has the inputs {_listed(inputs)}",
                "leave it out; those that move, erase or add noise are done to all images alike",
                place,
            )
            continue
        extents = {shape[:-1]: name for name, shape in images.items()}
        if len(extents) > 1:
            given = ", ".join(f"`{name}` {show(images[name])}" for name in extents.values())
            yield _finding(
                spec,
                f"`{each.kind}` is done to all images of an example alike, and their extents "
                f"differ: {given}",
                "leave it out, or bring the inputs to the same extents",
                place,
            )
            continue
        if not images:
            yield _finding(
                spec,
                f"`{each.kind}` changes images, and the inputs {_listed(inputs)} are vectors",
                "leave it out",
                place,
            )
            continue
        shape = next(iter(images.values()))
        if fault := each.misfit(shape):
            yield _finding(spec, fault.message, fault.help, place)


def _cut_maps(spec: Spec, train: Train, inputs: Mapping[str, Shape]) -> Iterator[Finding]:
    """Images and volumes among the inputs are cut, and some there must be."""
    from cnnkit.spec.model.training.parallel import cut_inputs  # of specs with `train:` alone

    for name, shape in cut_inputs(inputs).items():
        for fault in train.parallel.misfits(shape, name):
            yield _finding(spec, fault.message, fault.help, fault.field)


def _names(
    spec: Spec,
    field: str,
    given: Iterable[str],
    known: Collection[str],
    what: str,
    place: Place,
) -> Iterator[Finding]:
    """What is named and not there, and what is there and not named."""
    given = list(given)
    missing = [name for name in known if name not in given]
    for name in given:
        if name not in known:
            near = did_you_mean(name, missing)
            listed = f"its {what}s are" if len(known) > 1 else f"its {what} is"
            yield _finding(
                spec,
                f"`{field}` names `{name}`, and the network has no such {what}",
                f"did you mean `{near}`?" if near else f"{listed} {_listed(known)}",
                (*place, name),
            )
            if near:
                missing.remove(near)
    if missing and len(given) == len(set(given) & set(known)):
        yield _finding(
            spec,
            f"`{field}` names no {_listed(missing)}, which the network has too",
            f"add {', '.join(f'`{name}: …`' for name in missing)}",
            place,
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _form(names: Iterable[str]) -> str:
    return f"{{{', '.join(f'{name}: …' for name in names)}}}"


def _finding(spec: Spec, message: str, advice: str | None, place: Place = ()) -> Finding:
    return Finding("not-trainable", "error", message, advice, place_in(spec, "train", *place))
