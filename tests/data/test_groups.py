"""Examples that belong together: no split and no fold has a group on two sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnkit.data import DataError, Dataset, Examples, Splits, folds, split
from cnnkit.data.dataset import Sources
from cnnkit.data.groups import groups_of
from cnnkit.data.inspection import warnings_of
from cnnkit.data.membership import Groups
from cnnkit.data.statistics import statistics
from cnnkit.data.summary import summary
from cnnkit.report.dataset import dataset_lines
from cnnkit.spec.model.training import SplitSettings

FILES = ("a/p1_1.png", "a/p1_2.png", "b/p2_1.png", "b/p2_2.png", "b/p3_1.png", "a/p4_1.png")
PATTERN = r"(p\d)_"


def examples_of(files: Sequence[str], labels: Sequence[int] | None = None) -> Examples:
    count = len(files)
    targets = np.array([0] * count if labels is None else labels, np.int32)
    sources = Sources(tuple(map(Path, files)), ("",) * count)
    return Examples(np.arange(count, dtype=np.uint8)[:, None, None, None], targets, sources)


def dataset_of(
    files: Sequence[str] = FILES, labels: Sequence[int] | None = None, test: Sequence[str] = ()
) -> Dataset:
    held = examples_of(test) if test else None
    return Dataset("scans", examples_of(files, labels), held, ("sick", "well"))


def named(groups: Groups) -> list[str]:
    return [groups.names[each] for each in groups.train.tolist()]


def table(folder: Path, text: str, name: str = "groups.csv") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def grouped(dataset: Dataset, by: str, place: str = "") -> Groups:
    groups = groups_of(dataset, by, place)
    assert groups is not None
    return groups


def problem(dataset: Dataset, by: str) -> str:
    with pytest.raises(DataError) as caught:
        grouped(dataset, by, "spec.yaml:3:4: ")
    return str(caught.value)


sizes = st.lists(st.integers(2, 7), min_size=6, max_size=16)


@settings(deadline=None, max_examples=25)
@given(
    sizes=sizes,
    held=st.floats(0.1, 0.4),
    k=st.integers(2, 5),
    classes=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
    stratify=st.booleans(),
)
def test_no_group_stands_on_two_sides(
    sizes: list[int], held: float, k: int, classes: int, seed: int, stratify: bool
) -> None:
    of = np.repeat(np.arange(len(sizes)), sizes)
    random = np.random.default_rng(seed)
    random.shuffle(of)
    examples = Examples(np.zeros((len(of), 1), np.uint8), random.integers(0, classes, len(of)))
    dataset = Dataset(
        "made", replace(examples, targets=examples.targets.astype(np.int32)), None, ()
    )
    groups = Groups("g.csv", tuple(map(str, range(len(sizes)))), of)
    cut = SplitSettings(validation=0.2, test=held, stratify=stratify)
    splits = split(dataset, cut, seed, groups)
    parts = (splits.train, splits.validation, splits.test)
    assert all(len(part) for part in parts)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(of)))
    sides = [set(of[part].tolist()) for part in parts]
    assert sum(map(len, sides)) == len(set.union(*sides)) == len(sizes)
    # Folds are of what is not for the test, as `cross-validate` and a nested search cut them.
    rest = np.sort(np.concatenate(parts[:2]))
    k = min(k, len({*of[rest].tolist()}))
    fold = folds(dataset.train, rest, k, stratify=stratify, seed=seed, groups=groups)
    assert sorted({*fold.tolist()}) == list(range(k))
    for group in set(of[rest].tolist()):
        assert len({*fold[of[rest] == group].tolist()}) == 1


def test_classes_are_shared_out_as_far_as_groups_allow() -> None:
    """Of 40 patients with 5 scans each, a quarter of them sick, parts have a quarter sick too."""
    of = np.repeat(np.arange(40), 5)
    labels = (of % 4 > 0).astype(np.int32)
    dataset = Dataset("made", Examples(np.zeros((200, 1), np.uint8), labels), None, ())
    groups = Groups("g.csv", tuple(map(str, range(40))), of)
    splits = split(dataset, SplitSettings(validation=0.2, test=0.2), 3, groups)
    assert [len(splits.train), len(splits.validation), len(splits.test)] == [120, 40, 40]
    for part in (splits.train, splits.validation, splits.test):
        assert (labels[part] == 0).mean() == 0.25
    fold = folds(dataset.train, np.arange(200), 5, stratify=True, seed=1, groups=groups)
    assert np.bincount(fold).tolist() == [40] * 5
    assert np.bincount(fold[labels == 0]).tolist() == [10] * 5
    other = split(dataset, SplitSettings(validation=0.2, test=0.2), 4, groups)
    assert not np.array_equal(other.test, splits.test)


def test_a_pattern_of_names() -> None:
    groups = grouped(dataset_of(), PATTERN)
    assert named(groups) == ["p1", "p1", "p2", "p2", "p3", "p4"]
    assert groups.record() == {
        "by": PATTERN,
        "count": 4,
        # of "p1\np1\np2\np2\np3\np4", by sha256sum
        "sha256": "5b4286aa5686f6e55295432cc483c6fce2da09b37ef487bd53dbe4b61e845fdf",
    }
    assert named(grouped(dataset_of(), r"^(\w)/")) == ["a", "a", "b", "b", "b", "a"]


@pytest.mark.parametrize(
    "text",
    [
        "file,patient\na/p1_1.png,A\na/p1_2.png,A\nb/p2_1.png,B\nb/p2_2,B\np3_1,C\np4_1.png,A\n",
        "p1_1,A\np1_2,A\np2_1,B\np2_2,B\np3_1,C\np4_1,A\nnot_here,Z\n",
        "patient,age,image\nA,7,p1_1.png\nA,7,p1_2.png\nB,8,p2_1.png\nB,8,p2_2\nC,9,p3_1\nA,7,a\\p4_1",
        "group\nA\nA\nB\nB\nC\nA\n",
        "A\nA\nB\nB\nC\nA\n",
    ],
    ids=["named", "stems", "columns", "in order", "in order without header"],
)
def test_a_table_of_groups(tmp_path: Path, text: str) -> None:
    groups = grouped(dataset_of(), table(tmp_path, text))
    assert named(groups) == ["A", "A", "B", "B", "C", "A"]
    assert groups.record()["by"] == "groups.csv"


def test_what_is_wrong_with_a_table(tmp_path: Path) -> None:
    path = str(tmp_path / "groups.csv")
    assert problem(dataset_of(), table(tmp_path, "file,group\np1_1.png,A\np2_1.png,B\n")) == (
        f"spec.yaml:3:4: {path} has no group of a/p1_2.png, b/p2_2.png, b/p3_1.png, a/p4_1.png "
        f"of scans: add a line for each"
    )
    assert problem(dataset_of(), table(tmp_path, "file,group\np1_1.png,A\np1_2.png, \n")) == (
        f"{path}:3:10: `group` is empty"
    )
    assert problem(dataset_of(), table(tmp_path, "file,group\np1_1.png,A\na/p1_1.png,B\n")) == (
        f"{path}:3: a/p1_1.png is of B, and in line 2 of A"
    )
    alike = dataset_of(("a/1.png", "b/1.png"))
    assert problem(alike, table(tmp_path, "file,group\n1.png,A\n")) == (
        f"{path}:2: 1.png may be a/1.png, b/1.png: write its path, as seen from the folder of scans"
    )
    assert problem(dataset_of(), table(tmp_path, "group\nA\nB\n")) == (
        f"spec.yaml:3:4: {path} has 2 groups, and scans 6 examples: give the group of each in a "
        f"line, in their order"
    )
    assert problem(dataset_of(), table(tmp_path, "a,b,c\n1,2,3\n")) == (
        f"{path} has 3 columns: call the one of the names of files `file`, and the one of their "
        f"groups `group`"
    )
    without = replace(dataset_of(), train=replace(dataset_of().train, sources=None))
    assert problem(without, table(tmp_path, "file,group\np1_1.png,A\n")) == (
        f"spec.yaml:3:4: {path} names files, and the examples of scans have none: give a table of "
        f"one column, with the group of each example in their order"
    )
    assert problem(without, PATTERN) == (
        rf"spec.yaml:3:4: `group: {PATTERN}` is a pattern of the names of files, and the examples "
        r"of scans have none: give a table of one column, `group: FILE.csv`, with the group of "
        r"each example in their order"
    )


def test_a_pattern_that_is_not_found() -> None:
    assert problem(dataset_of(), "(case)") == (
        "spec.yaml:3:4: `group: (case)` is found in no name of a file of scans, as a/p1_1.png, "
        "a/p1_2.png, b/p2_1.png, b/p2_2.png, b/p3_1.png, a/p4_1.png: write one that is "
        "found in all of them"
    )
    assert problem(dataset_of(), "(p[123])") == (
        "spec.yaml:3:4: `group: (p[123])` is not found in the name of each file of scans, as "
        "a/p4_1.png: write one that is found in all of them"
    )


def test_splits_of_the_sets_own_that_part_a_group(tmp_path: Path) -> None:
    dataset = dataset_of(test=("p1_9.png", "p9_1.png"))
    assert problem(dataset, PATTERN) == (
        "spec.yaml:3:4: the group p1 stands in the test split that scans has of its own, and in "
        "another split too: move the files of each into one, or leave `group` out"
    )
    own = replace(dataset_of(), validation=np.array([1, 3]))
    assert problem(own, PATTERN) == (
        "spec.yaml:3:4: the groups p1, p2 stand in the validation split that scans has of its own, "
        "and in another split too: move the files of each into one, or leave `group` out"
    )
    apart = dataset_of(test=("p8_9.png", "p9_1.png"))
    groups = grouped(apart, PATTERN)
    assert groups.test is not None
    assert [groups.names[each] for each in groups.test.tolist()] == ["p8", "p9"]


def test_fewer_groups_than_parts() -> None:
    dataset = dataset_of(FILES[:4])
    groups = grouped(dataset, PATTERN, "spec.yaml:3:4: ")
    with pytest.raises(DataError) as caught:
        split(dataset, SplitSettings(validation=1, test=1), 0, groups)
    assert str(caught.value) == (
        rf"spec.yaml:3:4: a training split and two held out need 3 groups, and `group: {PATTERN}` "
        r"makes 2 groups of 4 examples: p1, p2"
    )
    with pytest.raises(DataError) as caught:
        folds(dataset.train, np.arange(4), 3, stratify=False, seed=0, groups=groups)
    assert str(caught.value) == (
        rf"spec.yaml:3:4: 3 folds need 3 groups, and `group: {PATTERN}` makes 2 groups of 4 "
        r"examples: p1, p2"
    )


def shown(dataset: Dataset, splits: Splits) -> str:
    lines = dataset_lines(summary(dataset, splits))
    return "\n".join("".join(piece.text for piece in line) for line in lines)


def test_a_summary_counts_groups() -> None:
    dataset = dataset_of(labels=[0, 0, 1, 1, 1, 0])
    splits = split(dataset, SplitSettings(validation=1, test=1), 0, grouped(dataset, PATTERN))
    found = summary(dataset, splits).groups
    assert found is not None
    assert sum(found.values()) == 4
    assert list(found) == ["train", "validation", "test"]
    row = next(line for line in shown(dataset, splits).splitlines() if line.startswith("groups"))
    assert row.split() == ["groups", *map(str, found.values())]
    plain = split(dataset, SplitSettings(validation=2, test=0))
    assert summary(dataset, plain).to_dict()["groups"] is None


def test_what_groups_keep_a_split_from() -> None:
    dataset = dataset_of(labels=[0, 0, 1, 1, 1, 1])
    splits = split(dataset, SplitSettings(validation=1, test=0), 0, grouped(dataset, PATTERN))
    found = warnings_of(dataset, splits, statistics(dataset.train, splits.train))
    lacking = {
        part: {"sick", "well"} - {dataset.classes[each] for each in dataset.train.targets[of]}
        for part, of in (("training", splits.train), ("validation", splits.validation))
    }
    for part, names in lacking.items():
        for name in names:
            assert (
                f"the {part} split has no example of {name}: too few groups have any; "
                f"another `seed` may part them better"
            ) in found
    assert any(lacking.values())
    own = split(dataset, SplitSettings(validation=1, test=0), 0, grouped(dataset, r"(p\d_\d)"))
    assert warnings_of(dataset, own, statistics(dataset.train, own.train))[0] == (
        r"`group: (p\d_\d)` makes each example of scans a group of its own, which changes nothing"
    )
