"""The names that Keras, PyTorch and Flax give to the kinds of layers, with ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from cnnkit.errors import did_you_mean
from cnnkit.layers import KINDS

# Without case, underscores and the rank at the end: `MaxPool2d` and `max_pool_2d` are `maxpool`.
_KIND_OF: Mapping[str, str] = MappingProxyType(
    {
        "convolution": "conv",
        "convolve": "conv",
        "convlocal": "locally_connected",
        "locallyconnected": "locally_connected",
        "depthwiseconv": "depthwise_conv",
        "depthwise": "depthwise_conv",
        "separableconv": "separable_conv",
        "convtranspose": "transposed_conv",
        "convtransposed": "transposed_conv",
        "deconv": "transposed_conv",
        "deconvolution": "transposed_conv",
        "transposeconv": "transposed_conv",
        "upconv": "transposed_conv",
        "fc": "dense",
        "fullyconnected": "dense",
        "fullconnected": "dense",
        "lineargeneral": "dense",
        "maxpooling": "max_pool",
        "maxpool": "max_pool",
        "avgpool": "mean_pool",
        "averagepool": "mean_pool",
        "averagepooling": "mean_pool",
        "avgpooling": "mean_pool",
        "meanpooling": "mean_pool",
        "globalmaxpooling": "global_max_pool",
        "globalmaxpool": "global_max_pool",
        "globalaveragepooling": "global_mean_pool",
        "globalaveragepool": "global_mean_pool",
        "globalavgpool": "global_mean_pool",
        "gap": "global_mean_pool",
        "adaptiveavgpool": "adaptive_mean_pool",
        "adaptiveaveragepooling": "adaptive_mean_pool",
        "adaptivemaxpool": "adaptive_max_pool",
        "swish": "silu",
        "hardswish": "hard_silu",
        "hswish": "hard_silu",
        "hsigmoid": "hard_sigmoid",
        "logistic": "sigmoid",
        "identity": "linear",
        "bn": "batch_norm",
        "batchnorm": "batch_norm",
        "batchnormalization": "batch_norm",
        "layernorm": "layer_norm",
        "layernormalization": "layer_norm",
        "groupnorm": "group_norm",
        "groupnormalization": "group_norm",
        "instancenorm": "instance_norm",
        "rmsnorm": "rms_norm",
        "rmsnormalization": "rms_norm",
        "lrn": "local_response_norm",
        "localresponsenorm": "local_response_norm",
        "rescaling": "rescale",
        "normalization": "rescale",
        "normalize": "rescale",
        "spatialdropout": "spatial_dropout",
        "dropoutchannel": "spatial_dropout",
        "droppath": "drop_path",
        "stochasticdepth": "drop_path",
        "gaussiannoise": "gaussian_noise",
        "zeropad": "pad",
        "zeropadding": "pad",
        "padding": "pad",
        "reflectionpad": "pad",
        "cropping": "crop",
        "centercrop": "crop",
        "upsampling": "upsample",
        "interpolate": "upsample",
        "resize": "upsample",
        "channelshuffle": "channel_shuffle",
        "layerscale": "scale",
        "permute": "reshape",
        "concat": "parallel",
        "concatenate": "parallel",
        "sequential": "repeat",
        "squeezeexcitation": "squeeze_excite",
        "squeezeandexcite": "squeeze_excite",
        "se": "squeeze_excite",
    }
)
# `Linear` is PyTorch's and Flax's dense layer; our own `linear` is the identity activation.
_BY_CASE: Mapping[str, str] = MappingProxyType({"Linear": "dense", "LazyLinear": "dense"})


def kind_advice(word: str, blocks: Iterable[str] = ()) -> str:
    """What to write instead of an unknown kind."""
    if word in _BY_CASE:
        return f"here it is `{_BY_CASE[word]}`"
    plain = re.sub(r"(_?[123]d)?$", "", word.lower()).replace("_", "").replace("-", "")
    ours = {kind.replace("_", ""): kind for kind in KINDS}
    kind = _KIND_OF.get(plain) or ours.get(plain)
    if kind is not None:
        return f"here it is `{kind}`"
    near = did_you_mean(word, [*KINDS, *blocks])
    if near is not None:
        return f"did you mean `{near}`?"
    return "the kinds are " + ", ".join([*KINDS, *blocks])
