"""What a call in a configuration of Keras reads: tensors of other layers, arrays and numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class Reference(NamedTuple):
    """A tensor: the layer that gives it, which of the calls of that, and which of its outputs."""

    layer: str
    call: int
    output: int


def arguments(node: Any) -> tuple[list[Any], dict[str, Any]]:
    """What a call is given by place and by name, tensors as references and arrays as NumPy's.

    Args:
        node: One of a layer's `inbound_nodes`.
    """
    if isinstance(node, dict):
        named = node.get("kwargs") or {}
        return _value(node["args"]), {name: _value(each) for name, each in named.items()}
    read = references(node)  # before Keras 3
    named = [each[3] for each in node if isinstance(each, list) and len(each) > 3]
    kwargs = {name: _older(value) for given in named for name, value in (given or {}).items()}
    return [read[0] if len(read) == 1 else read], kwargs


def _older(value: Any) -> Any:
    """A named argument before Keras 3: a tensor is a list of three."""
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
        return references(value)[0]
    return value


def _value(leaf: Any) -> Any:
    import numpy as np

    if isinstance(leaf, list):
        return [_value(each) for each in leaf]
    if not isinstance(leaf, dict):
        return leaf
    kind, config = leaf.get("class_name"), leaf.get("config")
    if kind == "__keras_tensor__" and config is not None:
        return Reference(*_history(config["keras_history"]))
    if kind in ("__numpy__", "__tensor__") and config is not None:
        return np.asarray(config["value"], np.float64)
    if kind == "__slice__" and config is not None:
        return slice(config["start"], config["stop"], config["step"])
    if kind == "__ellipsis__":
        return ...
    return {name: _value(leaf[name]) for name in sorted(leaf)}  # as Keras takes their values


def _history(given: Any) -> tuple[str, int, int]:
    name, call, output = given[:3]
    return str(name), int(call), int(output)


def references(value: Any) -> list[Reference]:
    """Tensors as `[layer, call, output]`, one or a list of them, or by names.

    Keras takes those that have names in the order of these, whatever order they stand in.
    """
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [Reference(*_history([*value, 0][:3]))]
    if isinstance(value, dict):
        value = [value[name] for name in sorted(value)]
    if not isinstance(value, list):
        raise TypeError
    return [reference for each in value for reference in references(each)]


def mapped(function: Callable[[Reference], Any], value: Any) -> Any:
    """Arguments with something else in the place of each tensor."""
    if isinstance(value, Reference):
        return function(value)
    if isinstance(value, list):
        return [mapped(function, each) for each in value]
    if isinstance(value, dict):
        return {name: mapped(function, each) for name, each in value.items()}
    return value


def leaves(value: Any) -> Iterator[Any]:
    """All that is in arguments, in their order."""
    if isinstance(value, list):
        for each in value:
            yield from leaves(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from leaves(each)
    else:
        yield value
