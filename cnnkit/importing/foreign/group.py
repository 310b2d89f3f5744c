"""The arrays of one layer in a file, by the roles that their names say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from cnnkit.importing.graph import Array

_T = TypeVar("_T")
_ROLES: Mapping[str, str] = MappingProxyType(
    {
        "weight": "weight", "kernel": "kernel", "bias": "bias", "gamma": "weight",
        "beta": "bias", "scale": "weight", "shift": "bias", "alpha": "slope", "slope": "slope",
        "layer_scale": "slope", "running_mean": "mean", "running_var": "variance",
        "moving_mean": "mean", "moving_variance": "variance", "mean": "mean", "var": "variance",
        "variance": "variance", "depthwise_kernel": "kernel", "pointwise_kernel": "pointwise",
        "class_token": "token", "cls_token": "token", "pos_embedding": "embedding",
        "pos_embed": "embedding", "relative_position_bias_table": "relative_bias",
    }
)  # fmt: skip
_SIDE: Final = re.compile(
    r"downsample|shortcut|conv_sc|_0_(?:conv|bn)"
    r"|(?:^|(?<!attn)[./]|(?<!out)(?<!conv)_)proj(?:ection)?\b"
)
"""What PyTorch's, timm's and Keras's residual networks call the layers of a shortcut."""
_BRANCH: Final = re.compile(r"branch")
_NORMALIZED: Final = re.compile(
    r"(?P<layer>.*)\.(?:parametrizations\.weight\.original(?:(?P<gain>0)|1)|weight_(?:(?P<old>g)|v))$"
)
"""PyTorch's weight norm, as a parametrization and as it was before: g and v of w = g·v/‖v‖."""
_SPECTRAL: Final = re.compile(
    r"(?P<layer>.*)\.parametrizations\.weight\.(?:original|0\._(?P<vector>[uv]))$"
)
"""PyTorch's spectral norm: the weight W, and the u and v of W/(uᵀ·W·v)."""
_PROJECTIONS: Final = re.compile(
    r"(?P<layer>(?:.*[./])?)(?P<last>(?:in_proj_|(?P<scaled>to_)?qkv\.)(?P<role>weight|bias))$"
)
"""The queries', keys' and values' projection of PyTorch's attention and timm's, as one matrix."""
_TABLE: Final = "relative_position_bias_table"
_ALONE: Final = ("token", "embedding", "relative_bias")
_AUXILIARY: Final = re.compile(r"^(?:AuxLogits|aux\d*|aux_classifier)\b")


@dataclass(frozen=True)
class LayerArrays:
    """The arrays of a layer.

    Attributes:
        name: What the file calls the layer.
        arrays: By their roles.
        names: The arrays' own names, by role.
    """

    name: str
    arrays: Mapping[str, Array]
    names: Mapping[str, str]

    @property
    def beside(self) -> bool:
        """Whether the name says that it is in a shortcut."""
        return _SIDE.search(self.name) is not None

    @property
    def depthwise(self) -> bool:
        """Whether its kernel has one filter for each channel in the last axis, as Keras has it."""
        kernel = self.arrays.get("kernel")
        return kernel is not None and kernel.ndim > 2 and kernel.shape[-1] == 1

    @property
    def auxiliary(self) -> bool:
        """Whether the name says that it is in a head for training alone."""
        return _AUXILIARY.match(self.name) is not None

    @property
    def in_branch(self) -> bool:
        """Whether the name says which branch it is in: files have these in their order."""
        return _BRANCH.search(self.name) is not None

    @property
    def family(self) -> str:
        """Layers with a kernel, with statistics, with a scale, or with a vector alone."""
        return family({role: array.ndim for role, array in self.arrays.items()})


def family(ranks: Mapping[str, int]) -> str:
    """The family of a layer, by the ranks of its arrays."""
    if "mean" in ranks:
        return "batch norm"
    for name in _ALONE:
        if name in ranks:
            return name.replace("_", " ")
    main = ranks.get("kernel", ranks.get("weight", 0))
    if main > 1:
        return "kernel"
    return "norm" if len(ranks) > 1 else "vector"


