"""A spec for another input: its text is read again where the layers ask for what comes in."""

from __future__ import annotations

from collections.abc import Iterable

from cnnkit.layers.shape import Shape, show
from cnnkit.spec.language.incoming import NAMES
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.reading import finish
from cnnkit.spec.text.node import YamlNode


def resized(spec: Spec, shape: Shape) -> Spec:
    """The spec with an input of this shape, and others of several that had the same extents."""
    document = spec.origin.document
    if document is not None and asks(spec):
        reading = finish(document, (), [put_in(spec, shape)])
        if reading.spec is not None:
            return reading.spec
    return spec.sized(shape[:-1]) if spec.inputs else spec.model_copy(update={"input": shape})


def put_in(spec: Spec, shape: Shape) -> str:
    """What `--set` takes to size the input, or all of several."""
    if not spec.inputs:
        return f"input={show(shape)}"
    sized = spec.sized(shape[:-1]).inputs
    return f"inputs={{{', '.join(f'{name}: {show(each)}' for name, each in sized.items())}}}"


def asks(spec: Spec) -> bool:
    """Whether an expression may read ``$channels`` or ``$extents``, and so depend on the input."""
    document = spec.origin.document
    return document is not None and any(
        "$" in text and any(name in text for name in NAMES) for text in _strings(document)
    )


def _strings(node: YamlNode) -> Iterable[str]:
    value = node.value
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value if isinstance(value, list) else value.values():
            yield from _strings(each)
