"""Training that goes on from other weights: what is taken of them, what stays, and until when."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file

from cnnkit.errors import DataError, SpecError, UsageError
from cnnkit.network import build
from cnnkit.network.weights import arrays_of
from cnnkit.selection.folds import cross_validation
from cnnkit.selection.folds.directory import FoldOptions, cross_validated
from cnnkit.selection.search.evaluation import Evaluator
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.reading import load
from cnnkit.spec.tracing import graph_of
from cnnkit.training.compute.optimizer import layer_of, name_of
from cnnkit.training.compute.state import ExamplePool, Feed, State
from cnnkit.training.compute.step import Steps, make_steps
from cnnkit.training.engine import Engine, machine
from cnnkit.training.prepare.initial import InitialWeights, initial
from cnnkit.training.prepare.resolution import recipe_of
from cnnkit.training.prepare.sealed import RunExamples, sealed
from cnnkit.training.proof.resume import compare
from cnnkit.training.run import resume, train
from cnnkit.training.use.trained import load_run
from tests.training.bars import bars
from tests.training.test_run import Interrupting, Notes

Recipe = Callable[..., Spec]
ZOO = Path(__file__).parents[2] / "specs" / "zoo"
STEM = {"layers.0.kernel", "layers.1.scale", "layers.1.shift"}
STATISTICS = {"layers.1.mean", "layers.1.variance"}
HEAD = {"layers.5.kernel", "layers.5.bias"}


@pytest.fixture(scope="module")
def before(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one epoch, whose weights are gone on with."""
    path = tmp_path_factory.mktemp("before") / "run"
    return train(recipe(epochs=1), run_dir=path, display=Notes()).path


def with_head(spec: Spec, classes: int) -> Spec:
    """The network with another number of outputs, its last layer named."""
    plain = spec.to_dict()
    plain["layers"][-1] = {"name": "head", "dense": {"units": classes}}
    return load(plain)


def weights(run: Path, which: Any = "last") -> dict[str, np.ndarray[Any, Any]]:
    return dict(arrays_of(load_run(run, which).network))


def differing(one: dict[str, Any], other: dict[str, Any]) -> set[str]:
    return {name for name in one if not np.array_equal(one[name], other[name])}


def test_all_that_fits_begins_as_it_was(recipe: Recipe, before: Path) -> None:
    found = initial(recipe(init=str(before)))
    assert found is not None
    assert not differing(dict(found.arrays), weights(before, "best"))
    assert set(found.arrays) == STEM | STATISTICS | HEAD
    assert [*found.lines()] == [f"7 of 7 arrays begin as in {before}"]


def test_a_new_head_begins_fresh_and_is_listed(
    recipe: Recipe, before: Path, tmp_path: Path
) -> None:
    notes = Notes()
    spec = with_head(recipe(init=str(before), epochs=1, freeze=["layers.0", "layers.1"]), 3)
    result = train(spec, run_dir=tmp_path / "run", display=notes)
    assert f"5 of 7 arrays begin as in {before}" in notes.notes
    assert "these begin fresh: layers.head.kernel (64x3), layers.head.bias (3)" in notes.notes
    assert "these are not of this network: layers.5.bias, layers.5.kernel" in notes.notes
    old, new = weights(before, "best"), weights(result.path)
    assert all(np.array_equal(old[name], new[name]) for name in STEM | STATISTICS)
    record = json.loads((result.path / "init.json").read_text())
    assert record["path"] == str(before)
    assert record["fresh"] == ["layers.head.kernel", "layers.head.bias"]
    assert record["unused"] == ["layers.5.bias", "layers.5.kernel"]
    assert len(record["sha256"]) == 64


def test_another_shape_does_not_fit(recipe: Recipe, before: Path) -> None:
    plain = recipe(init=str(before)).to_dict()
    plain["layers"][-1] = {"dense": {"units": 4}}
    found = initial(load(plain))
    assert found is not None
    assert set(found.arrays) == STEM | STATISTICS
    assert [*found.lines()][1] == (
        "these begin fresh: layers.5.kernel (64x4, 64x3 there), layers.5.bias (4, 3 there)"
    )


