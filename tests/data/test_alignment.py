"""Classes of other data are told by their names, in whatever order they come."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from cnnkit.data import DataError, Dataset, Examples
from cnnkit.data.alignment import aligned

PETS = ("bird", "cat", "dog")


def made(classes: tuple[str, ...], labels: list[int], test: list[int] | None = None) -> Dataset:
    def examples(each: list[int]) -> Examples:
        return Examples(np.zeros((len(each), 2), np.float32), np.array(each, np.int32))

    tested = None if test is None else examples(test)
    return Dataset("more", examples(labels), tested, classes)


@pytest.mark.parametrize(
    ("classes", "labels", "renamed", "expected", "lacking"),
    [
        (("bird", "cat", "dog"), [0, 1, 2], {}, [0, 1, 2], ""),
        (("dog", "cat", "bird"), [0, 1, 2], {}, [2, 1, 0], ""),
        (("cat", "dog"), [0, 1, 1], {}, [1, 2, 2], "class bird"),
        (("dog",), [0, 0], {}, [2, 2], "classes bird, cat"),
        (("Cat", "Dog"), [0, 1], {"cat": "Cat", "dog": "Dog"}, [1, 2], "class bird"),
        (("Hund", "bird"), [0, 1], {"dog": "Hund"}, [2, 0], "class cat"),
        # A name that is another's here: what the data call cat is a dog.
        (("cat", "dog"), [0, 1], {"dog": "cat", "cat": "dog"}, [2, 1], "class bird"),
        # Classes that no example has are asked for nothing.
        (("bird", "cat", "cow", "dog"), [0, 1, 3], {}, [0, 1, 2], ""),
    ],
)
def test_labels_follow_the_names(
    classes: tuple[str, ...],
    labels: list[int],
    renamed: Mapping[str, str],
    expected: list[int],
    lacking: str,
) -> None:
    found = aligned(made(classes, labels, labels[::-1]), PETS, renamed)
    assert found.classes == PETS
    assert found.train.targets.tolist() == expected
    assert found.test is not None
    assert found.test.targets.tolist() == expected[::-1]
    count = {"": 0}.get(lacking, 1 if lacking.startswith("class ") else 2)
    note = f"more has no example of the {lacking}: the figures are of the other {3 - count}"
    assert found.notes == ((note,) if lacking else ())


@pytest.mark.parametrize(
    ("classes", "renamed", "message"),
    [
        (
            ("Cat", "Dog"),
            {},
            ("more has the classes Cat, Dog, and the network knows bird, cat, dog: where they are "
            "the same, say so: `--classes cat=Cat,dog=Dog`"),
        ),
        (
            ("cat", "cow"),
            {},
            ("more has the class cow, and the network knows bird, cat, dog: say which they are, "
            "`--classes bird=cow`, or leave their examples out"),
        ),
        (("0", "1"), {}, "more has the classes 0, 1, and the network knows bird, cat, dog: say "),
        (
            ("Cat", "dog"),
            {"Cat": "cat"},
            "the network has no class `Cat`: write its own name first, `cat=Cat`",
        ),
        (("Cat", "dog"), {"cta": "Cat"}, "the network has no class `cta`: did you mean `cat`?"),
        (("Cat", "dog"), {"x": "Cat"}, "the network has no class `x`: it has bird, cat, dog"),
        (("Cat", "dog"), {"cat": "Kat"}, "more has no class `Kat`: did you mean `Cat`?"),
        ((), {"cat": "Cat"}, "more has no names of classes that `--classes` could name"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused(
    classes: tuple[str, ...], renamed: Mapping[str, str], message: str
) -> None:
    with pytest.raises(DataError) as caught:
        aligned(made(classes, [0, 1]), PETS, renamed)
    assert str(caught.value).startswith(message)


def test_columns_of_labels_follow_the_names_and_are_all_needed() -> None:
    targets = np.array([[1, 0, 0], [0, 1, 1]], np.float32)
    inputs = np.zeros((2, 2), np.float32)
    data = Dataset("more", Examples(inputs, targets), None, ("dog", "bird", "cat"))
    found = aligned(data, PETS, {})
    assert found.classes == PETS
    assert found.train.targets.tolist() == [[0, 0, 1], [1, 1, 0]]
    fewer = Dataset("more", Examples(inputs, targets[:, :2]), None, ("dog", "bird"))
    with pytest.raises(DataError, match="more lacks the labels cat: a network of labels is meas"):
        aligned(fewer, PETS, {})
