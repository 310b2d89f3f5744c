"""The names that Keras, PyTorch and Flax give to the kinds of layers, with ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from cnnkit.errors import did_you_mean
from cnnkit.layers import KINDS

# As `_normalized` gives them. A name that is then one of ours, `MaxPool2d` and `batchnorm`, needs
# no line here. Where the rank makes a difference it is written, as in `Dropout2d`.
_KIND_OF: Mapping[str, str] = MappingProxyType(
    {
        "convolve": "conv",
        "convlocal": "locally_connected",
        "depthwise": "depthwise_conv",
        "convtranspose": "transposed_conv",
        "convtransposed": "transposed_conv",
        "transposeconv": "transposed_conv",
        "deconv": "transposed_conv",
        "upconv": "transposed_conv",
        "fc": "dense",
        "fullyconnected": "dense",
        "lineargeneral": "dense",
        "gap": "global_mean_pool",
        "lrelu": "leaky_relu",
        "swish": "silu",
        "hardswish": "hard_silu",
        "hswish": "hard_silu",
        "hsigmoid": "hard_sigmoid",
        "logistic": "sigmoid",
        "clip": "hard_tanh",
        "clamp": "hard_tanh",
        "thresholdedrelu": "threshold",
        "pow": "power",
        "swiglu": "glu",
        "geglu": "glu",
        "reglu": "glu",
        "identity": "linear",
        "bn": "batch_norm",
        "syncbatchnorm": "batch_norm",
        "lrn": "local_response_norm",
        "grn": "global_response_norm",
        "norm": "rescale",  # Keras's `Normalization`
        "normalize": "rescale",
        "rescaling": "rescale",
        "dropout1d": "spatial_dropout",
        "dropout2d": "spatial_dropout",
        "dropout3d": "spatial_dropout",
        "dropconnect": "drop_path",
        "stochasticdepth": "drop_path",
        "padding": "pad",
        "zeropad": "pad",
        "zeropadding": "pad",
        "constantpad": "pad",
        "reflectionpad": "pad",
        "replicationpad": "pad",
        "circularpad": "pad",
        "cropping": "crop",
        "centercrop": "crop",
        "upsampling": "upsample",
        "upsamplingnearest": "upsample",
        "upsamplingbilinear": "upsample",
        "interpolate": "upsample",
        "resize": "upsample",
        "resizing": "upsample",
        "pixelshuffle": "depth_to_space",
        "pixelunshuffle": "space_to_depth",
        "layerscale": "scale",
        "selfattention": "attention",
        "multiheadattention": "attention",
        "mha": "attention",
        "multiheadselfattention": "attention",
        "windowattention": "attention",
        "shiftedwindowattention": "attention",
        "scaleddotproductattention": "attention",
        "crossattention": "attention",
        "nonlocal": "attention",
        "positionalembedding": "position_embedding",
        "positionalencoding": "position_embedding",
        "posembed": "position_embedding",
        "clstoken": "class_token",
        "permute": "transpose",
        "powerpool": "lp_pool",
        "timedistributed": "each",
        "unpool": "max_unpool",
        "coordconv": "coordinates",
        "addcoords": "coordinates",
        "embed": "embedding",
        "chunk": "split",
        "rnn": "gru",
        "bilstm": "lstm",
        "convlstmcell": "conv_lstm",
        "bidirectional": "lstm",
        "concat": "merge",
        "concatenate": "merge",
        "add": "residual",
        "squeezeexcitation": "squeeze_excite",
        "squeezeandexcite": "squeeze_excite",
        "squeezeandexcitation": "squeeze_excite",
        "se": "squeeze_excite",
    }
)
# Parts of names, in the order in which they are replaced.
_SAME: Final = (
    ("convolution", "conv"),
    ("pooling", "pool"),
    ("average", "mean"),
    ("avg", "mean"),
    ("normalization", "norm"),
)
_ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "activation": "an activation is a kind of its own: `- relu`",
        "input": "the shape of the input stands at the top: `input: 32x32x3`",
        "inputlayer": "the shape of the input stands at the top: `input: 32x32x3`",
        "inputs": "the inputs stand at the top: `inputs: {image: 224x224x3, depth: 224x224x1}`",
        "siamese": "`shared: NAME` applies the layer named NAME once more with the same weights",
        "sequential": "layers need no container: put them into the list one after the other",
    }
)
_OURS: Mapping[str, str] = MappingProxyType({kind.replace("_", ""): kind for kind in KINDS})


def kind_advice(word: str, blocks: Iterable[str] = ()) -> str:
    """What to write instead of an unknown kind."""
    name = word.rpartition(".")[2]
    ranked = _normalized(name)
    plain = re.sub("[123]d", "", ranked)
    # Their `Linear` is a dense layer; our own `linear` is the identity activation.
    kind = _KIND_OF.get(ranked) or _KIND_OF.get(plain) or _OURS.get(plain)
    if name in ("Linear", "LazyLinear"):
        kind = "dense"
    if kind is not None:
        return f"here it is `{kind}`"
    if plain in _ADVICE:
        return _ADVICE[plain]
    known = [*KINDS, *blocks]
    near = did_you_mean(word, known)
    return f"did you mean `{near}`?" if near else f"the kinds are {', '.join(known)}"


def _normalized(name: str) -> str:
    """Without case and joints, and with our words: `Lazy_AvgPooling2D` is `meanpool2d`."""
    plain = re.sub("[_-]", "", name).lower().removeprefix("lazy")
    for theirs, ours in _SAME:
        plain = plain.replace(theirs, ours)
    return plain