def test_a_file_is_taken_but_for_what_is_not_float32(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    kernel = np.arange(36, dtype=np.float32).reshape(3, 3, 1, 4)
    save_file({"layers.0.kernel": kernel, "layers.5.bias": np.zeros(3, np.float16)}, path)
    found = initial(recipe(init=str(path)))
    assert found is not None
    assert {name: array.tolist() for name, array in found.arrays.items()} == {
        "layers.0.kernel": kernel.tolist()
    }
    assert next(found.lines()) == f"warning: layers.5.bias of {path} is F16, not float32"


def test_what_fits_nowhere_is_an_error(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"conv.weight": np.zeros((4, 1, 3, 3), np.float32)}, path)
    with pytest.raises(DataError) as caught:
        initial(recipe(init=str(path)))
    assert str(caught.value) == (
        f"`init`: none of the 1 arrays of {path} has the path and the shape of one of this "
        f"network, which has layers.0.kernel (3x3x1x4), layers.1.scale (4), layers.1.shift (4), "
        f"layers.1.mean (4), layers.1.variance (4), layers.5.kernel (64x3) and 1 more, and there "
        f"are conv.weight (4x1x3x3): name the layers alike"
    )


def test_what_is_no_source_of_weights(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"`init`: there is no .*gone: give the folder of a run"):
        initial(recipe(init=str(tmp_path / "gone")))
    with pytest.raises(UsageError, match=r"is no run: it has no spec\.yaml"):
        initial(recipe(init=str(tmp_path)))
    (tmp_path / "x.safetensors").write_bytes(b"none")
    with pytest.raises(SpecError, match="is no file of safetensors that can be read"):
        initial(recipe(init=str(tmp_path / "x.safetensors")))
    save_file({"layers.5.bias": np.full(3, np.nan, np.float32)}, tmp_path / "y.safetensors")
    with pytest.raises(SpecError, match=r"`layers\.5\.bias` holds NaN or infinite values"):
        initial(recipe(init=str(tmp_path / "y.safetensors")))


def steps_of(spec: Spec) -> Steps:
    return make_steps(spec, recipe_of(spec), examples=8, batch_size=8)


def feed() -> Feed:
    inputs, targets = bars(8)
    pool = ExamplePool(jnp.asarray(inputs), jnp.asarray(targets, jnp.int32))
    numbers = jnp.arange(8, dtype=jnp.int32)
    return Feed(pool, numbers, jnp.zeros(1), jnp.ones(1), jnp.ones(3), jnp.uint32(1))


def stepped(spec: Spec, count: int = 2) -> set[str]:
    """The weights and statistics of the evaluated network that so many steps change."""
    steps, given = steps_of(spec), feed()
    state = before = steps.init(given.seed)
    update = jax.jit(steps.update)
    for _ in range(count):
        state = update(state, given, given.train)
    pairs = zip(steps.evaluated(before), steps.evaluated(state), strict=True)
    return {
        name_in(path)
        for one, other in pairs
        for (path, old), new in zip(
            jax.tree_util.tree_leaves_with_path(one), jax.tree.leaves(other), strict=True
        )
        if not np.array_equal(old, new)
    }


def name_in(path: tuple[Any, ...]) -> str:
    return f"{layer_of(path)}.{name_of(path)}"


@pytest.mark.parametrize("more", [{}, {"ema": 0.9}, {"optimizer": "schedule_free_sgd"}])
def test_frozen_layers_keep_weights_and_statistics(more: dict[str, Any], recipe: Recipe) -> None:
    assert stepped(recipe(freeze=["layers.0", "layers.1"], **more)) == HEAD


def test_statistics_of_frozen_layers_move_where_it_is_said(recipe: Recipe) -> None:
    freeze = {"layers": ["layers.0", "layers.1"], "statistics": False}
    assert stepped(recipe(freeze=freeze)) == HEAD | STATISTICS


def with_frozen_stem(spec: Spec) -> Spec:
    """The network, whose stem says itself that it is not learnt."""
    plain = spec.to_dict()
    for layer, kind in ((0, "conv"), (1, "batch_norm")):
        fields = plain["layers"][layer]
        fields = fields[kind] if isinstance(fields, dict) else {}
        plain["layers"][layer] = {kind: {**fields, "learnt": False}}
    return load(plain)


