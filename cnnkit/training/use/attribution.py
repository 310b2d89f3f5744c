"""Which pixels an answer came from: integrated gradients of the images that a run is wrong about.

Source: Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from cnnkit.errors import UsageError
from cnnkit.training.measurement import names_of
from cnnkit.training.options import options_of
from cnnkit.training.prepare.material import prepare
from cnnkit.training.prepare.provenance import require_same_data
from cnnkit.training.prepare.resolution import outputs_of, recipe_of
from cnnkit.training.store.directory import ATTRIBUTIONS, WRONG, WRONG_IMAGES, RunDirectory
from cnnkit.training.store.wrong import read_wrong
from cnnkit.training.use.trained import Trained, load_run
from cnnkit.training.view.gallery import MOST_REASONS, images_of, pictured, save_tiles

STEPS: Final = 32
"""The points between nothing and the image at which gradients are taken."""

_NOT: Final = "not "
_NONE: Final = np.array([247.0, 247.0, 247.0])
_AGAINST, _FOR = np.array([33.0, 102.0, 172.0]), np.array([178.0, 24.0, 43.0])


def write_attributions(path: Path) -> int:
    """Writes the sheet of a run's attributions, which its page shows; returns of how many images.

    Raises:
        UsageError: There is no such run, its data are no more as they were, or it has no wrong
            answers about single images of classes.
        TrainingError: No checkpoint is whole.
    """
    directory = RunDirectory.open(path, "training")
    try:
        rows = read_wrong(path / WRONG)
    except (OSError, ValueError):
        rows = []
    chosen = [rows[number] for number in pictured(rows)][:MOST_REASONS]
    nothing = UsageError(f"{path} has no wrong answers about images of classes to look into")
    if not chosen or not (path / WRONG_IMAGES).is_file():  # a sheet is of single images alone
        raise nothing
    network = load_run(path)
    if (part := network.objective.only) is None:
        raise nothing
    spec, options = network.spec, options_of(directory)
    recipe, outputs = recipe_of(spec), outputs_of(spec)
    own = prepare(spec, recipe, outputs, data_dir=options.data_dir, limit=options.limit)
    require_same_data(directory, own, own.record(recipe))
    images = images_of(own, chosen)
    count = part.accumulator.outputs
    names = names_of(network.classes, max(count, 2))
    if strange := [row.predicted for row in chosen if not _is_answer(row.predicted, names)]:
        raise UsageError(
            f"{path / WRONG} has the answer {strange[0]!r}, which is none of the network's: it was "
            f"changed since the run wrote it"
        )
    said = [score_of(row.predicted, names, count) for row in chosen]
    found = attributed(network, images, [output for output, _ in said])
    tiles = [_painted(sign * each) for each, (_, sign) in zip(found, said, strict=True)]
    save_tiles(path / ATTRIBUTIONS, tiles)
    return len(chosen)


def score_of(answer: str, names: Sequence[str], outputs: int) -> tuple[int, int]:
    """The place of the score that an answer follows from, and 1, or −1 where it is a low one.

    Args:
        answer: A class; of labels one that an example is said to have, or ``not`` one.
        names: The classes or labels; both of them where one score says yes or no.
        outputs: How many scores there are.

    >>> score_of("not b", ["a", "b", "c"], 3)
    (1, -1)
    """
    if answer not in names:
        return names.index(answer.removeprefix(_NOT)), -1
    place = names.index(answer)
    return (place, 1) if outputs > 1 else (0, 1 if place else -1)


def _is_answer(answer: str, names: Sequence[str]) -> bool:
    return answer in names or answer.removeprefix(_NOT) in names


def attributed(
    network: Trained, images: Sequence[NDArray[Any]], outputs: Sequence[int]
) -> list[NDArray[np.float32]]:
    """What each pixel adds to a score: its integrated gradients, summed over the channels.

    Their sum is nearly the score of the image less that of the mean image.

    Args:
        network: The network.
        images: ``[H, W, C]`` each, scaled.
        outputs: The score of each, by its place.

    Returns:
        ``[H, W]`` of each.
    """

    def score(x: Array, output: Array) -> Array:
        scores = network.objective.scores(network.network.outputs(x[None]).named)
        found: Array = scores.reshape(-1)[output]
        return found

    @jax.jit
    def integrated(x: Array, output: Array) -> Array:
        """X times the mean gradient between 0, which is the mean image, and x; by midpoints."""
        parts = (jnp.arange(STEPS) + 0.5) / STEPS
        gradients = jax.lax.map(lambda part: jax.grad(score)(part * x, output), parts)
        found: Array = (x * gradients.mean(0)).sum(-1)
        return found

    return [
        np.asarray(integrated(network.standardized(image[None])[0], jnp.int32(output)), np.float32)
        for image, output in zip(images, outputs, strict=True)
    ]


def _painted(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Red for what speaks for the answer, blue for what speaks against it, white for nothing."""
    limit = float(np.percentile(np.abs(values), 99)) or float(np.abs(values).max()) or 1.0
    parts = np.clip(values / limit, -1, 1)[..., None]
    ends = np.where(parts < 0, _AGAINST, _FOR)
    painted: NDArray[np.uint8] = np.rint(_NONE + np.abs(parts) * (ends - _NONE)).astype(np.uint8)
    return painted
