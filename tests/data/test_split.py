"""Splits: disjoint, exhaustive, seeded, and with the proportions of the classes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnkit.data import DataError, Dataset, Examples, folds, load, split
from cnnkit.spec.model.training import SplitSettings


def dataset_of(labels: list[int], test: int = 0, validation: int = 0) -> Dataset:
    targets = np.array(labels, np.int32)
    inputs = np.zeros((len(labels), 1), np.uint8)
    names = tuple(f"c{label}" for label in range(max(labels) + 1))
    held = Examples(np.zeros((test, 1), np.uint8), np.zeros(test, np.int32)) if test else None
    given_ = np.arange(len(labels) - validation, len(labels)) if validation else None
    return Dataset("made", Examples(inputs, targets), held, names, given_)


counts = st.lists(st.integers(20, 60), min_size=2, max_size=6)
held = st.one_of(st.floats(0.1, 0.4), st.integers(8, 15))


@settings(deadline=None, max_examples=60)
@given(counts=counts, validation=held, test=held, seed=st.integers(0, 2**32 - 1))
def test_splits_are_disjoint_exhaustive_and_stratified(
    counts: list[int], validation: float, test: float, seed: int
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    np.random.default_rng(seed).shuffle(labels)
    dataset = dataset_of(labels.tolist())
    splits = split(dataset, SplitSettings(validation=validation, test=test), seed)
    parts = (splits.train, splits.validation, splits.test)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(labels)))
    assert all((np.diff(part) > 0).all() for part in parts)
    # Each cut has every class within one of its share of what it is cut from.
    rest = np.concatenate([splits.train, splits.validation])
    for part, whole in ((splits.test, np.arange(len(labels))), (splits.validation, rest)):
        share = np.bincount(labels[whole]) * len(part) / len(whole)
        found = np.bincount(labels[part], minlength=len(counts))
        assert np.abs(found - share).max() < 1 + 1e-9
    for wanted, part in ((validation, splits.validation), (test, splits.test)):
        count = wanted if isinstance(wanted, int) else round(wanted * len(labels))
        assert len(part) == count


@settings(deadline=None, max_examples=40)
@given(counts=counts, k=st.integers(2, 20), seed=st.integers(0, 2**32 - 1), stratify=st.booleans())
def test_folds_hold_each_example_once(counts: list[int], k: int, seed: int, stratify: bool) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    examples = dataset_of(labels.tolist()).train
    indices = np.arange(0, len(labels))[:: 1 if stratify else 2]
    fold = folds(examples, indices, k, stratify=stratify, seed=seed)
    assert (fold.shape, fold.min(), fold.max()) == (indices.shape, 0, k - 1)
    classes = labels[indices] if stratify else np.zeros(len(indices), int)
    for label in np.unique(classes):
        sizes = np.bincount(fold[classes == label], minlength=k)
        assert sizes.max() - sizes.min() <= 1


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    dataset = load("digits")
    first, again, other = (split(dataset, seed=seed) for seed in (1, 1, 2))
    assert first.record() == again.record()
    assert np.array_equal(first.test, again.test)
    for part in ("train", "validation", "test"):
        assert first.record()[part]["sha256"] != other.record()[part]["sha256"]
    assert not np.array_equal(
        folds(dataset.train, first.train, 5, stratify=True, seed=1),
        folds(dataset.train, first.train, 5, stratify=True, seed=2),
    )


def test_a_record_is_plain_data() -> None:
    record = split(dataset_of([0, 1] * 50), seed=3).record()
    assert json.loads(json.dumps(record)) == record
    assert list(record) == ["seed", "stratified", "own_test", "train", "validation", "test"]
    assert [record[part]["examples"] for part in ("train", "validation", "test")] == [70, 15, 15]
    assert record["seed"] == 3
    # SHA-256 of no bytes, as FIPS 180 gives it
    empty = split(dataset_of([0, 1] * 50), SplitSettings(validation=0)).record()["validation"]
    assert empty == {
        "examples": 0,
        "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    }


def test_a_test_split_of_the_sets_own_is_kept() -> None:
    dataset = dataset_of([0, 1] * 50, test=7)
    splits = split(dataset, SplitSettings(validation=20, test=0.9))
    assert splits.own_test
    assert splits.test.tolist() == list(range(7))
    assert (len(splits.train), len(splits.validation)) == (80, 20)
    assert dataset.examples_of_test(splits) is dataset.test


def test_a_validation_split_of_the_sets_own_is_kept() -> None:
    dataset = dataset_of([0, 1] * 50, validation=10)
    splits = split(dataset, SplitSettings(test=18))
    assert splits.validation.tolist() == list(range(90, 100))
    assert len(splits.test) == 18
    assert splits.test.max() < 90
    assert dataset.examples_of_test(splits) is dataset.train


def test_targets_that_are_no_classes_are_split_without() -> None:
    examples = Examples(
        np.zeros((10, 1), np.uint8), np.linspace(0, 1, 10, dtype=np.float32)[:, None]
    )
    splits = split(Dataset("made", examples, None, ()))
    assert not splits.stratified
    assert [len(splits.train), len(splits.validation), len(splits.test)] == [6, 2, 2]


def test_one_hot_targets_are_stratified() -> None:
    targets = np.eye(2, dtype=np.float32)[[0] * 40 + [1] * 20]
    splits = split(Dataset("made", Examples(np.zeros((60, 1), np.uint8), targets), None, ()))
    assert splits.stratified
    assert targets[splits.test].sum(0).tolist() == [6, 3]


@pytest.mark.parametrize(
    ("labels", "cut", "message"),
    [
        (
            [0] * 30 + [1],
            SplitSettings(),
            "a stratified split needs 2 of each class, but class c1 has 1; or take `stratify: f",
        ),
        (
            list(range(10)) * 2,
            SplitSettings(),
            "made: a stratified split of 3 of 20 examples cannot hold each of 10 classes; take a ",
        ),
        (
            [0, 1],
            SplitSettings(),
            "a test split of 0.15 of 2 examples is empty: hold a number of them back, `split: {te",
        ),
        (
            [0, 1] * 5,
            SplitSettings(validation=0.5, test=0.5),
            "made has 10 examples: with 5 to validate on and 5 to test on, none is left to train",
        ),
        (
            [0, 1] * 5,
            SplitSettings(validation=20, test=0),
            "made has 10 examples: with 20 to validate on and 0 to test on, none is left to train",
        ),
    ],
)
def test_what_cannot_be_split_is_said(labels: list[int], cut: SplitSettings, message: str) -> None:
    with pytest.raises(DataError) as caught:
        split(dataset_of(labels), cut)
    assert str(caught.value).startswith(message)


def test_folds_need_enough_of_each_class() -> None:
    examples = dataset_of([0] * 30 + [1] * 3).train
    with pytest.raises(DataError) as caught:
        folds(examples, np.arange(33), 5, stratify=True, seed=0)
    assert str(caught.value) == (
        "5 stratified folds need 5 of each class, but class 1 has 3; or take `stratify: false`"
    )
    with pytest.raises(DataError, match="of each class, but class sick has 3; or take"):
        folds(examples, np.arange(33), 5, stratify=True, seed=0, classes=("healthy", "sick"))
    with pytest.raises(DataError, match="40 folds need as many examples, but there are 33"):
        folds(examples, np.arange(33), 40, stratify=False, seed=0)