def test_layers_that_do_not_learn_keep_weights_and_statistics(recipe: Recipe) -> None:
    assert stepped(with_frozen_stem(recipe(ema=0.9))) == HEAD


def test_no_slots_are_kept_for_what_is_not_learnt(recipe: Recipe) -> None:
    steps = steps_of(with_frozen_stem(recipe(optimizer="adam")))
    state = steps.init(jnp.uint32(1))
    slots = [each for each in jax.tree.leaves(state.optimizer) if each.ndim]
    assert sum(each.size for each in slots) == 2 * (64 * 3 + 3)


def kernel(state: State) -> np.ndarray[Any, Any]:
    return np.asarray(state.params["layers"]["0"]["kernel"][...])


def test_the_steps_of_later_epochs_train_all(recipe: Recipe) -> None:
    spec = recipe(freeze=["layers.0", "layers.1"], unfreeze={"at": 1}, optimizer="adam")
    steps, given = steps_of(spec), feed()
    first, later = jax.jit(steps.update), jax.jit(steps.unfrozen().update)
    begun = steps.init(given.seed)
    held = first(begun, given, given.train)
    assert np.array_equal(kernel(begun), kernel(held))
    # The first step of Adam is the rate, by the sign of the gradient: its means begin here.
    moved = np.abs(kernel(later(held, given, given.train)) - kernel(held))
    assert np.allclose(moved[moved > 1e-6], 0.05, rtol=1e-3)
    assert np.count_nonzero(moved > 1e-6) > 30


def test_a_settled_batch_norm_norms_as_at_inference(recipe: Recipe) -> None:
    network = build(recipe(), 0)
    x = jnp.asarray(np.random.default_rng(0).normal(3, 2, (8, 6, 6, 1)), jnp.float32)
    key = jax.random.key(0)
    trained = network.outputs(x, train=True, key=key).scores
    settled = network.outputs(x, train=True, key=key, settled={"layers.1"}).scores
    again = network.outputs(x, train=True, key=key, settled={"layers.1"}).scores
    assert not np.allclose(trained, settled)
    assert np.array_equal(settled, again)  # it moved no statistics
    without_dropout = load({**recipe().to_dict(), "layers": recipe().to_dict()["layers"][:4]})
    plain = build(without_dropout, 0)
    assert np.array_equal(
        plain.outputs(x, train=True, settled={"layers.1"}).scores, plain.outputs(x).scores
    )


def test_nothing_is_kept_for_frozen_weights(recipe: Recipe) -> None:
    spec = recipe(optimizer="adamw", accumulate=2, freeze=["layers.0", "layers.1"])
    state = jax.eval_shape(steps_of(spec).init, jnp.uint32(0))
    kept = [leaf.shape for leaf in jax.tree.leaves(state.optimizer) if leaf.shape]
    # Of the last layer two means, and the sum over two batches; of the first and its norm nothing.
    assert sorted(kept) == [(3,), (3,), (3,), (64, 3), (64, 3), (64, 3)]


