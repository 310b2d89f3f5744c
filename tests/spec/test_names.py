"""The names of other frameworks, each answered with ours."""

from __future__ import annotations

import pytest

from cnnkit.layers import KINDS
from cnnkit.spec.language import names
from cnnkit.spec.language.names import kind_advice
from cnnkit.spec.reading import read

FRAMEWORKS = {
    "conv": "Conv Conv1D Conv2D Conv3D Conv1d Conv2d Conv3d LazyConv2d Convolution2D nn.Conv2d",
    "depthwise_conv": "DepthwiseConv2D DepthwiseConv1D",
    "separable_conv": "SeparableConv2D SeparableConv1D SeparableConvolution2D",
    "transposed_conv": "Conv2DTranspose ConvTranspose2d ConvTranspose LazyConvTranspose3d deconv",
    "locally_connected": "LocallyConnected1D LocallyConnected2D ConvLocal",
    "dense": "Dense Linear LazyLinear nn.Linear nnx.Linear LinearGeneral FC fully_connected",
    "max_pool": "MaxPool2d MaxPooling2D MaxPool2D max_pool_2d MaxPool1d maxpool",
    "mean_pool": "AvgPool2d AveragePooling2D AveragePooling3D avg_pool AvgPool MeanPool",
    "global_max_pool": "GlobalMaxPooling2D GlobalMaxPool2D",
    "global_mean_pool": "GlobalAveragePooling2D GlobalAvgPool2D global_avg_pool GAP",
    "adaptive_mean_pool": "AdaptiveAvgPool2d AdaptiveAveragePooling2D",
    "adaptive_max_pool": "AdaptiveMaxPool2d",
    "relu": "ReLU Relu RELU",
    "relu6": "ReLU6 Relu6 relu_6",
    "leaky_relu": "LeakyReLU LeakyRelu lrelu",
    "elu": "ELU",
    "selu": "SELU",
    "prelu": "PReLU",
    "gelu": "GELU",
    "silu": "SiLU Swish swish",
    "mish": "Mish",
    "sigmoid": "Sigmoid",
    "hard_sigmoid": "Hardsigmoid HardSigmoid hard-sigmoid",
    "hard_silu": "Hardswish HardSwish hard_swish h_swish HardSiLU",
    "tanh": "Tanh",
    "softplus": "Softplus",
    "softmax": "Softmax Softmax2d",
    "log_softmax": "LogSoftmax",
    "maxout": "Maxout",
    "linear": "Identity identity",
    "batch_norm": "BatchNorm BatchNorm2d BatchNormalization SyncBatchNorm LazyBatchNorm1d bn",
    "layer_norm": "LayerNorm LayerNormalization",
    "group_norm": "GroupNorm GroupNormalization",
    "instance_norm": "InstanceNorm2d InstanceNormalization",
    "rms_norm": "RMSNorm RMSNormalization",
    "local_response_norm": "LocalResponseNorm LRN",
    "rescale": "Rescaling Normalization Normalize",
    "dropout": "Dropout Dropout_",
    "spatial_dropout": "Dropout2d Dropout3d SpatialDropout2D",
    "drop_path": "DropPath StochasticDepth DropConnect",
    "gaussian_noise": "GaussianNoise",
    "flatten": "Flatten",
    "reshape": "Reshape",
    "pad": "ZeroPadding2D ZeroPad2d ReflectionPad2d ReplicationPad2d CircularPad1d ConstantPad2d",
    "crop": "Cropping2D CenterCrop",
    "upsample": "UpSampling2D Upsample UpsamplingNearest2d Resizing interpolate",
    "channel_shuffle": "ChannelShuffle",
    "depth_to_space": "PixelShuffle",
    "space_to_depth": "PixelUnshuffle",
    "scale": "LayerScale",
    "merge": "Concatenate concat",
    "residual": "Add Residual",
    "squeeze_excite": "SqueezeExcitation SqueezeExcite SE squeeze_and_excitation",
}


@pytest.mark.parametrize(
    ("word", "kind"),
    [(word, kind) for kind, words in FRAMEWORKS.items() for word in words.split()],
)
def test_a_name_of_another_framework_is_answered_with_ours(word: str, kind: str) -> None:
    assert kind_advice(word) == f"here it is `{kind}`"


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("conf", "did you mean `conv`?"),
        ("flaten", "did you mean `flatten`?"),
        ("Sequential", "layers need no container: put them into the list one after the other"),
        ("nn.Sequential", "layers need no container: put them into the list one after the other"),
        ("Activation", "an activation is a kind of its own: `- relu`"),
        ("Input", "the shape of the input stands at the top: `input: 32x32x3`"),
        ("InputLayer", "the shape of the input stands at the top: `input: 32x32x3`"),
    ],
)
def test_other_advice(word: str, advice: str) -> None:
    assert kind_advice(word) == advice


