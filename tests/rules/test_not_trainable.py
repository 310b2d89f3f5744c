"""What of a recipe does not fit the inputs and outputs of its network, and where it stands."""

from __future__ import annotations

import pytest

from cnnkit.checking.admission import findings_of
from cnnkit.spec.reading import read

FUSION = """\
inputs: {image: 8x8x3, depth: 8x8x1}
layers:
  - merge: {with: depth}
  - global_mean_pool
  - save: features
  - dense: {units: 3}
  - output: label
  - load: features
  - dense: {units: 1}
  - output: angle
train:
  data: {arrays: a.npz, inputs: {image: x1, depth: x2}, targets: {label: y, angle: a}}
  loss: {label: categorical_cross_entropy, angle: mean_squared_error}
  optimizer: adam
"""
TWIN = """\
inputs: {left: 4, right: 4}
layers:
  - {name: twin, dense: {units: 2}}
  - output: first
  - load: right
  - shared: twin
  - output: second
train:
  data: {arrays: a.npz, inputs: {left: a, right: b}, targets: same}
  loss: contrastive
"""
SINGLE = """\
input: 4
layers: [{dense: {units: 3}}]
train:
  data: {arrays: a.npz, inputs: x}
  optimizer: adam
"""


def findings(text: str) -> list[tuple[str, str, str | None]]:
    """The rule and the place of each error, what it says, and what it advises."""
    return [
        (
            f"{found.rule} {found.location.line}:{found.location.column}",
            found.message,
            found.help,
        )
        for found in findings_of(read(text))
        if found.level == "error" and found.location is not None
    ]


@pytest.mark.parametrize(
    "text",
    [
        FUSION,
        TWIN,
        SINGLE,
        SINGLE.replace("inputs: x", "inputs: {input: x}, targets: {output: y}"),
        FUSION.replace("optimizer: adam", "loss_weights: {angle: 0.5}"),
        FUSION.replace("optimizer: adam", "early_stopping: {metric: label.macro_f1}"),
        FUSION.replace("optimizer: adam", "augment: [{shift: 1}, {flip: vertical}]"),
    ],
)
def test_a_recipe_that_fits_is_sound(text: str) -> None:
    assert findings(text) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "image: x1",
            "imag: x1",
            (
                "not-trainable 12:40",
                "`inputs` names `imag`, and the network has no such input",
                "did you mean `image`?",
            ),
        ),
        (
            ", depth: x2",
            "",
            (
                "not-trainable 12:33",
                "`inputs` names no `depth`, which the network has too",
                "add `depth: …`",
            ),
        ),
        (
            "{arrays: a.npz, inputs: {image: x1, depth: x2}, targets: {label: y, angle: a}}",
            "{arrays: a.npz, inputs: x, targets: {label: y, angle: a}}",
            (
                "not-trainable 12:9",
                "`data` gives one input, and the network has `image`, `depth`",
                (
                    "name an array for each, `data: {arrays: FILE.npz, inputs: {image: …, depth: …}"
                    ", targets: …}`, or a folder, `data: {images: {image: …, depth: …}}`"
                ),
            ),
        ),
        (
            ", targets: {label: y, angle: a}",
            ", targets: y",
            (
                "not-trainable 12:9",
                "`data` gives one target, and the network has the outputs `label`, `angle`",
                (
                    "name an array for each: `data: {arrays: FILE.npz, …, targets: {label: …, "
                    "angle: …}}`"
                ),
            ),
        ),
        (
            "{label: categorical_cross_entropy, angle: mean_squared_error}",
            "mean_squared_error",
            (
                "not-trainable 13:9",
                "`loss` is mean_squared_error, and the network has the outputs `label`, `angle`",
                "give each its own: `loss: {label: …, angle: …}`",
            ),
        ),
        (
            "angle: mean_squared_error",
            "other: mean_squared_error",
            (
                "not-trainable 13:51",
                "`loss` names `other`, and the network has no such output",
                "its outputs are `label`, `angle`",
            ),
        ),
        (
            "{label: categorical_cross_entropy, angle: mean_squared_error}",
            "{label: categorical_crossentropy, angle: triplet}",
            (
                "wrong-value 13:17",
                "there is no loss `categorical_crossentropy`",
                "did you mean `categorical_cross_entropy`?",
            ),
        ),
        (
            "optimizer: adam",
            "loss_weights: {angel: 1}",
            (
                "unknown-key 14:18",
                "`loss_weights` has `angel`, and `loss` names `label`, `angle`",
                "did you mean `angle`?",
            ),
        ),
        (
            "optimizer: adam",
            "class_weights: balanced",
            (
                "wrong-value 14:18",
                "`class_weights` is of the classes of one output, and `loss` is of several",
                "leave it out",
            ),
        ),
        (
            "optimizer: adam",
            "early_stopping: {metric: angle.accuracy}",
            (
                "wrong-value 14:28",
                "`early_stopping` watches `angle.accuracy`, and mean_squared_error has no classes",
                "write `metric: loss`",
            ),
        ),
        (
            "optimizer: adam",
            "early_stopping: {metric: accuracy}",
            (
                "wrong-value 14:28",
                (
                    "`early_stopping` watches `accuracy`, and each output has its own: did you "
                    "mean `label.accuracy`?"
                ),
                "write `metric: loss`",
            ),
        ),
        (
            "optimizer: adam",
            "augment: [color]",
            (
                "not-trainable 14:13",
                "`color` changes one image, and an example has the inputs `image`, `depth`",
                "leave it out; those that move, erase or add noise are done to all images alike",
            ),
        ),
        (
            "angle: mean_squared_error",
            "angle: categorical_cross_entropy",
            (
                "head-loss-mismatch 9:5",
                (
                    "categorical_cross_entropy of 1 output has nothing to learn: of one class the "
                    "probability is always 1"
                ),
                (
                    "give each class an output; for a yes or no take `binary_cross_entropy`, "
                    "without softmax"
                ),
            ),
        ),
    ],
)
def test_what_does_not_fit_is_told(old: str, new: str, expected: tuple[str, str, str]) -> None:
    assert old in FUSION
    assert findings(FUSION.replace(old, new))[0] == expected


