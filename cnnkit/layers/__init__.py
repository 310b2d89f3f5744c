"""What each kind of layer is: its fields, its output shape, its weights, its cost.

``KINDS`` is the whole table. A module is imported when one of its kinds is first used, so that a
small spec does not pay for eighty Pydantic models.

Each kind's class is a name of this package as well: that of `batch_norm` is ``BatchNorm``.

>>> from cnnkit import layers
>>> layers.Conv(filters=8, kernel=3).effect((28, 28, 1)).output
(26, 26, 8)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from cnnkit.layers.base import Layer
from cnnkit.layers.kinds import FAMILIES, KINDS, class_name, layer_class

if TYPE_CHECKING:
    from cnnkit.layers.activation import LeakyRelu as LeakyRelu
    from cnnkit.layers.activation import Linear as Linear
    from cnnkit.layers.activation import LogSoftmax as LogSoftmax
    from cnnkit.layers.activation import Maxout as Maxout
    from cnnkit.layers.activation import Relu as Relu
    from cnnkit.layers.activation import Sigmoid as Sigmoid
    from cnnkit.layers.activation import Softmax as Softmax
    from cnnkit.layers.activation import Tanh as Tanh
    from cnnkit.layers.attention import Attention as Attention
    from cnnkit.layers.clipping import HardShrink as HardShrink
    from cnnkit.layers.clipping import HardSigmoid as HardSigmoid
    from cnnkit.layers.clipping import HardSilu as HardSilu
    from cnnkit.layers.clipping import HardTanh as HardTanh
    from cnnkit.layers.clipping import Relu6 as Relu6
    from cnnkit.layers.clipping import Softshrink as Softshrink
    from cnnkit.layers.clipping import Threshold as Threshold
    from cnnkit.layers.composition import Head as Head
    from cnnkit.layers.composition import Load as Load
    from cnnkit.layers.composition import Merge as Merge
    from cnnkit.layers.composition import Parallel as Parallel
    from cnnkit.layers.composition import Repeat as Repeat
    from cnnkit.layers.composition import Residual as Residual
    from cnnkit.layers.composition import Save as Save
    from cnnkit.layers.composition import SqueezeExcite as SqueezeExcite
    from cnnkit.layers.conv_recurrence import ConvLstm as ConvLstm
    from cnnkit.layers.convolution import Conv as Conv
    from cnnkit.layers.convolution import DepthwiseConv as DepthwiseConv
    from cnnkit.layers.convolution import LocallyConnected as LocallyConnected
    from cnnkit.layers.convolution import SeparableConv as SeparableConv
    from cnnkit.layers.convolution import TransposedConv as TransposedConv
    from cnnkit.layers.dense import Dense as Dense
    from cnnkit.layers.each import Each as Each
    from cnnkit.layers.elementwise import Celu as Celu
    from cnnkit.layers.elementwise import Elu as Elu
    from cnnkit.layers.elementwise import Gelu as Gelu
    from cnnkit.layers.elementwise import LogSigmoid as LogSigmoid
    from cnnkit.layers.elementwise import Mish as Mish
    from cnnkit.layers.elementwise import Power as Power
    from cnnkit.layers.elementwise import Prelu as Prelu
    from cnnkit.layers.elementwise import QuickGelu as QuickGelu
    from cnnkit.layers.elementwise import Selu as Selu
    from cnnkit.layers.elementwise import Silu as Silu
    from cnnkit.layers.elementwise import Softplus as Softplus
    from cnnkit.layers.elementwise import Softsign as Softsign
    from cnnkit.layers.elementwise import Tanhshrink as Tanhshrink
    from cnnkit.layers.embedding import Embedding as Embedding
    from cnnkit.layers.filtering import BlurPool as BlurPool
    from cnnkit.layers.filtering import LpPool as LpPool
    from cnnkit.layers.gating import Glu as Glu
    from cnnkit.layers.normalization import BatchNorm as BatchNorm
    from cnnkit.layers.normalization import GlobalResponseNorm as GlobalResponseNorm
    from cnnkit.layers.normalization import GroupNorm as GroupNorm
    from cnnkit.layers.normalization import InstanceNorm as InstanceNorm
    from cnnkit.layers.normalization import LayerNorm as LayerNorm
    from cnnkit.layers.normalization import LocalResponseNorm as LocalResponseNorm
    from cnnkit.layers.normalization import Rescale as Rescale
    from cnnkit.layers.normalization import RmsNorm as RmsNorm
    from cnnkit.layers.places import Coordinates as Coordinates
    from cnnkit.layers.places import MaxUnpool as MaxUnpool
    from cnnkit.layers.pooling import AdaptiveMaxPool as AdaptiveMaxPool
    from cnnkit.layers.pooling import AdaptiveMeanPool as AdaptiveMeanPool
    from cnnkit.layers.pooling import GlobalMaxPool as GlobalMaxPool
    from cnnkit.layers.pooling import GlobalMeanPool as GlobalMeanPool
    from cnnkit.layers.pooling import MaxPool as MaxPool
    from cnnkit.layers.pooling import MeanPool as MeanPool
    from cnnkit.layers.rearrangement import ChannelShuffle as ChannelShuffle
    from cnnkit.layers.rearrangement import DepthToSpace as DepthToSpace
    from cnnkit.layers.rearrangement import SpaceToDepth as SpaceToDepth
    from cnnkit.layers.recurrence import Gru as Gru
    from cnnkit.layers.recurrence import Lstm as Lstm
    from cnnkit.layers.reduction import Reduce as Reduce
    from cnnkit.layers.regularization import Dropout as Dropout
    from cnnkit.layers.regularization import DropPath as DropPath
    from cnnkit.layers.regularization import GaussianNoise as GaussianNoise
    from cnnkit.layers.regularization import SpatialDropout as SpatialDropout
    from cnnkit.layers.shaping import Flatten as Flatten
    from cnnkit.layers.shaping import Reshape as Reshape
    from cnnkit.layers.shaping import Scale as Scale
    from cnnkit.layers.slicing import ChannelSlice as ChannelSlice
    from cnnkit.layers.slicing import Slice as Slice
    from cnnkit.layers.spatial import Crop as Crop
    from cnnkit.layers.spatial import Pad as Pad
    from cnnkit.layers.spatial import Upsample as Upsample
    from cnnkit.layers.splitting import Split as Split
    from cnnkit.layers.tokens import ClassToken as ClassToken
    from cnnkit.layers.tokens import PositionEmbedding as PositionEmbedding
    from cnnkit.layers.transposition import Transpose as Transpose
    from cnnkit.layers.wiring import Output as Output
    from cnnkit.layers.wiring import Shared as Shared

__all__ = ["FAMILIES", "KINDS", "Layer", "class_name", "layer_class"]

_BY_CLASS: Mapping[str, str] = MappingProxyType({class_name(kind): kind for kind in KINDS})


if not TYPE_CHECKING:  # a type checker knows the classes from above, and no other names

    def __getattr__(name: str) -> type[Layer]:
        if name not in _BY_CLASS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return layer_class(_BY_CLASS[name])


def __dir__() -> list[str]:
    return sorted({*__all__, *_BY_CLASS})
