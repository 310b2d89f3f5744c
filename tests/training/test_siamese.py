"""The losses that compare outputs: against formulas in float64, PyTorch, and in whole runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit

from cnnkit.errors import DataError
from cnnkit.spec.model.training import Train
from cnnkit.training.compute.accumulator import Accumulator
from cnnkit.training.compute.figures import figures
from cnnkit.training.compute.loss import make_loss
from cnnkit.training.compute.objective import make_objective
from cnnkit.training.prepare.material import prepare
from cnnkit.training.run import train
from cnnkit.training.use.prediction import Prediction, predict
from cnnkit.training.use.trained import load_run
from cnnkit.training.view.display import Quiet
from tests.training.pairs import siamese

RANDOM = np.random.default_rng(7)
PAIRS = RANDOM.normal(size=(10, 2, 3)).astype(np.float32)
TRIPLETS = RANDOM.normal(size=(10, 3, 4)).astype(np.float32)
SAME = (np.arange(10) % 2).astype(np.int32)
ONES = np.ones(10, np.float32)


def losses(recipe: dict[str, Any], scores: Any, targets: Any = SAME) -> Any:
    return jax.jit(make_loss(Train(loss=recipe), None))(scores, targets, ONES)


def gradient(recipe: dict[str, Any], scores: Any) -> Any:
    return jax.grad(lambda x: losses(recipe, x).sum())(jnp.asarray(scores))


@pytest.mark.parametrize("margin", [1.0, 2.5])
def test_contrastive_is_the_formula_of_hadsell(margin: float) -> None:
    distances = np.sqrt(((PAIRS[:, 0].astype(np.float64) - PAIRS[:, 1]) ** 2).sum(1))
    y = 1 - SAME  # in the paper 1 is a pair that differs
    expected = (1 - y) / 2 * distances**2 + y / 2 * np.maximum(0, margin - distances) ** 2
    found = losses({"contrastive": {"margin": margin}}, PAIRS)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("margin", [1.0, 0.2])
def test_triplet_is_the_loss_of_pytorch(margin: float) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    given = torch.tensor(TRIPLETS, requires_grad=True)
    loss = torch.nn.TripletMarginLoss(margin=margin, reduction="none", eps=0)(
        given[:, 0], given[:, 1], given[:, 2]
    )
    recipe = {"triplet": {"margin": margin}}
    np.testing.assert_allclose(losses(recipe, TRIPLETS), loss.detach().numpy(), rtol=1e-5)
    loss.sum().backward()
    assert given.grad is not None
    np.testing.assert_allclose(gradient(recipe, TRIPLETS), given.grad.numpy(), rtol=1e-5, atol=1e-6)


def test_triplet_of_squares_is_the_formula_of_schroff() -> None:
    anchor, positive, negative = np.moveaxis(TRIPLETS.astype(np.float64), 1, 0)
    near, far = ((anchor - positive) ** 2).sum(1), ((anchor - negative) ** 2).sum(1)
    found = losses({"triplet": {"margin": 0.2, "squared": True}}, TRIPLETS)
    np.testing.assert_allclose(found, np.maximum(0, near - far + 0.2), rtol=1e-5, atol=1e-6)


def test_the_gradient_of_equal_outputs_is_finite() -> None:
    assert np.all(gradient({"contrastive": {}}, np.ones((10, 2, 3), np.float32)) == 0)
    assert np.all(gradient({"triplet": {}}, np.ones((10, 3, 3), np.float32)) == 0)


def totals_of(recipe: dict[str, Any], scores: Any, targets: Any) -> dict[str, float | None]:
    of = Train(loss=recipe)
    accumulator = Accumulator(of, make_loss(of, None), 1, None)
    counted = jnp.ones(len(scores), bool)
    added = accumulator.added(accumulator.empty(), jnp.asarray(scores), targets, counted)
    return figures(jax.device_get(added))


def test_a_pair_is_of_one_kind_below_half_of_the_margin() -> None:
    distances = np.array([0.2, 0.4, 0.6, 0.9], np.float32)
    scores = np.stack([np.zeros((4, 1)), distances[:, None]], 1).astype(np.float32)
    found = totals_of({"contrastive": {}}, scores, np.array([1, 0, 1, 0], np.int32))
    assert found["accuracy"] == 0.5  # the first and the last
    assert found["loss"] == pytest.approx((0.2**2 + 0.6**2 + 0.6**2 + 0.1**2) / 2 / 4, rel=1e-5)


def test_triplets_are_right_where_the_second_is_nearer() -> None:
    near, far = np.array([0.5, 2.0, 1.0]), np.array([2.0, 1.0, 3.0])
    scores = np.stack([np.zeros(3), near, far], 1)[..., None].astype(np.float32)
    found = totals_of({"triplet": {}}, scores, np.zeros(3, np.int32))
    assert found == {
        "accuracy": pytest.approx(2 / 3), "loss": pytest.approx((0 + 2 + 0) / 3),
    }  # fmt: skip


def test_what_is_compared_is_what_the_network_gives() -> None:
    """An output that ends in a sigmoid is compared behind it, though its scores are before it."""
    train = Train(loss="contrastive")
    shapes: dict[str, tuple[int, ...]] = {"a": (3,), "b": (3,)}
    scores = {"a": jnp.asarray(PAIRS[:, 0]), "b": jnp.asarray(PAIRS[:, 1])}
    found = make_objective(train, shapes, {"a": "sigmoid", "b": "sigmoid"}, False).scores(scores)
    np.testing.assert_allclose(found, expit(PAIRS), rtol=1e-5)
    found = make_objective(train, shapes, {"a": None, "b": None}, False).scores(scores)
    np.testing.assert_array_equal(found, PAIRS)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vectors of two kinds, told apart by their first value."""
    kinds = np.arange(80) % 2
    vectors = RANDOM.normal(size=(80, 3)).astype(np.float32)
    vectors[:, 0] = 2 * kinds - 1
    other = RANDOM.permutation(80)
    path = tmp_path_factory.mktemp("data") / "pairs.npz"
    same = (kinds == kinds[other]).astype(np.int64)
    near = np.roll(vectors, 2, axis=0)
    far = np.roll(vectors, 1, axis=0)
    np.savez(path, a=vectors, b=vectors[other], same=same, near=near, far=far)
    return path


