"""Whether targets are what a loss can compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit.data import DataError, Dataset, load
from cnnkit.spec.model.training import Arrays, Loss
from cnnkit.spec.model.training.loss import LOSSES


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def reads(targets: Any, loss: str | None = None, outputs: int | None = None) -> Dataset:
        path = tmp_path / "set.npz"
        np.savez(path, x=np.zeros((len(targets), 4), np.uint8), y=np.array(targets))
        return load(Arrays(arrays=str(path)), outputs=outputs, loss=loss_of(loss))

    return reads


def loss_of(name: str | None) -> Loss | None:
    found = None if name is None else LOSSES.read(name)
    assert found is None or isinstance(found, Loss)
    return found


@pytest.mark.parametrize("values", [[3, -7, 90], [2**40, 0, 1], [0, 1, 1]])
def test_whole_numbers_are_values_where_one_value_is_predicted(
    values: list[int], read: Any
) -> None:
    dataset = read(values, "mean_squared_error", 1)
    assert dataset.train.targets.dtype == np.float32
    assert dataset.train.targets.tolist() == [[np.float32(value)] for value in values]
    assert dataset.classes == ()


def test_whole_numbers_are_classes_where_each_has_a_score(read: Any) -> None:
    dataset = read([0, 1, 2], "mean_squared_error", 3)
    assert dataset.train.targets.tolist() == [0, 1, 2]
    assert dataset.classes == ("0", "1", "2")


@pytest.mark.parametrize(
    ("targets", "loss"),
    [
        ([0, 1, 1], "categorical_cross_entropy"),
        ([[1, 0], [0, 1]], "categorical_cross_entropy"),
        ([[0.25, 0.75], [1 / 3, 2 / 3]], "categorical_cross_entropy"),
        ([[1, 1], [0, 0]], "binary_cross_entropy"),
        ([[0.5, 1], [0, 0]], "binary_cross_entropy"),
        ([[1, 1], [0, 0]], "focal"),
        ([[3.5, -1], [0, 0]], "huber"),
    ],
)
def test_what_a_loss_can_compare_is_taken(targets: Any, loss: str, read: Any) -> None:
    assert len(read(targets, loss, 2).train) == len(targets)


def fault(read: Any, targets: Any, loss: str) -> str:
    with pytest.raises(DataError) as caught:
        read(targets, loss, 2)
    return str(caught.value)


@pytest.mark.parametrize("loss", ["categorical_cross_entropy", "binary_cross_entropy", "focal"])
@pytest.mark.parametrize("value", [3.5, -1])
def test_a_loss_of_classes_compares_no_values(loss: str, value: float, read: Any) -> None:
    assert fault(read, [[0.0, value], [1, 0]], loss) == (
        f"set.npz (train) has values to predict, such as {value:g}, but `{loss}` compares classes: "
        "take `loss: mean_squared_error`, or save classes as whole numbers"
    )


def test_an_example_has_one_label_where_one_class_is_right(read: Any) -> None:
    assert fault(read, [[1, 0], [1, 1]], "categorical_cross_entropy") == (
        "set.npz (train): example 1 has 2 labels, but `categorical_cross_entropy` takes one each: "
        "end the network in `sigmoid` and take `loss: binary_cross_entropy`"
    )


def test_the_shares_of_classes_sum_up_to_one(read: Any) -> None:
    assert fault(read, [[0.5, 0.2], [1, 0]], "categorical_cross_entropy") == (
        "set.npz (train): the targets of example 0 are no shares of classes, they sum up to 0.7: "
        "take `loss: mean_squared_error`, or save classes as whole numbers"
    )


@pytest.mark.parametrize("label", [-5, 2**40])
def test_what_is_no_label_is_said_with_its_number(label: int, read: Any) -> None:
    with pytest.raises(DataError, match=r"set\.npz \(train\): example 1 has label "):
        read([0, label, 1], "categorical_cross_entropy", 2)


@pytest.mark.parametrize("loss", ["categorical_cross_entropy", "focal"])
@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_whole_floats_are_classes_under_a_loss_of_classes(
    loss: str, shape: tuple[int, ...], read: Any
) -> None:
    """What `np.loadtxt` reads of labels."""
    dataset = read(np.arange(10.0).reshape(shape), loss, 10)
    assert dataset.train.targets.dtype == np.int32
    assert dataset.train.targets.tolist() == [*range(10)]
    assert dataset.classes == tuple("0123456789")
    (note,) = dataset.notes
    assert note == (
        f"the targets of set.npz are floats, all of them whole: under `{loss}` they are the "
        "classes 0 to 9"
    )


def test_whole_floats_stay_values_under_a_loss_of_values(read: Any) -> None:
    dataset = read(np.arange(10.0), "mean_squared_error", 1)
    assert (dataset.train.targets.dtype, dataset.notes) == (np.float32, ())


def said(read: Any, targets: Any, loss: str, outputs: int) -> str:
    with pytest.raises(DataError) as caught:
        read(np.array(targets), loss, outputs)
    return str(caught.value)


def test_a_fraction_among_them_is_named_before_any_width(read: Any) -> None:
    assert said(read, [0.0, 3.5, 2.0], "categorical_cross_entropy", 10) == (
        "set.npz (train) has values to predict, such as 3.5, but `categorical_cross_entropy` "
        "compares classes: take `loss: mean_squared_error`, or save classes as whole numbers"
    )


@pytest.mark.parametrize("values", [[-1.0, 1.0, 1.0], [2e6, 3e6, 1e6]])
def test_whole_numbers_that_are_no_labels_are_to_be_numbered(
    values: list[float], read: Any
) -> None:
    assert said(read, values, "binary_cross_entropy", 1) == (
        f"set.npz (train) has values to predict, such as {values[0]:g}, but `binary_cross_entropy` "
        "compares classes: take `loss: mean_squared_error`, or number classes from 0, as "
        "np.unique(targets, return_inverse=True)[1] does"
    )


@pytest.mark.parametrize("kind", [int, float])
def test_labels_that_count_from_1_do_not_ask_for_another_layer(kind: type, read: Any) -> None:
    labels: np.ndarray = np.arange(1, 11).astype(kind)
    assert said(read, labels, "categorical_cross_entropy", 10) == (
        "set.npz (train) has no example of class 0: where labels count from 1, subtract 1"
    )


@pytest.mark.parametrize("prices", [[250_000, 180_000, 990_000], [250, 180, 990]])
def test_prices_ask_for_no_layer_of_their_size(prices: list[int], read: Any) -> None:
    assert said(read, prices, "categorical_cross_entropy", 10) == (
        f"set.npz has 3 different whole numbers up to {prices[2]:,} as targets. Where they are "
        "values to predict, take `loss: mean_squared_error` and one output; where they are "
        "classes, number these from 0, as np.unique(targets, return_inverse=True)[1] does"
    )
