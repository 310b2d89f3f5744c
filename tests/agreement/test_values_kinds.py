"""No kind is forgotten: each is compared with a layer of PyTorch or Keras, or said to have none."""

from __future__ import annotations

import re
from functools import cache

import pytest

import cnnkit
from cnnkit.export import convert
from cnnkit.layers import FAMILIES, KINDS
from tests.agreement.corpus import CORPUS

PYTORCH = {
    "conv": "nn.Conv2d(",
    "depthwise_conv": "groups=3",
    "separable_conv": "groups=",
    "transposed_conv": "nn.ConvTranspose2d(",
    "dense": "nn.Linear(",
    "max_pool": "F.max_pool2d(",
    "mean_pool": "F.avg_pool2d(",
    "global_max_pool": ".amax(dim=(2, 3))",
    "global_mean_pool": ".mean(dim=(2, 3))",
    "adaptive_max_pool": "F.adaptive_max_pool2d(",
    "adaptive_mean_pool": "F.adaptive_avg_pool2d(",
    "relu": "F.relu(",
    "relu6": "F.relu6(",
    "leaky_relu": "F.leaky_relu(",
    "elu": "F.elu(",
    "selu": "F.selu(",
    "prelu": "nn.PReLU(",
    "gelu": "F.gelu(",
    "silu": "F.silu(",
    "mish": "F.mish(",
    "sigmoid": "torch.sigmoid(",
    "hard_sigmoid": "F.hardsigmoid(",
    "hard_silu": "F.hardswish(",
    "tanh": "torch.tanh(",
    "softplus": "F.softplus(",
    "celu": "F.celu(",
    "softsign": "F.softsign(",
    "hard_tanh": "F.hardtanh(",
    "softshrink": "F.softshrink(",
    "hard_shrink": "F.hardshrink(",
    "threshold": "F.threshold(",
    "log_sigmoid": "F.logsigmoid(",
    "tanhshrink": "F.tanhshrink(",
    "glu": "F.glu(",
    "softmax": "F.softmax(",
    "log_softmax": "F.log_softmax(",
    "batch_norm": "nn.BatchNorm2d(",
    "layer_norm": "nn.LayerNorm(",
    "group_norm": "nn.GroupNorm(",
    "instance_norm": "nn.InstanceNorm2d(",
    "rms_norm": "nn.RMSNorm(",
    "local_response_norm": "F.local_response_norm(",
    "dropout": "nn.Dropout(",
    "spatial_dropout": "nn.Dropout2d(",
    "flatten": ".flatten(1)",
    "reshape": ".reshape(-1",
    "pad": "F.pad(",
    "crop": "[:, :, ",
    "upsample": "F.interpolate(",
    "channel_slice": "[:, 1:7]",
    "slice": "[:, :, 1:5]",
    "lp_pool": "F.lp_pool2d(",
    "lstm": "Recurrent(nn.LSTM, ",
    "gru": "Recurrent(nn.GRU, ",
    "max_unpool": "F.max_unpool2d(",
    "transpose": ".permute(0, 1, 3, 2)",
    "reduce": "torch.linalg.vector_norm(",
    "attention": "F.scaled_dot_product_attention(",
}
"""The words of PyTorch for each kind that it has."""

