"""A first convolution that whitens: its outputs, its words, and that a run begins with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit.analysis import analyze
from cnnkit.network.weights import arrays_of
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training.whitening import Whitening
from cnnkit.spec.reading import load
from cnnkit.training.prepare.whitening import whitened
from cnnkit.training.run import train
from cnnkit.training.use.trained import load_run
from tests.training.test_run import Notes

Recipe = Callable[..., Spec]
RANDOM = np.random.default_rng(5)
IMAGES = RANDOM.integers(0, 256, (40, 6, 5, 2)).astype(np.uint8)
IMAGES[:, 1:] = IMAGES[:, 1:] // 2 + IMAGES[:, :-1] // 2  # neighbours that are alike


class Given:
    """A training split of images, as much of it as is looked at."""

    def __init__(self, inputs: np.ndarray) -> None:
        self.inputs = inputs
        values = inputs.astype(np.float64) / (255 if inputs.dtype == np.uint8 else 1)
        self.mean = values.mean((0, 1, 2)).astype(np.float32)
        self.deviation = values.std((0, 1, 2)).astype(np.float32)

    @property
    def statistics(self) -> Given:
        return self

    def table(self, name: str) -> Given:
        assert name == "train"
        return self

    def indices(self, name: str) -> np.ndarray:
        assert name == "train"
        return np.arange(len(self.inputs))

    def inputs_at(self, indices: np.ndarray) -> np.ndarray:
        return np.asarray(self.inputs[indices])


def begun(inputs: np.ndarray, kernel: np.ndarray, **more: Any) -> np.ndarray:
    """The kernel that a convolution begins with."""
    import jax.numpy as jnp

    params = {"layers": {"0": {"kernel": jnp.asarray(kernel), "bias": jnp.ones(3)}}}
    settings = Whitening(layer="layers.0", **more)
    given: Any = Given(inputs)
    found = whitened(settings, given, params)
    assert found["layers"]["0"]["bias"].tolist() == [1, 1, 1]
    return np.asarray(found["layers"]["0"]["kernel"])


def patches(images: np.ndarray) -> np.ndarray:
    """All patches of 3x2 of the standardized images, a row each, gathered in plain loops."""
    given = Given(images)
    values = (images / 255 - given.mean) / given.deviation
    return np.array(
        [
            each[row : row + 3, column : column + 2].ravel()
            for each in values
            for row in range(4)
            for column in range(4)
        ]
    )


def test_the_outputs_are_white() -> None:
    """Each filter's outputs have a mean square of 1, and any two of one sign a product of 0."""
    kernel = begun(IMAGES, np.zeros((3, 2, 2, 24), np.float32), epsilon=1e-9)
    outputs = patches(IMAGES) @ kernel.reshape(12, 24).astype(np.float64)
    first, second = outputs[:, :12], outputs[:, 12:]
    np.testing.assert_allclose(first.T @ first / len(first), np.eye(12), atol=1e-4)
    np.testing.assert_array_equal(first, -second)


def test_the_largest_come_first_and_a_constant_is_added() -> None:
    """Of fewer filters those of the most variance; NumPy's singular values are the witness."""
    kernel = begun(IMAGES, np.zeros((3, 2, 2, 5), np.float32), epsilon=0.25).reshape(12, 5)
    rows = patches(IMAGES)
    _, singular, axes = np.linalg.svd(rows, full_matrices=False)
    values = singular**2 / len(rows)
    sizes = 1 / np.sqrt(values[:3] + 0.25)
    np.testing.assert_allclose(np.linalg.norm(kernel[:, :3], axis=0), sizes, rtol=1e-4)
    np.testing.assert_allclose(np.abs(axes[:3] @ kernel[:, :3]), np.diag(sizes), atol=1e-4)
    np.testing.assert_array_equal(kernel[:, 3:], -kernel[:, :2])


def test_filters_beyond_two_for_each_eigenvector_stay() -> None:
    drawn = RANDOM.normal(size=(1, 1, 2, 7)).astype(np.float32)
    kernel = begun(IMAGES.astype(np.float32), drawn)
    np.testing.assert_array_equal(kernel[..., 4:], drawn[..., 4:])
    assert (kernel[..., :4] != drawn[..., :4]).all()


@pytest.mark.parametrize(
    ("written", "message", "advice"),
    [
        ("layers.1", "`whiten` names `layers.1`, and no operation is there",
         "there is `layers.first`, which reads the input"),
        ("layers.second", ("`whiten` is of a first convolution, and `layers.second` does not read "
         "the input"), None),
        ("layers.head", "`whiten` is of a first convolution, and `layers.head` is a `dense`", None),
    ],
)  # fmt: skip
def test_a_layer_that_cannot_begin_so(written: str, message: str, advice: str | None) -> None:
    spec = load(
        {
            "input": "8x8x1",
            "layers": [
                {"name": "first", "conv": {"filters": 4, "kernel": 2}},
                {"name": "second", "conv": {"filters": 4, "kernel": 2}},
                "flatten",
                {"name": "head", "dense": {"units": 10}},
            ],
            "train": {"data": "digits", "whiten": written},
        }
    )
    (finding,) = [each for each in analyze(spec).findings if "whiten" in each.message]
    assert finding.message == message
    expected = "name a plain `conv` that reads the network's input, or leave `whiten` out"
    assert finding.help == (advice or expected)


def test_a_run_begins_with_it(recipe: Recipe, tmp_path: Path) -> None:
    """The layer is frozen, so that it ends as it began: white on what it has seen."""
    plain = recipe(epochs=1, whiten="layers.0", freeze=["layers.0"]).to_dict()
    path = train(load(plain), run_dir=tmp_path / "run", display=Notes()).path
    trained = arrays_of(load_run(path).network)["layers.0.kernel"]
    drawn = recipe(epochs=1, freeze=["layers.0"]).to_dict()
    other = train(load(drawn), run_dir=tmp_path / "other", display=Notes()).path
    assert not np.array_equal(trained, arrays_of(load_run(other).network)["layers.0.kernel"])
    half = trained.shape[-1] // 2
    np.testing.assert_array_equal(trained[..., :half], -trained[..., half : 2 * half])