def groups_of(arrays: Mapping[str, Array]) -> list[LayerArrays]:
    """The layers of a file, in its order; counters are left out."""
    layers: dict[str, dict[str, str]] = {}
    made = dict(arrays)
    for name in arrays:
        plain = name.removeprefix("module.")
        projections = _PROJECTIONS.match(plain)
        if projections is not None and arrays[name].ndim and len(arrays[name]) % 3 == 0:
            table = arrays.get(name.removesuffix(projections["last"]) + _TABLE)
            for part, array in _projections(arrays[name], projections, table).items():
                layer, role = f"{projections['layer']}{part}", projections["role"]
                made[f"{name}, {part}"] = array
                layers.setdefault(layer, {})[role] = f"{name}, {part}"
            continue
        layer, role = _split(plain)
        if role is not None:
            own = f"{layer}.{role}" if role in _ALONE else layer
            layers.setdefault(own, {})[role] = name
    _merge_by_rows(layers, made)
    found = []
    for layer, roles in layers.items():
        found += _parted(layer, {role: made[name] for role, name in roles.items()}, roles)
    return found


def _merge_by_rows(layers: Mapping[str, Mapping[str, str]], arrays: dict[str, Array]) -> None:
    """Brings what reads merged patches of 2x2 cells, Swin's `norm` and `reduction`, into our order.

    Swin joins the cells of a patch column by column, `space_to_depth` row by row.
    """
    import numpy as np

    for layer, roles in layers.items():
        kernel = roles.get("weight")
        norm = layers.get(f"{layer.removesuffix('reduction')}norm", {})
        if (
            kernel is None
            or not layer.endswith(".reduction")
            or arrays[kernel].ndim != 2
            or "weight" not in norm
        ):
            continue
        inputs = arrays[kernel].shape[1]
        if inputs % 4 or any(arrays[name].shape != (inputs,) for name in norm.values()):
            continue
        for name in (kernel, *norm.values()):
            first, below, beside, last = np.split(arrays[name], 4, axis=-1)
            arrays[name] = np.concatenate([first, beside, below, last], axis=-1)


def _projections(
    array: Array, said: re.Match[str], relative_bias: Array | None
) -> dict[str, Array]:
    """The parts of a matrix or bias of three projections.

    torchvision's MaxViT, whose name is `to_qkv`, divides its scores by the square root of all
    channels, where others and ours take those of a head: its keys are brought to that.
    """
    import numpy as np

    parts = dict(zip(("query", "key", "value"), np.split(array, 3), strict=True))
    if said["scaled"] and relative_bias is not None:
        parts["key"] = (parts["key"] / np.sqrt(relative_bias.shape[-1])).astype(np.float32)
    return parts


def _split(name: str) -> tuple[str, str | None]:
    """A layer and a role; a number stands for the role in Keras's `vars`."""
    whole = re.sub(r":\d+$", "", name)
    if found := _NORMALIZED.match(whole):
        return found["layer"], "gain" if found["gain"] or found["old"] else "weight"
    if found := _SPECTRAL.match(whole):
        return found["layer"], found["vector"] or "weight"
    layer, _, last = re.sub(r"/vars/(\d+)$", r"/\1", whole).replace("/", ".").rpartition(".")
    role = _ROLES.get(last)
    if last.isdigit() and "/vars/" in whole:
        role = f"#{last}"
    return layer, role


def _parted(layer: str, arrays: dict[str, Array], names: Mapping[str, str]) -> list[LayerArrays]:
    """The layer; a separable convolution of Keras as the two that it is."""
    numbered = [arrays[role] for role in sorted(arrays) if role.startswith("#")]
    if numbered:
        arrays, names = _by_number(numbered, names)
    if "pointwise" in arrays:
        first = {"kernel": arrays["kernel"]}
        second = {"kernel": arrays["pointwise"], **_only(arrays, "bias")}
        return [
            LayerArrays(layer, first, {"kernel": names["kernel"]}),
            LayerArrays(
                layer, second, {"kernel": names["pointwise"], **_only(dict(names), "bias")}
            ),
        ]
    return [LayerArrays(layer, arrays, names)]


def _only(given: Mapping[str, _T], key: str) -> dict[str, _T]:
    return {key: given[key]} if key in given else {}


def _by_number(
    arrays: list[Array], names: Mapping[str, str]
) -> tuple[dict[str, Array], dict[str, str]]:
    """The roles of arrays that Keras numbers."""
    ranks = [array.ndim for array in arrays]
    if ranks[0] > 1:
        separable = len(ranks) > 1 and ranks[1] > 1
        roles = ["kernel", "pointwise", "bias"] if separable else ["kernel", "bias"]
    else:
        roles = ["weight", "bias", "mean", "variance"]
    ordered = [names[f"#{index}"] for index in range(len(arrays))]
    paired = list(zip(roles, arrays, ordered, strict=False))
    return {role: a for role, a, _ in paired}, {role: name for role, _, name in paired}
