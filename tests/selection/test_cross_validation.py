"""Folds: each example once, by a network that saw nothing of it, whatever the order of work."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import cnnkit
from cnnkit.data.statistics import statistics
from cnnkit.errors import UsageError
from cnnkit.selection.folds import directory as folding
from cnnkit.selection.folds.cross_validation import cut, parts, run_folds
from cnnkit.selection.folds.directory import CrossValidationResult, FoldOptions, cross_validated
from cnnkit.selection.folds.fold import Fold
from cnnkit.selection.recipe import recipe
from cnnkit.selection.run_group import group_size
from cnnkit.selection.statistics import chance
from cnnkit.selection.view.text import fold_lines
from cnnkit.spec.model.spec import Spec
from cnnkit.training.compute.figures import Figures, figures
from cnnkit.training.engine import Engine, machine
from cnnkit.training.prepare import material
from cnnkit.training.prepare.sealed import RunExamples, Sealed, sealed

FOLDS = 5


class Silent:
    def begins(self, numbers: Sequence[int], epochs: int) -> None: ...
    def epoch(self, numbers: Sequence[int], epoch: int, figures: Sequence[Figures]) -> None: ...
    def ends(self, fold: Fold) -> None: ...


@pytest.fixture(scope="module")
def spec(network: Mapping[str, Any]) -> Spec:
    return cnnkit.load(network)


@pytest.fixture(scope="module")
def data(spec: Spec) -> Sealed:
    return sealed(spec, recipe(spec), None)


def folds_of(
    spec: Spec, data: Sealed, each: Sequence[RunExamples], width: int = 1
) -> tuple[Fold, ...]:
    return run_folds(
        spec,
        recipe(spec),
        data,
        each,
        devices=jax.devices()[:1],
        width=width,
        watch=Silent(),
        keep=lambda _: None,
    )


def parts_of(spec: Spec, data: Sealed) -> list[RunExamples]:
    return parts(data, cut(data, FOLDS, recipe(spec)), seed=0)


def confusion(folds: Sequence[Fold]) -> np.ndarray[Any, Any]:
    return np.asarray(np.sum([fold.figures.confusion for fold in folds], axis=0))


def by_chance(folds: Sequence[Fold]) -> bool:
    counts = confusion(folds)
    return chance(counts, FOLDS, 1 / (FOLDS - 1)).explains(counts.trace() / counts.sum())


def test_every_open_example_is_held_out_once_and_the_test_split_never_shows(
    spec: Spec, data: Sealed
) -> None:
    each = parts_of(spec, data)
    held = np.concatenate([part.held for part in each])
    assert sorted(held) == data.indices.tolist()
    for part in each:
        assert sorted([*part.train, *part.held]) == data.indices.tolist()
        labels = data.dataset.train.targets[part.held]
        assert np.ptp(np.bincount(labels)) <= 1  # the classes are of 37 or 38 examples
    assert not set(held) & set(data.splits.test)
    assert len(held) + data.sealed == len(data.dataset.train)


def test_all_predictions_are_counted_though_the_folds_differ_in_size(
    spec: Spec, data: Sealed
) -> None:
    each = parts_of(spec, data)
    sizes = {len(part.held) for part in each}
    assert len(sizes) == 2
    folds = folds_of(spec, data, each)
    assert [int(fold.figures.confusion.sum()) for fold in folds] == [len(p.held) for p in each]
    labels = data.dataset.train.targets[data.indices]
    assert confusion(folds).sum(axis=1).tolist() == np.bincount(labels).tolist()
    assert not by_chance(folds)  # it does learn


def test_side_by_side_gives_what_one_after_the_other_gives(spec: Spec, data: Sealed) -> None:
    each = parts_of(spec, data)[:4]
    alone, together = folds_of(spec, data, each, width=1), folds_of(spec, data, each, width=4)
    for one, other in zip(alone, together, strict=True):
        assert one.figures.examples == other.figures.examples
        assert one.figures.metrics["loss"] == pytest.approx(other.figures.metrics["loss"], rel=1e-3)


def test_an_accelerator_trains_in_loops_what_a_cpu_trains_step_by_step(
    spec: Spec, data: Sealed
) -> None:
    each = parts_of(spec, data)[:2]
    losses = []
    for loops in (False, True):
        engine = engine_of(spec, data, each)
        engine.loops = loops
        state = engine.start()
        engine.compile(state, ("validation",))
        state = engine.epoch(engine.epoch(state, 1), 2)
        judged = engine.each(engine.evaluate(state, "validation", lambda: False))
        assert [int(totals.examples) for totals in judged] == [len(part.held) for part in each]
        losses.append([figures(totals)["loss"] for totals in judged])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def engine_of(spec: Spec, data: Sealed, each: Sequence[RunExamples]) -> Engine:
    materials = [data.material(spec, recipe(spec), part) for part in each]
    return machine(spec, recipe(spec), materials, jax.devices()[:1])


def trained(spec: Spec, data: Sealed, part: RunExamples) -> list[np.ndarray[Any, Any]]:
    engine = engine_of(spec, data, [part])
    state = engine.start()
    engine.compile(state, ("validation",))
    return [np.asarray(leaf) for leaf in jax.tree.leaves(engine.epoch(state, 1).params)]


def with_other_held_out(data: Sealed, part: RunExamples) -> Sealed:
    """The same data, those held out replaced by others."""
    from dataclasses import replace

    inputs = np.array(data.dataset.train.inputs)
    inputs[part.held] = 1000 - inputs[part.held]
    train = replace(data.dataset.train, inputs=inputs)
    return replace(data, dataset=replace(data.dataset, train=train))


def test_what_is_trained_does_not_depend_on_what_is_held_out(
    spec: Spec, data: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = parts_of(spec, data)[0]
    other = with_other_held_out(data, part)
    first, second = trained(spec, data, part), trained(spec, other, part)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))

    def leaking(examples: Any, indices: Any, **how: Any) -> Any:
        return statistics(examples, data.indices, **how)

    monkeypatch.setattr(material, "statistics", leaking)
    first, second = trained(spec, data, part), trained(spec, other, part)
    assert not all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_random_labels_are_predicted_no_better_than_by_chance_unless_a_fold_leaks(
    spec: Spec, data: Sealed
) -> None:
    dealt = data.with_random_labels(seed=3)
    assert sorted(dealt.dataset.train.targets) == sorted(data.dataset.train.targets)
    each = parts_of(spec, dealt)
    assert by_chance(folds_of(spec, dealt, each))

    leaking = [part._replace(train=np.concatenate([part.train, *[part.held] * 8])) for part in each]
    assert not by_chance(folds_of(spec, dealt, leaking))


@pytest.mark.parametrize(
    ("count", "width", "size"),
    [(10, 10, 10), (10, 64, 10), (10, 4, 2), (10, 1, 1), (7, 3, 1), (9, 4, 3), (1, 8, 1)],
)
def test_groups_are_of_one_size(count: int, width: int, size: int) -> None:
    assert group_size(count, width) == size


def options(path: Path, **more: Any) -> FoldOptions:
    return FoldOptions(folds=3, run_dir=path, device="cpu", quiet=True, **more)


class Killed(BaseException):
    pass


def test_a_run_goes_on_with_the_folds_that_are_left(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = cross_validated(spec, options(tmp_path / "whole"))[1]
    judged: list[int] = []

    def killed_after_two(*args: Any, **fields: Any) -> tuple[Fold, ...]:
        keep: Callable[[Fold], None] = fields["keep"]

        def counting(fold: Fold) -> None:
            keep(fold)
            judged.append(fold.number)
            if len(judged) == 2:
                raise Killed

        return run_folds(*args, **{**fields, "keep": counting})

    monkeypatch.setattr(folding, "run_folds", killed_after_two)
    path = tmp_path / "killed"
    with pytest.raises(Killed):
        cross_validated(spec, options(path))
    assert not (path / "summary.json").exists()
    found = cross_validated(spec, options(path))[1]
    assert judged == [0, 1, 2]
    assert without_times(found) == without_times(whole)
    assert without_times(json.loads((path / "summary.json").read_text())) == without_times(whole)
    again = cross_validated(spec, options(path))[1]
    assert judged == [0, 1, 2]
    assert without_times(again) == without_times(whole)


def without_times(found: CrossValidationResult | dict[str, Any]) -> Any:
    written = found if isinstance(found, dict) else json.loads(json.dumps(found.to_dict()))
    for fold in written["folds"]:
        del fold["seconds"]
    return written


def test_the_fold_of_each_example_is_kept(spec: Spec, data: Sealed, tmp_path: Path) -> None:
    path, found = cross_validated(spec, options(tmp_path / "run", random_labels=True))
    kept = json.loads((path / "folds.json").read_text())
    assert kept["examples"] == data.indices.tolist()
    assert sorted(set(kept["fold"])) == [0, 1, 2]
    assert kept["fold"].count(0) == found.folds[0].figures.examples
    assert found.passed
    text = "\n".join(fold_lines(found, Path("runs/three-folds")))
    assert f"three on three.npz: {len(data.indices)} examples in 3 folds" in text
    assert f"the test split of {data.sealed} examples stays sealed" in text
    assert "labels dealt out at random: accuracy" in text
    assert "lies within what chance gives" in text


def test_the_folds_of_another_spec_or_other_options_are_not_touched(
    spec: Spec, network: Mapping[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "run"
    cross_validated(spec, options(path))
    other = cnnkit.load({**network, "variables": {"width": 17}})
    for changed, more, what in ((other, {}, "spec"), (spec, {"random_labels": True}, "labels")):
        with pytest.raises(UsageError) as error:
            cross_validated(changed, options(path, **more))
        assert str(error.value).startswith(f"{path} holds the folds of another ")
        assert what in str(error.value)
        assert "give another --run-dir" in str(error.value)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ({"batch_size": "auto"}, "`batch_size: auto` is found by trials"),
        ({"learning_rate": "find"}, "`learning_rate: find` is found by trials"),
    ],
)
def test_figures_that_are_found_by_trials_cannot_be_compared(
    network: Mapping[str, Any], train: Mapping[str, Any], message: str, tmp_path: Path
) -> None:
    spec = cnnkit.load({**network, "train": {**network["train"], **train}})
    with pytest.raises(UsageError, match=message):
        cross_validated(spec, options(tmp_path / "run"))
