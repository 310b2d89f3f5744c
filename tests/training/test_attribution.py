"""Integrated gradients: of a linear network by hand, of others by their sum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cnnkit
from cnnkit.data.decoding import Decoding
from cnnkit.data.preprocessing import Preprocessing
from cnnkit.errors import UsageError
from cnnkit.network import build
from cnnkit.training.use.attribution import attributed, score_of, write_attributions
from cnnkit.training.use.trained import Trained
from tests.training.test_overlay import begun


def trained(layers: str) -> Trained:
    """A network of random weights, with inputs of mean 1/2 and deviation 1/4."""
    spec = cnnkit.load(
        f"input: 4x3x2\nlayers: [{layers}, flatten, {{dense: {{units: 3}}}}]\n"
        "train: {data: digits, epochs: 1}"
    )
    record = Preprocessing("float32", (4, 3, 2), None, (0.5, 0.5), (0.25, 0.25), Decoding(), None)
    return Trained(Path("run"), spec, build(spec, 0), ("a", "b", "c"), record, None, 0)


def test_of_a_linear_network_it_is_the_input_times_its_weights() -> None:
    network = trained("linear")
    image = np.random.default_rng(0).random((4, 3, 2), np.float32)
    weights = np.asarray(getattr(network.network.layers, "2").kernel[...])  # [24, 3]
    expected = (4 * (image - 0.5) * weights[:, 1].reshape(4, 3, 2)).sum(-1)
    (found,) = attributed(network, [image], [1])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_they_add_up_to_what_the_score_has_beyond_that_of_the_mean_image() -> None:
    network = trained("{conv: {filters: 4, kernel: 2}}, tanh")
    images = list(np.random.default_rng(1).random((2, 4, 3, 2), np.float32))
    found = attributed(network, images, [0, 2])
    mean = np.full((4, 3, 2), 0.5, np.float32)
    for image, output, each in zip(images, (0, 2), found, strict=True):
        given = network.network.outputs(network.standardized(np.stack([image, mean]))).named
        scores = np.asarray(network.objective.scores(given))
        assert each.sum() == pytest.approx(scores[0, output] - scores[1, output], rel=1e-3)


@pytest.mark.parametrize(
    ("answer", "names", "outputs", "expected"),
    [
        ("b", ["a", "b", "c"], 3, (1, 1)),
        # Of labels: what speaks against a label speaks for its absence.
        ("not a", ["a", "b"], 2, (0, -1)),
        # One score of a yes: a no is answered where it is low.
        ("sick", ["well", "sick"], 1, (0, 1)),
        ("well", ["well", "sick"], 1, (0, -1)),
    ],
)
def test_the_score_that_an_answer_follows_from(
    answer: str, names: list[str], outputs: int, expected: tuple[int, int]
) -> None:
    assert score_of(answer, names, outputs) == expected


def test_a_run_without_wrong_answers_has_none(tmp_path: Path) -> None:
    begun(tmp_path / "run", {"data": "digits", "epochs": 1}, [1.0])
    with pytest.raises(UsageError, match="has no wrong answers about images of classes"):
        write_attributions(tmp_path / "run")