def test_images_of_other_extents_are_not_moved_alike() -> None:
    text = FUSION.replace("depth: 8x8x1", "depth: 1").replace(
        "  - merge: {with: depth}\n  - global_mean_pool\n",
        "  - global_mean_pool\n  - merge: {with: depth}\n",
    )
    moved = text.replace("optimizer: adam", "augment: [{shift: 1}]")
    assert findings(moved) == []  # a vector is left as it is
    moved = moved.replace("depth: 1}", "depth: 4x4x1}").replace(
        "  - merge: {with: depth}\n", "  - save: a\n  - load: depth\n  - global_mean_pool\n"
        "  - merge: {with: a}\n",
    )  # fmt: skip
    assert findings(moved) == [
        (
            "not-trainable 17:13",
            (
                "`shift` is done to all images of an example alike, and their extents differ: "
                "`image` 8x8x3, `depth` 4x4x1"
            ),
            "leave it out, or bring the inputs to the same extents",
        )
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "  - output: first\n",
            "",
            (
                "not-trainable 9:9",
                "`contrastive` compares 2 outputs, and the network has 1: `second`",
                "name each embedding where it goes out, `- output: NAME`",
            ),
        ),
        (
            "  - shared: twin\n",
            "  - dense: {units: 3}\n",
            (
                "not-trainable 10:9",
                "`contrastive` compares outputs of one shape, and the network gives 2 and 3",
                "apply the same layers to each input: `- shared: NAME`",
            ),
        ),
        (
            "targets: same",
            "targets: {first: same}",
            (
                "not-trainable 9:63",
                "`targets` are named, and `contrastive` has one target of 2 outputs",
                "write `targets: NAME`, the name of its array",
            ),
        ),
        (
            ", targets: same",
            "",
            (
                "not-trainable 9:9",
                "`data` names the arrays of the inputs, and not that of the targets",
                "add `targets: NAME`",
            ),
        ),
        (
            "loss: contrastive",
            "loss: {first: contrastive, second: contrastive}",
            (
                "wrong-value 10:17",
                "`contrastive` compares 2 outputs, and is given for one",
                "write `loss: contrastive` alone",
            ),
        ),
        (
            "loss: contrastive",
            "loss: contrastive\n  label_smoothing: 0.1",
            (
                "wrong-value 11:20",
                "`label_smoothing` is of classes, and `contrastive` compares outputs",
                "leave it out",
            ),
        ),
    ],
)
def test_what_a_siamese_network_lacks_is_told(
    old: str, new: str, expected: tuple[str, str, str]
) -> None:
    assert old in TWIN
    assert findings(TWIN.replace(old, new))[0] == expected


