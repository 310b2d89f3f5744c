"""Steps of a U-Net beside those of PyTorch, from the same weights on the same batches."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cnnkit
from cnnkit.spec.graph import Graph
from cnnkit.training.compute.state import ExamplePool, Feed
from cnnkit.training.compute.step import make_steps
from cnnkit.training.use.weights import weights_of_seed
from tests.agreement.converted import Case, Owned
from tests.agreement.running import torch_model

torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed")
functional = torch.nn.functional

SPEC = """
input: 8x8x1
defaults: {conv: {kernel: 3, padding: same, bias: false}}
layers:
  - conv: {filters: 4}
  - batch_norm
  - relu
  - save: fine
  - max_pool: {size: 2}
  - transposed_conv: {filters: 4, kernel: 2, stride: 2}
  - merge: {with: fine}
  - conv: {filters: 3, kernel: 1, bias: true}
train:
  loss: [dice, categorical_cross_entropy]
  optimizer: {adamw: {weight_decay: 0.1, decay_biases_and_norms: true}}
  learning_rate: 0.05
"""
SEED, COUNT, STEPS, CLASSES = 3, 4, 5, 3


def test_each_step_has_the_loss_that_it_has_in_pytorch() -> None:
    """Dice and cross-entropy, AdamW, batch norms in training: one recipe, from one beginning."""
    random = np.random.default_rng(0)
    masks = random.integers(0, CLASSES, (COUNT, 8, 8)).astype(np.int16)
    images = (masks[..., None] + 0.3 * random.normal(size=(COUNT, 8, 8, 1))).astype(np.float32)
    found, expected = by_cnnkit(images, masks), by_torch(images, masks)
    assert expected[-1] < expected[0] - 0.3  # it is learnt
    np.testing.assert_allclose(found, expected, atol=1e-4)


def by_cnnkit(images: np.ndarray, masks: np.ndarray) -> list[float]:
    """The loss of each step."""
    spec = cnnkit.load(SPEC)
    assert spec.train is not None
    steps = make_steps(spec, spec.train, examples=COUNT, batch_size=COUNT)
    pool = ExamplePool(jnp.asarray(images), jnp.asarray(masks))
    order, seed = jnp.arange(COUNT), jnp.uint32(SEED)
    feed = Feed(pool, order, jnp.zeros(1), jnp.ones(1), jnp.ones(CLASSES), seed)
    state, found, update = steps.init(feed.seed), [], jax.jit(steps.update)
    for _ in range(STEPS):  # each is an epoch, with which the totals begin anew
        state = update(state, feed, order)
        found.append(float(state.totals.whole_loss) / COUNT)
    return found


def by_torch(images: np.ndarray, masks: np.ndarray) -> list[float]:
    """The same of the converted network, which begins as ours does with this seed."""
    weights = weights_of_seed(cnnkit.load(SPEC), SEED)
    model = torch_model(case_of(weights.graph, weights.arrays, weights.spec)).train()
    optimizer = torch.optim.AdamW(model.parameters(), 0.05, weight_decay=0.1)
    x, y = torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(masks.astype(np.int64))
    found = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        scores = model(x)
        loss = dice(scores, y) + functional.cross_entropy(scores, y)
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


def case_of(graph: Graph, arrays: Any, spec: cnnkit.Spec) -> Case:
    """A network and its weights, not run."""
    owned = [
        Owned(node, weight, arrays[f"{node.path}.{weight.name}"])
        for node in graph.nodes
        for weight in node.effect.weights
    ]
    none = np.zeros(0)
    return Case(spec, graph, tuple(owned), none, none, none, ())


def dice(scores: Any, masks: Any) -> Any:
    """1 − (2·|A ∩ B| + 1) / (|A| + |B| + 1), the mean over classes and examples."""
    said = scores.softmax(1).flatten(2)
    true = functional.one_hot(masks, CLASSES).movedim(-1, 1).flatten(2)
    return (1 - (2 * (said * true).sum(-1) + 1) / (said.sum(-1) + true.sum(-1) + 1)).mean()
