"""The table of kinds, and the class of each.

A family's module is imported when one of its kinds is first used, so that a small spec does not
pay for sixty Pydantic models.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from cnnkit.layers.base import Layer

FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "convolution": (
            "conv",
            "depthwise_conv",
            "separable_conv",
            "transposed_conv",
            "locally_connected",
        ),
        "dense": ("dense",),
        "pooling": (
            "max_pool",
            "mean_pool",
            "global_max_pool",
            "global_mean_pool",
            "adaptive_max_pool",
            "adaptive_mean_pool",
            "reduce",
        ),
        "activation": (
            "relu",
            "relu6",
            "leaky_relu",
            "elu",
            "selu",
            "prelu",
            "gelu",
            "silu",
            "mish",
            "sigmoid",
            "hard_sigmoid",
            "hard_silu",
            "tanh",
            "softplus",
            "celu",
            "softsign",
            "hard_tanh",
            "quick_gelu",
            "softshrink",
            "hard_shrink",
            "threshold",
            "power",
            "log_sigmoid",
            "tanhshrink",
            "softmax",
            "log_softmax",
            "maxout",
            "glu",
            "linear",
        ),
        "normalization": (
            "batch_norm",
            "layer_norm",
            "group_norm",
            "instance_norm",
            "rms_norm",
            "local_response_norm",
            "global_response_norm",
            "rescale",
        ),
        "regularization": ("dropout", "spatial_dropout", "drop_path", "gaussian_noise"),
        "shaping": (
            "flatten",
            "reshape",
            "pad",
            "crop",
            "upsample",
            "depth_to_space",
            "space_to_depth",
            "channel_shuffle",
            "channel_slice",
            "slice",
            "scale",
        ),
        "composition": (
            "residual",
            "parallel",
            "repeat",
            "squeeze_excite",
            "save",
            "merge",
            "load",
            "head",
        ),
    }
)
"""The kinds of each family; a family is a module of this package."""

KINDS: Mapping[str, str] = MappingProxyType(
    {kind: family for family, kinds in FAMILIES.items() for kind in kinds}
)
"""The family of each kind."""


# Pydantic evaluates the annotations of a base's class variables again for each model below it, a
# third of what the models of the kinds cost. It took note of their names when it made `Layer`.
for _name, _annotation in list(Layer.__annotations__.items()):
    if _annotation.startswith("ClassVar"):
        del Layer.__annotations__[_name]


@cache
def layer_class(kind: str) -> type[Layer]:
    """The model of a kind.

    Raises:
        KeyError: There is no such kind.
    """
    module = import_module(f"cnnkit.layers.{KINDS[kind]}")
    layers: Mapping[str, type[Layer]] = module.LAYERS
    return layers[kind]


def class_name(kind: str) -> str:
    """The name of a kind's class: ``class_name("batch_norm") == "BatchNorm"``."""
    return kind.title().replace("_", "")