def test_one_output_has_no_weights_and_no_name() -> None:
    (found,) = findings(SINGLE.replace("optimizer: adam", "loss_weights: {output: 1}"))
    assert found == (
        "wrong-value 5:17",
        (
            "`loss_weights` weighs the losses of several outputs, and `loss` is "
            "`categorical_cross_entropy` alone"
        ),
        "leave it out, or give each output its loss: `loss: {label: …, angle: …}`",
    )
    (found,) = findings(SINGLE.replace("optimizer: adam", "loss: {output: huber}"))
    assert found == (
        "wrong-value 5:9",
        "`loss` names one output, and a loss that is alone is written without",
        "write `loss: huber`",
    )


def test_the_test_set_is_named_as_the_examples_are() -> None:
    text = FUSION.replace("targets: {label", "test_inputs: x3, test_targets: {label: z, angle: b}, "
                          "targets: {label")  # fmt: skip
    assert findings(text)[0][1:] == (
        "`test_inputs` is not given as `inputs` is, which has one for each of `depth`, `image`",
        "write `test_inputs: {depth: …, image: …}`",
    )


def test_maps_are_not_compared() -> None:
    text = TWIN.replace("{left: 4, right: 4}", "{left: 3x4, right: 3x4}")
    assert findings(text.replace("dense: {units: 2}", "conv: {filters: 2, kernel: 1}")) == [
        (
            "not-trainable 10:9",
            "`contrastive` compares vectors, and the network gives 3x2",
            "end each in `global_mean_pool`, or in `flatten`",
        )
    ]


def test_the_input_is_no_target_of_several() -> None:
    text = FUSION.replace("label: categorical_cross_entropy", "label: huber").replace(
        "optimizer: adam", "target: input"
    )
    assert findings(text) == [
        (
            "not-trainable 14:11",
            (
                "`target: input` asks one output for the one input, and the network has the inputs "
                "`image`, `depth` and the outputs `label`, `angle`"
            ),
            "leave it out, and name the array of each target, `data: {…, targets: {NAME: ARRAY}}`",
        )
    ]


CELLS = """\
input: 8x8x1
layers:
  - conv: {filters: 1, kernel: 1}
  - output: cell
  - conv: {filters: 1, kernel: 1}
  - output: core
train:
  data: {images: scans, masks: {cell: cells, core: cores}}
  loss: {cell: binary_cross_entropy, core: dice}
"""


def test_folders_of_masks_are_those_of_the_outputs() -> None:
    assert findings(CELLS) == []
    assert findings(CELLS.replace("masks: {cell: cells, core: cores}", "masks: cells")) == [
        (
            "not-trainable 8:9",
            "`data` gives one target, and the network has the outputs `cell`, `core`",
            "name a folder for each: `masks: {cell: …, core: …}`",
        )
    ]
    (found, *_) = findings(CELLS.replace("core: cores", "cure: cores"))
    assert found == (
        "not-trainable 8:52",
        "`masks` names `cure`, and the network has no such output",
        "did you mean `core`?",
    )


def test_a_network_of_which_none_is_learnt() -> None:
    text = SINGLE.replace("units: 3", "units: 3, learnt: false")
    ((_, message, advice),) = findings(text)
    assert (message, advice) == (
        "all weights have `learnt: false`, so that none is left to train",
        "leave it out of one layer, such as the last",
    )
