"""Layers of a file laid beside those of a spec, family by family, in their order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnkit.errors import Finding, SpecError
from cnnkit.importing.foreign.group import LayerArrays, family, groups_of
from cnnkit.importing.foreign.layouts import fitted
from cnnkit.layers.shape import show
from cnnkit.spec.graph import Graph, Node
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.tracing import trace

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array

Key = tuple[str, bool, bool]
"""The family of layers, whether they are in a shortcut, and whether in a head for training."""
Signature = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Assigned:
    """What belongs to what.

    Attributes:
        rows: For each array of the spec its path, the name in the file, and the file's shape.
        arrays: The arrays by the paths of the spec, in our layout.
    """

    rows: Sequence[tuple[str, str, tuple[int, ...]]]
    arrays: Mapping[str, Array]


def assign(spec: Spec, arrays: Mapping[str, Array], *, by_order: bool = False) -> Assigned:
    """Which array of a file belongs to which layer.

    Args:
        spec: The spec.
        arrays: Those of the file, by name, in its order.
        by_order: Whether layers of equal shapes in branches side by side are taken in the order
            of the file.

    Raises:
        SpecError: Layers are left over on one side, do not fit, or leave a choice.
    """
    graph = trace(spec.layers, spec.input, spec.rounding)
    nodes = [node for node in graph.nodes if node.effect.weights]
    sided = any(node.side for node in nodes)
    # Heads for training alone are left out where the spec has none.
    groups = [group for group in groups_of(arrays) if sided or not group.auxiliary]
    if len(nodes) != len(groups):
        raise _refused(
            f"the spec has {len(nodes):,} layers with weights, the file {len(groups):,}"
            + _extra(nodes, groups)
        )
    # Names like Keras's `_0_conv` mean a shortcut where there is one: in DenseNet they do not.
    shortcuts = any(".shortcut." in node.path for node in nodes)
    marked = shortcuts and any(group.beside for group in groups)
    ours: dict[Key, list[Node]] = defaultdict(list)
    theirs: dict[Key, list[LayerArrays]] = defaultdict(list)
    # Keras's files have the layers of each class by themselves.
    apart = sum(map(_is_depthwise, nodes)) == sum(group.depthwise for group in groups)
    for node in nodes:
        what = "depthwise " * (apart and _is_depthwise(node)) + _family(node)
        ours[what, marked and ".shortcut." in node.path, node.side].append(node)
    for group in groups:
        what = "depthwise " * (apart and group.depthwise) + group.family
        theirs[what, marked and group.beside, group.auxiliary].append(group)
    pairs = [pair for key in ours for pair in _paired(key, ours[key], theirs[key], graph)]
    if not by_order:
        _refuse_choices(pairs)
    rows, found = [], {}
    place = {node.path: index for index, node in enumerate(nodes)}
    for node, group, made in sorted(pairs, key=lambda pair: place[pair[0].path]):
        for name, array in made.items():
            own = next(r for r in _roles(name) if r in group.names)
            rows.append((f"{node.path}.{name}", group.names[own], group.arrays[own].shape))
            found[f"{node.path}.{name}"] = array
    return Assigned(rows, found)


Pair = tuple[Node, LayerArrays, dict[str, "Array"]]


def _paired(
    key: Key, nodes: Sequence[Node], groups: Sequence[LayerArrays], graph: Graph
) -> list[Pair]:
    family_, beside, side = key
    what = f"{family_} layers{' in shortcuts' * beside}{' of heads for training' * side}"
    if len(nodes) != len(groups):
        raise _refused(f"the spec has {len(nodes):,} {what}, the file {len(groups):,}")
    pairs = []
    left = list(groups)
    for place, node in enumerate(nodes):
        group, made = _next(node, nodes[place + 1 :], left, graph)
        if made is None:
            shapes = ", ".join(f"{w.name} {show(w.shape)}" for w in node.effect.weights)
            given = ", ".join(f"{r} {show(a.shape)}" for r, a in group.arrays.items())
            raise _refused(
                f"`{group.name}` of the file, the next of its {what}, does not fit `{node.path}`: "
                f"it has {given}; the layer {shapes}"
            )
        pairs.append((node, group, made))
    return pairs


def _next(
    node: Node, later: Sequence[Node], left: list[LayerArrays], graph: Graph
) -> tuple[LayerArrays, dict[str, Array] | None]:
    """The layer of a file that a layer has: the next, or else the only one that fits it alone.

    It is taken from those that are left.
    """
    made = fitted(left[0], node, graph)
    if made is not None:
        return left.pop(0), made
    fits = [(group, own) for group in left[1:] if (own := fitted(group, node, graph)) is not None]
    if len(fits) != 1 or any(fitted(fits[0][0], each, graph) is not None for each in later):
        return left[0], None
    left.remove(fits[0][0])
    return fits[0]


def _refuse_choices(pairs: Sequence[Pair]) -> None:
    """Refuses layers of equal shapes in branches side by side: order does not tell them apart."""
    composites = {fork for node, _, _ in pairs for fork in _forks(node.path)}
    alike: dict[tuple[str, bool, Signature], list[tuple[Node, LayerArrays]]] = defaultdict(list)
    for node, group, _ in pairs:
        shapes = tuple((weight.name, weight.shape) for weight in node.effect.weights)
        for composite in composites:
            if node.path.startswith(f"{composite}."):
                alike[composite, group.beside, shapes].append((node, group))
    choices = []
    for (composite, _, _), found in alike.items():
        branches = {_branch(node.path, composite) for node, _ in found}
        if len(branches) > 1 and not all(group.in_branch for _, group in found):
            choices.append([node.path for node, _ in found])
    if choices:
        shown = "; ".join(" and ".join(f"`{path}`" for path in each[:3]) for each in choices[:5])
        more = f"; and {len(choices) - 5:,} more" if len(choices) > 5 else ""
        raise _refused(
            f"layers of equal shapes in branches side by side leave a choice: {shown}{more}",
            "with --by-order they are taken in the order of the file",
        )


def _forks(path: str) -> list[str]:
    """The layers that a path is in a branch of, but for the main branch of a residual."""
    parts = path.split(".")
    places = [index for index, part in enumerate(parts) if part in ("branches", "shortcut")]
    return [".".join(parts[:place]) for place in places]


def _branch(path: str, composite: str) -> str:
    """Which branch of a composite layer a path is in: `layers`, `shortcut` or `branches.one`."""
    first, second, *_ = [*path.removeprefix(f"{composite}.").split("."), ""]
    return f"{first}.{second}" if first == "branches" else first


def _is_depthwise(node: Node) -> bool:
    return node.layer.kind == "depthwise_conv"


def _family(node: Node) -> str:
    roles = {"scale": "weight", "shift": "bias", "slope": "weight"}
    names = {weight.name: len(weight.shape) for weight in node.effect.weights}
    return family({roles.get(name, name): rank for name, rank in names.items()})


def _roles(name: str) -> tuple[str, ...]:
    usual = {"kernel": ("kernel", "weight"), "scale": ("weight", "slope"), "shift": ("bias",)}
    return usual.get(name, (name, "weight"))


def _extra(nodes: Sequence[Node], groups: Sequence[LayerArrays]) -> str:
    ours, theirs = [node.path for node in nodes], [group.name for group in groups]
    longer = theirs if len(theirs) > len(ours) else ours
    return f"; the last of them is `{longer[-1]}`" if longer else ""


def _refused(message: str, advice: str | None = None) -> SpecError:
    return SpecError([Finding("shape-mismatch", "error", message, advice)])
