"""The inputs and outputs of a model of Keras, by names that a spec may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnnkit.importing.ends import allowed
from cnnkit.importing.graph import RefusedError
from cnnkit.importing.keras.arguments import Reference, references
from cnnkit.importing.keras.dispatch import layers_of, name_of
from cnnkit.layers.shape import Shape

_HINT = "give the shape of one example with --input: --input 224x224x3"


def input_layers(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The layers that a model is fed by, in their order."""
    layers = layers_of(config)
    inner = config["config"]
    asked = inner.get("input_layers") if isinstance(inner, dict) else None
    if config["class_name"] == "Sequential" or asked is None:
        return [each for each in layers if each["class_name"] == "InputLayer"][:1] or layers[:1]
    known = {name_of(each): each for each in layers}
    return [known[each.layer] for each in references(asked)]


def input_shapes(config: Mapping[str, Any], example: Shape | None) -> dict[str, Shape]:
    """The shape of one example of each input, by its name.

    Args:
        config: The model.
        example: The shape, where the model leaves it open.

    Raises:
        RefusedError: One is not known, or `example` does not fit.
    """
    given = input_layers(config)
    if not given:
        raise RefusedError("the network has no input")
    if example is not None and len(given) > 1:
        names = ", ".join(f"`{name_of(each)}`" for each in given)
        raise RefusedError(
            f"--input {'x'.join(map(str, example))} is of one input, the network has {names}",
            "save the model with the extents of each input",
        )
    called = unlike([name_of(each) for each in given], "input")
    shapes = (_shape(config, layer, example) for layer in given)
    return dict(zip(called, shapes, strict=True))


def _shape(config: Mapping[str, Any], layer: Mapping[str, Any], example: Shape | None) -> Shape:
    own = layer["config"]
    batch = own.get("batch_shape") or own.get("batch_input_shape")
    batch = batch or config["config"].get("build_input_shape")
    if not batch:
        raise RefusedError("the input has no shape: the model was never built", _HINT)
    known = [each or 0 for each in batch[1:]]
    if example is not None:
        if len(known) != len(example) or any(
            extent not in (0, asked) for extent, asked in zip(known, example, strict=True)
        ):
            shown = "x".join(str(each or "?") for each in known)
            asked = "x".join(map(str, example))
            raise RefusedError(f"--input {asked} does not fit the input, which is {shown}")
        known = list(example)
    if not known or min(known) < 1:
        shown = "x".join(str(each or "?") for each in known)
        raise RefusedError(f"the input has open extents: {shown}", _HINT)
    if len(known) > 4:
        raise RefusedError(f"the input has {len(known)} axes, the most are 4")
    return tuple(int(each) for each in known)


def outputs(config: Mapping[str, Any]) -> dict[str, Reference]:
    """What goes out of a functional model: by the keys that it gives, else by its layers' names."""
    asked = config["config"]["output_layers"]
    found = references(asked)
    names = [each.layer for each in found]
    if isinstance(asked, dict) and len(asked) == len(found):
        names = sorted(asked)
    return dict(zip(unlike(names, "output"), found, strict=True))


def unlike(theirs: Sequence[str], what: str) -> list[str]:
    """Names that a spec may have, each another one."""
    names = [allowed(name, f"{what}{place + 1}") for place, name in enumerate(theirs)]
    if len(set(names)) == len(names):
        return names
    return [f"{what}{place + 1}" for place, _ in enumerate(theirs)]
