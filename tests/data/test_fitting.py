"""Whether a data set fits a network: shapes, values, classes."""

from __future__ import annotations

import numpy as np
import pytest

from cnnkit.data import DataError, Dataset, Examples
from cnnkit.data.dataset import Array
from cnnkit.data.fitting import fitted


def dataset_of(
    inputs: Array, labels: list[int] | None = None, test: Array | None = None, classes: int = 2
) -> Dataset:
    targets = np.array(labels or np.arange(len(inputs)) % classes, np.int32)
    held = (
        None if test is None else Examples(test, (np.arange(len(test)) % classes).astype(np.int32))
    )
    names = tuple("abcdefghijklm"[:classes])
    return Dataset("made", Examples(inputs, targets), held, names)


def fault(
    dataset: Dataset, shape: tuple[int, ...] | None = None, outputs: int | None = None
) -> str:
    with pytest.raises(DataError) as caught:
        fitted(dataset, shape, outputs)
    return str(caught.value)


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((4, 4, 1), (4, 4, 1)),
        ((4, 4), (4, 4, 1)),
        ((4, 4, 1), (16,)),
        ((16,), (4, 4, 1)),
        ((12,), (2, 2, 3)),
        ((9,), (9, 1)),
        ((2, 3, 4), (2, 3, 4, 1)),
    ],
)
def test_what_has_one_meaning_is_reshaped(shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    inputs = np.arange(4 * np.prod(shape), dtype=np.float32).reshape(4, *shape)
    found = fitted(dataset_of(inputs, test=inputs[:2]), wanted)
    assert found.train.inputs.shape == (4, *wanted)
    assert found.test is not None
    assert found.test.inputs.shape == (2, *wanted)
    assert np.array_equal(np.ravel(found.train.inputs[:]), np.ravel(inputs))


@pytest.mark.parametrize(
    ("shape", "wanted", "advice"),
    [
        ((4, 4, 1), (5, 5, 1), "write `input: 4x4x1`, or prepare the data in that shape"),
        ((4, 8, 1), (8, 4, 1), "write `input: 4x8x1`, or prepare the data in that shape"),
        ((4, 4, 3), (4, 4, 1), "write `input: 4x4x3`, or prepare the data in that shape"),
        (
            (3, 4, 4),
            (4, 4, 3),
            "move the channels to the last axis, as in np.moveaxis(inputs, 1, -1)",
        ),
        # Grey images and volumes without the axis of their one channel, and not signals.
        ((28, 28), (32, 32, 1), "write `input: 28x28x1`, or prepare the data in that shape"),
        ((8, 8, 8), (9, 9, 9, 1), "write `input: 8x8x8x1`, or prepare the data in that shape"),
        (
            (65,),
            (8, 8, 1),
            (
                "that is a value too many; where a column counts the lines, leave it out, "
                "`drop: [NAME]`"
            ),
        ),
        ((15,), (16,), "write `input: 15`, or prepare the data in that shape"),
    ],
)
def test_another_shape_is_said(
    shape: tuple[int, ...], wanted: tuple[int, ...], advice: str
) -> None:
    inputs = np.zeros((4, *shape), np.uint8)
    shapes = "x".join(map(str, shape)), "x".join(map(str, wanted))
    assert fault(dataset_of(inputs, test=inputs), wanted) == (
        f"made has examples of {shapes[0]}, but the network's input is {shapes[1]}: {advice}"
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 1500, 2999])
def test_the_first_value_that_is_not_finite_is_named(value: float, place: int) -> None:
    inputs = np.zeros((3000, 2, 2, 1), np.float32)
    inputs[place:, 1, 0, 0] = value
    kind = "NaN" if np.isnan(value) else "an infinite value"
    text = f"input {place} has {kind}; clean the data, as with np.nan_to_num"
    assert fault(dataset_of(inputs)) == f"made (train): {text}"
    sound = np.zeros((2, 2, 2, 1), np.float32)
    assert fault(dataset_of(sound, test=inputs)) == f"made (test): {text}"


def test_targets_are_looked_at_too() -> None:
    targets = np.array([[0.5], [np.nan]], np.float32)
    dataset = Dataset("made", Examples(np.zeros((2, 1), np.uint8), targets), None, ())
    assert fault(dataset).startswith("made (train): target 1 has NaN")


@pytest.mark.parametrize(("classes", "outputs"), [(3, 4), (3, 1), (10, 1000), (2, 3)])
def test_the_network_gives_a_score_a_class(classes: int, outputs: int) -> None:
    dataset = dataset_of(np.zeros((20, 1), np.uint8), classes=classes)
    assert fault(dataset, outputs=outputs) == (
        f"made has {classes} classes, but the network gives {outputs} scores: give its last layer "
        f"{classes} units"
    )


def test_two_classes_may_have_one_score() -> None:
    dataset = dataset_of(np.zeros((20, 1), np.uint8))
    assert fitted(dataset, outputs=1) is dataset
    assert fitted(dataset, outputs=2) is dataset


def test_values_to_predict_must_be_as_many_as_scores() -> None:
    targets = np.zeros((2, 3), np.float32)
    dataset = Dataset("made", Examples(np.zeros((2, 1), np.uint8), targets), None, ())
    assert fitted(dataset, outputs=3) is dataset
    assert fault(dataset, outputs=4) == (
        "made has targets of 3 values, but the network gives 4 scores: give its last layer 3 units"
    )


def test_all_faults_are_said_at_once() -> None:
    inputs = np.full((4, 3), np.nan, np.float32)
    dataset = dataset_of(inputs, [0, 1, 2, 5], classes=3)
    assert fault(dataset, (4,), 2) == (
        "made (train): input 0 has NaN; clean the data, as with np.nan_to_num\n"
        "  made has examples of 3, but the network's input is 4: write `input: 3`, or prepare the "
        "data in that shape\n"
        "  made (train): example 3 has label 5, but those of 3 classes go from 0 to 2\n"
        "  made has 3 classes, but the network gives 2 scores: give its last layer 3 units"
    )


def test_no_examples_are_said() -> None:
    empty = np.zeros((0, 4), np.uint8)
    assert "made (train) has no examples" in fault(dataset_of(empty, []))
    assert (
        fault(dataset_of(np.zeros((4, 4), np.uint8), test=empty)) == "made (test) has no examples"
    )