def test_a_run_goes_on_without_the_weights_that_it_began_with(
    recipe: Recipe, before: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    shutil.copytree(before, source)
    spec = recipe(init=str(source), epochs=2, freeze=["layers.0"], unfreeze={"at": 1})
    whole = train(spec, run_dir=tmp_path / "whole", display=Notes()).path
    cut = train(spec, run_dir=tmp_path / "cut", display=Interrupting(after=0)).path
    shutil.rmtree(source)
    assert not compare(whole, resume(cut, display=Notes()).path)
    assert differing(weights(before), weights(whole)) == STEM | STATISTICS | HEAD


def test_a_run_without_a_checkpoint_does_not_begin_with_other_weights(
    recipe: Recipe, before: Path, tmp_path: Path
) -> None:
    source = tmp_path / "weights.safetensors"
    save_file(weights(before), source)
    cut = train(
        recipe(init=str(source)), run_dir=tmp_path / "cut", display=Interrupting(after=0)
    ).path
    shutil.rmtree(cut / "checkpoints")
    save_file({name: array + 1 for name, array in weights(before).items()}, source)
    with pytest.raises(DataError, match=r"has changed since .* was begun with its weights"):
        resume(cut, display=Notes())


def kernels_of(engine: Engine) -> list[Any]:
    """The first kernel of each run that an engine begins."""
    return [run.params["layers"]["0"]["kernel"][...] for run in engine.each(engine.start())]


def test_folds_begin_with_it(
    recipe: Recipe,
    before: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made: list[Engine] = []

    def begun(*given: Any) -> Engine:
        made.append(machine(*given))
        raise KeyboardInterrupt

    monkeypatch.setattr(cross_validation, "machine", begun)
    options = FoldOptions(folds=2, run_dir=tmp_path / "folds", side_by_side=2)
    with pytest.raises(KeyboardInterrupt):
        cross_validated(recipe(init=str(before)), options)
    expected = weights(before, "best")["layers.0.kernel"]
    assert all(np.array_equal(kernel, expected) for kernel in kernels_of(made[0]))
    assert f"7 of 7 arrays begin as in {before}\n" in capsys.readouterr().out
    record = json.loads((tmp_path / "folds" / "folds.json").read_text())
    source = initial(recipe(init=str(before)))
    assert source is not None
    assert record["init"] == source.source.sha256
    with pytest.raises(UsageError, match="holds the folds of another spec"):
        cross_validated(recipe(), options)


def test_trials_begin_with_it(recipe: Recipe, before: Path) -> None:
    spec = recipe(init=str(before))
    train = recipe_of(spec)
    data = sealed(spec, train, None)
    part = RunExamples(data.splits.train, data.splits.validation, 0)
    trials = Evaluator([part], jax.devices()[:1], None)
    (kernel,) = kernels_of(trials._engine(spec, train, [part]))
    assert np.array_equal(kernel, weights(before, "best")["layers.0.kernel"])
    other = load({**spec.to_dict(), "layers": ["flatten", {"dense": {"units": 3}}]})
    outcome = trials(other, lambda _: False)
    assert outcome.failed is not None
    assert outcome.failed.startswith("`init`: none of the 7 arrays of ")


OF_PIXELS = ("fcn-resnet-50", "deeplab-v3-resnet-50")


def of_zoo(name: str, **given: Any) -> Spec:
    return load({**load(ZOO / f"{name}.yaml").to_dict(), "expect": None, **given})


@pytest.mark.parametrize("name", OF_PIXELS)
def test_a_network_of_pixels_begins_with_the_weights_of_a_backbone(name: str) -> None:
    """Of ResNet-50 all but the classifier."""
    nodes = graph_of(of_zoo("resnet-50")).nodes
    weights = [(node, each) for node in nodes for each in node.effect.weights]
    shapes = {f"{node.path}.{each.name}": each.shape for node, each in weights}
    arrays = {each: np.broadcast_to(np.float32(0), shape) for each, shape in shapes.items()}
    found = InitialWeights(Path("resnet-50"), arrays, "").fitting(of_zoo(name))
    assert set(found.unused) == {"layers.classifier.kernel", "layers.classifier.bias"}
    assert len(found.arrays) == len(arrays) - 2


@pytest.mark.long
@pytest.mark.parametrize("name", OF_PIXELS)
def test_a_network_of_pixels_and_its_side_output_are_trained(name: str) -> None:
    """A step as it would be compiled, whose side output has the masks that the output has."""
    recipe = {"loss": ["dice", "categorical_cross_entropy"], "batch_size": 2}
    spec = of_zoo(name, input="64x64x3", train=recipe)
    steps = make_steps(spec, recipe_of(spec), examples=2, batch_size=2)
    assert [grid.extents for grid in steps.objective.side_grids] == [(64, 64)]
    pool = ExamplePool(jnp.zeros((2, 64, 64, 3)), jnp.zeros((2, 64, 64), jnp.int16))
    seed: Any = jnp.uint32(0)
    feed = Feed(pool, jnp.arange(2), jnp.zeros(3), jnp.ones(3), jnp.ones(21), seed)
    state = jax.eval_shape(steps.init, feed.seed)
    after = jax.eval_shape(steps.learn, state, feed, pool, jnp.bool_(True), jnp.ones(2, bool))
    alike = jax.tree.map(lambda new, old: new.shape == old.shape, after, state)
    assert jax.tree.all(alike)
