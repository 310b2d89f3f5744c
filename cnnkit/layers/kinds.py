"""The table of kinds, and the class of each.

A module is imported when one of its kinds is first used, so that a small spec does not pay for
eighty Pydantic models.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from itertools import chain
from types import MappingProxyType

from cnnkit.layers.base import Layer

_MODULES: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "convolution": {
            "convolution": (
                "conv",
                "depthwise_conv",
                "separable_conv",
                "transposed_conv",
                "locally_connected",
            ),
        },
        "dense": {
            "dense": ("dense",),
        },
        "pooling": {
            "pooling": (
                "max_pool",
                "mean_pool",
                "global_max_pool",
                "global_mean_pool",
                "adaptive_max_pool",
                "adaptive_mean_pool",
            ),
            "filtering": ("lp_pool", "blur_pool"),
            "reduction": ("reduce",),
        },
        "activation": {
            "activation": (
                "relu",
                "leaky_relu",
                "sigmoid",
                "tanh",
                "softmax",
                "log_softmax",
                "maxout",
                "linear",
            ),
            "elementwise": (
                "elu",
                "selu",
                "prelu",
                "gelu",
                "silu",
                "mish",
                "softplus",
                "celu",
                "softsign",
                "quick_gelu",
                "power",
                "log_sigmoid",
                "tanhshrink",
            ),
            "clipping": (
                "relu6",
                "hard_sigmoid",
                "hard_silu",
                "hard_tanh",
                "softshrink",
                "hard_shrink",
                "threshold",
            ),
            "gating": ("glu",),
        },
        "normalization": {
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
        },
        "regularization": {
            "regularization": ("dropout", "spatial_dropout", "drop_path", "gaussian_noise"),
        },
        "shaping": {
            "shaping": ("flatten", "reshape", "scale"),
            "spatial": ("pad", "crop", "upsample"),
            "rearrangement": ("depth_to_space", "space_to_depth", "channel_shuffle"),
            "transposition": ("transpose",),
            "slicing": ("slice", "channel_slice"),
            "places": ("max_unpool", "coordinates"),
        },
        "attention": {
            "attention": ("attention",),
            "tokens": ("position_embedding", "class_token"),
            "embedding": ("embedding",),
        },
        "recurrence": {
            "recurrence": ("lstm", "gru"),
            "conv_recurrence": ("conv_lstm",),
        },
        "composition": {
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
            "wiring": ("output", "shared"),
            "each": ("each",),
            "splitting": ("split",),
        },
    }
)
"""The modules of each family, and the kinds whose classes each holds."""

FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {family: tuple(chain(*modules.values())) for family, modules in _MODULES.items()}
)
"""The kinds of each family."""

KINDS: Mapping[str, str] = MappingProxyType(
    {kind: family for family, kinds in FAMILIES.items() for kind in kinds}
)
"""The family of each kind."""

RESERVED = frozenset(
    """
    conv depthwise_conv separable_conv transposed_conv locally_connected dense max_pool
    mean_pool global_max_pool global_mean_pool adaptive_max_pool adaptive_mean_pool relu
    leaky_relu sigmoid tanh softmax log_softmax maxout linear relu6 elu selu prelu gelu silu
    mish hard_sigmoid hard_silu softplus batch_norm layer_norm group_norm instance_norm
    rms_norm local_response_norm rescale dropout spatial_dropout drop_path gaussian_noise
    flatten reshape scale pad crop upsample depth_to_space space_to_depth channel_shuffle
    channel_slice residual parallel repeat squeeze_excite save merge load head
    """.split()  # noqa: SIM905
)
"""The kinds of the first release, whose names no block may bear. This list is closed: a block of
the name of a later kind goes on to be the spec's own."""

DEPRECATED: Mapping[str, tuple[str, Mapping[str, str]]] = MappingProxyType(
    {"channel_slice": ("slice", {"axis": "channels"})}
)
"""The kinds that are read and no longer to be written: the kind in place of each, and what it is to
say besides; all fields that are given stay."""

_HOMES: Mapping[str, str] = MappingProxyType(
    {
        kind: module
        for modules in _MODULES.values()
        for module, kinds in modules.items()
        for kind in kinds
    }
)

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
    layer: type[Layer] = getattr(import_module(f"cnnkit.layers.{_HOMES[kind]}"), class_name(kind))
    return layer


def class_name(kind: str) -> str:
    """The name of a kind's class: ``class_name("batch_norm") == "BatchNorm"``."""
    return kind.title().replace("_", "")


def instead(kind: str) -> str:
    """What to write in place of a deprecated kind: ``write `slice: {axis: channels, …}```."""
    better, given = DEPRECATED[kind]
    fields = ", ".join([*(f"{name}: {value}" for name, value in given.items()), "…"])
    return f"write `{better}: {{{fields}}}`"