KERAS = {
    "conv": "layers.Conv2D(",
    "depthwise_conv": "layers.DepthwiseConv2D(",
    "transposed_conv": "layers.Conv2DTranspose(",
    "dense": "layers.Dense(",
    "max_pool": "layers.MaxPooling2D(",
    "mean_pool": "layers.AveragePooling2D(",
    "global_max_pool": "layers.GlobalMaxPooling2D(",
    "global_mean_pool": "layers.GlobalAveragePooling2D(",
    **{
        kind: f'layers.Activation("{kind}"'
        for kind in FAMILIES["activation"]
        if kind
        not in (
            *("leaky_relu", "elu", "prelu", "gelu", "maxout", "linear"),
            *("celu", "quick_gelu", "softshrink", "hard_shrink", "threshold", "power"),
            "tanhshrink",
        )
    },
    "celu": "ops.celu(",
    "softshrink": "ops.soft_shrink(",
    "hard_shrink": "ops.hard_shrink(",
    "threshold": "ops.threshold(",
    "tanhshrink": 'layers.Activation("tanh_shrink"',
    "leaky_relu": "layers.LeakyReLU(",
    "elu": "layers.ELU(",
    "prelu": "layers.PReLU(",
    "gelu": "ops.gelu(",
    "batch_norm": "layers.BatchNormalization(",
    "layer_norm": "layers.LayerNormalization(",
    "group_norm": "layers.GroupNormalization(groups=3",
    "instance_norm": "layers.GroupNormalization(groups=-1",
    "rms_norm": "layers.RMSNormalization(",
    "dropout": "layers.Dropout(",
    "spatial_dropout": "layers.SpatialDropout2D(",
    "drop_path": "layers.Dropout(0.5, noise_shape=(None, 1, 1, 1)",
    "gaussian_noise": "layers.GaussianNoise(",
    "flatten": "layers.Flatten(",
    "reshape": "layers.Reshape(",
    "reduce": "ops.max(",
    "lstm": "layers.LSTM(",
    "gru": "layers.GRU(",
    "embedding": "layers.Embedding(",
    "conv_lstm": "layers.ConvLSTM2D(",
    "transpose": "layers.Permute((2, 1, 3)",
    "pad": "layers.ZeroPadding2D(",
    "upsample": "layers.UpSampling2D(",
}
"""The words of Keras for each kind that it has; its adaptive pools have other windows."""

NEITHER = {
    "locally_connected": "PyTorch has none and Keras 3 removed it; einsum over shifted slices",
    "quick_gelu": "neither has it as a function; a product with a sigmoid",
    "power": "an operator of Python",
    "maxout": "neither has it; the maximum of a reshape",
    "linear": "nothing is computed",
    "global_response_norm": "neither has it; the formula of the paper",
    "rescale": "neither has it with a mean and deviation that are constants; two operations",
    "depth_to_space": "PyTorch's pixel_shuffle has another order of channels; a transposition",
    "space_to_depth": "PyTorch's pixel_unshuffle has another order of channels; a transposition",
    "channel_shuffle": "PyTorch has it for CPUs alone, Keras has none; a transposition",
    "scale": "neither has it as a layer; a multiplication",
    "blur_pool": "neither has it; weighted sums of slices",
    "position_embedding": "neither has it for maps; an addition",
    "coordinates": "neither has it; a concatenation",
    "class_token": "neither has it; a concatenation",
    **dict.fromkeys(FAMILIES["composition"], "the wiring of other layers; sums and joins"),
}
"""The kinds that neither has as a layer: their values come from the operations named."""


@cache
def _code(target: str) -> str:
    found = [convert(cnnkit.load(text), target).code for text in CORPUS.values()]
    return "\n".join(code for code in found if code)


def test_the_corpus_uses_every_kind() -> None:
    words = set(re.findall(r"[a-z_0-9]+", "\n".join(CORPUS.values())))
    assert set(KINDS) <= words


def test_every_kind_is_compared_or_has_a_reason() -> None:
    assert PYTORCH.keys() | KERAS.keys() | NEITHER.keys() == set(KINDS)
    assert not NEITHER.keys() & (PYTORCH.keys() | KERAS.keys())
    assert all(len(reason) > 10 for reason in NEITHER.values())


@pytest.mark.parametrize("kind", PYTORCH)
def test_it_is_pytorchs_own_layer_that_is_compared(kind: str) -> None:
    assert PYTORCH[kind] in _code("torch")


@pytest.mark.parametrize("kind", KERAS)
def test_it_is_kerass_own_layer_that_is_compared(kind: str) -> None:
    assert KERAS[kind] in _code("keras")