def pairs_of(file: Path, targets: str = "same") -> dict[str, Any]:
    return {"arrays": str(file), "inputs": {"left": "a", "right": "b"}, "targets": targets}


def test_a_siamese_network_learns_pairs(file: Path, tmp_path: Path) -> None:
    spec = siamese(
        pairs_of(file), {"contrastive": {"margin": 2}}, ("left", "right"), learning_rate=0.1,
        epochs=8,
    )  # fmt: skip
    result = train(spec, run_dir=tmp_path / "run", display=Quiet())
    assert result.summary is not None
    figures = result.summary["validation"]
    assert figures["accuracy"] > 0.9
    assert figures["roc_auc"] > 0.9
    assert figures.get("calibration_error") is None  # a distance is no probability
    assert [row["name"] for row in figures["classes"]] == ["different", "same"]
    trained = load_run(result.path)
    found = [each for each in predict(trained, [file]) if isinstance(each, Prediction)]
    with np.load(file) as arrays:
        distances = np.asarray(trained.predict({"left": arrays["a"], "right": arrays["b"]}))[:, 0]
    assert [each.values[0] for each in found] == pytest.approx(distances, rel=1e-4)
    assert [each.decision == "same" for each in found] == [*(distances < 1)]


def test_triplets_need_no_targets(file: Path) -> None:
    names = {"anchor": "a", "positive": "near", "negative": "far"}
    spec = siamese({"arrays": str(file), "inputs": names}, "triplet", tuple(names))
    assert spec.train is not None
    material = prepare(spec, spec.train, 1, data_dir=None)
    inputs, targets = material.table("train").at(slice(0, 4))
    assert sorted(inputs) == sorted(names)
    assert targets.shape[0] == 4
    assert material.record(spec.train).multi_label is False


def test_other_targets_of_pairs_are_told(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "three.npz"
    with np.load(file) as arrays:
        np.savez(path, **{**arrays, "same": np.arange(80) % 3})
    spec = siamese(pairs_of(path), "contrastive", ("left", "right"))
    assert spec.train is not None
    with pytest.raises(DataError) as caught:
        prepare(spec, spec.train, 1, data_dir=None)
    assert str(caught.value) == (
        "three.npz: the target of a pair is 1, both are of one kind, or 0, they are not; "
        "example 2 has 2"
    )