def test_a_word_that_is_near_to_nothing_gets_the_list() -> None:
    assert kind_advice("xyzzy", ["my-block"]) == f"the kinds are {', '.join(KINDS)}, my-block"
    assert kind_advice("my_block", ["my-block"]) == "did you mean `my-block`?"
    assert kind_advice("").startswith("the kinds are ")


def test_each_name_of_the_table_is_needed_and_leads_to_a_kind() -> None:
    for word, kind in names._KIND_OF.items():
        assert kind in KINDS
        assert word == names._normalized(word), f"{word} can never be looked up"
        assert names._OURS.get(word) is None, f"{word} is ours as it stands"


INCOMING = "leave it out: a layer takes whatever comes in"
LAST = "leave it out: the channels are always the last axis"
AFFINE = "here it is `scale` and `shift`, each true or false"


@pytest.mark.parametrize(
    ("layer", "field", "advice"),
    [
        ("conv: {filters: 2, kernel: 3, %s}", "in_channels: 3", INCOMING),
        ("conv: {filters: 2, kernel: 3, %s}", "input_shape: [8, 8, 3]", INCOMING),
        ("dense: {units: 2, %s}", "in_features: 3", INCOMING),
        ("batch_norm: {%s}", "num_features: 3", INCOMING),
        ("layer_norm: {%s}", "normalized_shape: 3", INCOMING),
        ("group_norm: {groups: 1, %s}", "num_channels: 3", INCOMING),
        ("conv: {filters: 2, kernel: 3, %s}", "data_format: channels_first", LAST),
        ("batch_norm: {%s}", "axis: 1", LAST),
        ("batch_norm: {%s}", "affine: false", AFFINE),
        ("layer_norm: {%s}", "elementwise_affine: false", AFFINE),
        ("max_pool: {size: 2, %s}", "ceil_mode: true", "here it is `rounding: ceil`"),
        ("transposed_conv: {filters: 2, kernel: 3, %s}", "lhs_dilation: 2", "here it is `stride`"),
        ("conv: {filters: 2, kernel: 3, %s}", "rhs_dilation: 2", "here it is `dilation`"),
        (
            "conv: {filters: 2, kernel: 3, %s}",
            "lhs_dilation: 2",
            "a convolution of a spread input is a `transposed_conv`, the dilation its `stride`",
        ),
        (
            "conv: {filters: 2, kernel: 3, %s}",
            "shared: true",
            "a `conv` shares its weights over all positions, a `locally_connected` layer over none",
        ),
        (
            "dense: {units: 2, %s}",
            "weight_decay: 0.1",
            (
                "it belongs to the optimizer: `train: {optimizer: {sgd: {weight_decay: 5e-4}}}`, "
                "for all layers"
            ),
        ),
    ],
)
def test_what_frameworks_say_and_we_do_not(layer: str, field: str, advice: str) -> None:
    reading = read(f"input: 8x8x3\nlayers:\n  - {layer % field}\n")
    (finding,) = reading.findings
    assert (finding.rule, finding.help) == ("unknown-key", advice)


def test_advice_is_given_where_the_fields_that_it_names_are() -> None:
    (finding,) = read("input: 8\nlayers: [{dropout: {rate: 0.1, ceil_mode: true}}]").findings
    assert finding.help == "its fields are rate"
    (finding,) = read("input: 8\nlayers: [{dense: {units: 1, lhs_dilation: 1}}]").findings
    assert finding.help == (
        "its fields are units, bias, activation, init, weights, weight_norm, learnt"
    )


@pytest.mark.parametrize("value", ["SAME", "Same", "VALID"])
def test_a_word_in_large_letters(value: str) -> None:
    layer = f"conv: {{filters: 2, kernel: 3, padding: {value}}}"
    (finding,) = read(f"input: 8x8x3\nlayers:\n  - {layer}\n").findings
    assert finding.message == f'`padding` cannot be "{value}"'
    assert finding.help == f"write it in small letters: `{value.lower()}`"


def test_a_word_that_is_wrong_in_any_letters() -> None:
    (finding,) = read(
        "input: 8x1\nlayers: [{conv: {filters: 2, kernel: 3, padding: FULL}}]"
    ).findings
    assert (finding.help or "").startswith("it takes `valid`, `same`, `causal`, a whole number")


@pytest.mark.parametrize("key", ["optimizer", "epochs", "batch_size"])
def test_a_field_of_training_at_the_top(key: str) -> None:
    (finding,) = read(f"input: 8\nlayers: [relu]\n{key}: 1\n").findings
    assert finding.help == f"`{key}` belongs into `train:`"


def test_shared_is_no_reshape() -> None:
    assert kind_advice("Shared") == "here it is `shared`"
    assert kind_advice("siamese") == (
        "`shared: NAME` applies the layer named NAME once more with the same weights"
    )
