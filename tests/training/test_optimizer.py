"""Optimizers: what decays, what is clipped, what is accumulated; PyTorch as another witness."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from cnnkit.spec.model.training import Train
from cnnkit.spec.model.training.optimizer import OPTIMIZERS
from cnnkit.spec.optimizer_state import STATE_ARRAYS
from cnnkit.training.compute.optimizer import (
    evaluation_params,
    kernels,
    make_optimizer,
    optimizer_of,
)

PARAMS = {
    "layers": {
        "0": {"kernel": np.full((3, 3, 2, 4), 0.5, np.float32), "bias": np.ones(4, np.float32)},
        "1": {"scale": np.ones(4, np.float32), "shift": np.ones(4, np.float32)},
        "2": {"slope": np.ones(4, np.float32)},
        "local": {
            "kernel": np.full((2, 2, 1, 1, 4, 3), 0.5, np.float32),
            "bias": np.ones((2, 2, 3), np.float32),
        },
        "head": {"kernel": np.full((12, 10), 0.5, np.float32)},
    }
}
ZEROS = jax.tree.map(np.zeros_like, PARAMS)
ONES = jax.tree.map(np.ones_like, PARAMS)


def stepped(train: Train, *gradients: Any, params: Any = PARAMS) -> tuple[Any, Any]:
    """The weights and the state after updates by these gradients."""
    optimizer = make_optimizer(train, 10, params)

    @jax.jit
    def run(params: Any) -> tuple[Any, Any]:
        state = optimizer.init(params)
        for gradient in gradients:
            updates, state = optimizer.update(gradient, state, params)
            params = optax.apply_updates(params, updates)
        return params, state

    found: tuple[Any, Any] = run(params)
    return found


def moved(before: Any, after: Any) -> set[str]:
    """The paths of the weights that differ."""
    pairs = zip(jax.tree_util.tree_leaves_with_path(before), jax.tree.leaves(after), strict=True)
    return {
        "/".join(str(part.key) for part in path)
        for (path, old), new in pairs
        if not np.array_equal(old, new)
    }


KERNELS = {"layers/0/kernel", "layers/local/kernel", "layers/head/kernel"}
ALL = KERNELS | {
    "layers/0/bias",
    "layers/1/scale",
    "layers/1/shift",
    "layers/2/slope",
    "layers/local/bias",
}


def test_kernels_are_found_by_their_names() -> None:
    mask = kernels(PARAMS)
    chosen = {
        "/".join(str(part.key) for part in path)
        for path, kernel in jax.tree_util.tree_leaves_with_path(mask)
        if kernel
    }
    assert chosen == KERNELS


def test_the_matrices_of_a_recurrent_layer_are_kernels() -> None:
    names = ("kernel", "recurrent_kernel", "bias")
    params = {f"{way}{name}": jnp.zeros(2) for way in ("", "backward_") for name in names}
    assert kernels(params) == {name: name.endswith("kernel") for name in params}


def test_kernels_of_a_network_are_found_too() -> None:
    from flax import nnx

    import cnnkit
    from cnnkit.network import build

    spec = cnnkit.load(
        "input: 6x6x2\nlayers: [{conv: {filters: 3, kernel: 3, activation: prelu}}, batch_norm, "
        "flatten, {dense: {units: 2}}]"
    )
    params = nnx.state(nnx.eval_shape(lambda: build(spec)), nnx.Param)
    chosen = [
        jax.tree_util.keystr(path)
        for path, kernel in jax.tree_util.tree_leaves_with_path(kernels(params))
        if kernel
    ]
    assert len(chosen) == 2
    assert all("kernel" in path for path in chosen)


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "lamb", "lars", "lion", "muon"])
def test_only_kernels_decay(name: str) -> None:
    after, _ = stepped(Train(optimizer={name: {"weight_decay": 0.1}}, learning_rate=0.1), ZEROS)
    assert moved(PARAMS, after) == KERNELS


@pytest.mark.parametrize("name", ["sgd", "adamw", "muon", "schedule_free_adamw"])
def test_all_weights_decay_where_that_is_asked_for(name: str) -> None:
    fields = {"weight_decay": 0.1, "decay_biases_and_norms": True}
    after, _ = stepped(Train(optimizer={name: fields}, learning_rate=0.1), ZEROS, ZEROS)
    assert moved(PARAMS, after) == ALL


def test_without_decay_nothing_moves_without_a_gradient() -> None:
    after, _ = stepped(Train(optimizer="sgd", learning_rate=0.1), ZEROS, ZEROS)
    assert moved(PARAMS, after) == set()


TORCH: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "sgd": ("SGD", {"weight_decay": 0.1}, {"weight_decay": 0.1}),
    "momentum": ("SGD", {"weight_decay": 0.1}, {"momentum": 0.9, "weight_decay": 0.1}),
    "nesterov": ("SGD", {}, {"momentum": 0.9, "nesterov": True}),
    "adam": ("Adam", {"weight_decay": 0.1}, {"weight_decay": 0.1}),
    "adamw": ("AdamW", {"weight_decay": 0.1}, {"weight_decay": 0.1}),
    "adamax": ("Adamax", {}, {}),
    "rmsprop": ("RMSprop", {"decay": 0.99}, {}),
    "adagrad": ("Adagrad", {"initial_accumulator_value": 0, "epsilon": 1e-10}, {}),
    "adadelta": ("Adadelta", {}, {}),
    "radam": ("RAdam", {}, {}),
}


@pytest.mark.parametrize("name", TORCH)
def test_steps_are_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    method, ours, theirs = TORCH[name]
    random = np.random.default_rng(0)
    start = random.normal(size=(5, 4)).astype(np.float32)
    gradients = [random.normal(size=(5, 4)).astype(np.float32) for _ in range(8)]
    weight = torch.nn.Parameter(torch.tensor(start))
    optimizer = getattr(torch.optim, method)([weight], lr=0.05, **theirs)
    for gradient in gradients:
        weight.grad = torch.tensor(gradient)
        optimizer.step()
    train = Train(optimizer={name: ours}, learning_rate=0.05)
    after, _ = stepped(train, *({"kernel": each} for each in gradients), params={"kernel": start})
    np.testing.assert_allclose(after["kernel"], weight.detach().numpy(), rtol=2e-3, atol=2e-5)


@pytest.mark.parametrize("name", TORCH)
def test_rates_by_layer_are_pytorchs_groups(name: str) -> None:
    torch = pytest.importorskip("torch")
    method, ours, theirs = TORCH[name]
    random = np.random.default_rng(0)
    start, *gradients = random.normal(size=(5, 3, 5, 4)).astype(np.float32)
    layers = ("stem", "body", "head")
    weights = [torch.nn.Parameter(torch.tensor(each)) for each in start]
    weights[0].requires_grad_(False)
    groups = [{"params": [weights[1]], "lr": 0.01}, {"params": [weights[2]], "lr": 0.05}]
    optimizer = getattr(torch.optim, method)(groups, lr=1.0, **theirs)
    for gradient in gradients:
        for weight, each in zip(weights[1:], gradient[1:], strict=True):
            weight.grad = torch.tensor(each)
        optimizer.step()
    rate = {"constant": 0.01, "layers": {"layers.*": "2x", "layers.b*": "1x", "layers.head": "5x"}}
    train = Train(optimizer={name: ours}, learning_rate=rate, freeze=["layers.stem"])
    after, _ = stepped(
        train, *(_tree(layers, each) for each in gradients), params=_tree(layers, start)
    )
    for layer, weight in zip(layers, weights, strict=True):
        found = after["layers"][layer]["kernel"]
        np.testing.assert_allclose(found, weight.detach().numpy(), rtol=2e-3, atol=2e-5)
    assert np.array_equal(after["layers"]["stem"]["kernel"], start[0])


def _tree(layers: tuple[str, ...], kernels: Any) -> Any:
    return {"layers": {name: {"kernel": each} for name, each in zip(layers, kernels, strict=True)}}


@pytest.mark.parametrize("name", OPTIMIZERS.kinds)
def test_frozen_weights_stay_and_nothing_is_kept_for_them(name: str) -> None:
    fields = {"weight_decay": 0.1, "clip_norm": 1.0}
    train = Train(optimizer={name: fields}, learning_rate=0.1, freeze=["layers.0", "layers.local"])
    after, state = stepped(train, ONES, ONES)
    judged = evaluation_params(train, state, after)
    frozen = {"layers/0/kernel", "layers/0/bias", "layers/local/kernel", "layers/local/bias"}
    assert moved(PARAMS, after) == moved(PARAMS, judged) == ALL - frozen
    shapes = {leaf.shape for leaf in jax.tree.leaves(state)}
    assert not shapes & {(3, 3, 2, 4), (2, 2, 1, 1, 4, 3), (2, 2, 3)}


def test_late_weights_begin_at_the_rate_of_their_time() -> None:
    train = Train(
        optimizer="momentum",
        learning_rate={"linear": 0.2, "layers": {"layers.head": "3x"}},
        epochs=2,
        freeze=["layers.head", "layers.0"],
        unfreeze={"at": 1},
    )
    early, _ = stepped(train, *[ONES] * 10)  # an epoch
    assert moved(PARAMS, early) == ALL - {"layers/0/kernel", "layers/0/bias", "layers/head/kernel"}
    late, _ = stepped(train, *[ONES] * 12)
    # Of 20 steps from 0.2 to 0, number 10 has 0.1 and number 11 has 0.09; momentum begins at 1.
    step = 0.1 * 1 + 0.09 * 1.9
    np.testing.assert_allclose(late["layers"]["0"]["bias"], 1 - step, rtol=1e-5)
    np.testing.assert_allclose(late["layers"]["head"]["kernel"], 0.5 - 3 * step, rtol=1e-5)


def test_clipping_by_the_norm_of_all_and_by_value() -> None:
    norm = Train(optimizer={"sgd": {"clip_norm": 2.0}}, learning_rate=1.0)
    after, _ = stepped(norm, ONES)
    steps = jax.tree.map(lambda old, new: old - new, PARAMS, after)
    assert float(optax.tree.norm(steps)) == pytest.approx(2.0, rel=1e-5)
    value = Train(optimizer={"sgd": {"clip_value": 0.25}}, learning_rate=1.0)
    after, _ = stepped(value, ONES)
    np.testing.assert_allclose(after["layers"]["0"]["bias"], 0.75)


def test_accumulated_gradients_make_one_step_of_their_mean() -> None:
    train = Train(optimizer="momentum", learning_rate={"linear": 0.1}, accumulate=2, epochs=1)
    threes = jax.tree.map(lambda each: 3 * each, ONES)
    kept, _ = stepped(train, ONES)
    assert moved(PARAMS, kept) == set()
    twos = jax.tree.map(lambda each: 2 * each, ONES)
    both, _ = stepped(train, ONES, threes, ONES, threes)
    # An update sees the rate of its own place in the training: of step 0 and step 2 of 10.
    plain = jax.tree.map(lambda w, g: w - 0.1 * g - 0.08 * (g + 0.9 * g), PARAMS, twos)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), both, plain)


@pytest.mark.parametrize("name", OPTIMIZERS.kinds)
def test_each_lowers_a_loss_and_its_state_is_plain_arrays(name: str) -> None:
    rate = 1.0 if name in ("adadelta", "lars") else 0.05  # these scale the step down themselves
    train = Train(optimizer=name, learning_rate=rate, epochs=3)
    params = {"kernel": jnp.full((4, 3), 2.0), "bias": jnp.full((3,), -1.0)}
    optimizer = make_optimizer(train, 10, params)

    def loss(params: Any) -> Any:
        return sum((each**2).sum() for each in jax.tree.leaves(params))

    @jax.jit
    def run(params: Any) -> Any:
        def step(_: Any, carry: Any) -> Any:
            params, state = carry
            updates, state = optimizer.update(jax.grad(loss)(params), state, params)
            return optax.apply_updates(params, updates), state

        params, state = jax.lax.fori_loop(0, 30, step, (params, optimizer.init(params)))
        return state, evaluation_params(train, state, params)

    state, after = run(params)
    assert float(loss(after)) < 0.9 * float(loss(params))
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(state))


def test_the_optimizers_whose_state_is_known_are_those_of_a_recipe() -> None:
    assert list(STATE_ARRAYS) == list(OPTIMIZERS.kinds)


@pytest.mark.parametrize("name", OPTIMIZERS.kinds)
def test_the_state_holds_as_many_arrays_as_the_memory_counts(name: str) -> None:
    params = {"kernel": jnp.zeros((3, 3, 7, 11)), "bias": jnp.zeros(101), "scale": jnp.zeros(103)}
    train = Train(optimizer=name, learning_rate=0.1)
    for optimizer in (make_optimizer(train, 10, params), optimizer_of(name)):
        kept = [leaf.shape for leaf in jax.tree.leaves(jax.eval_shape(optimizer.init, params))]
        counts = {weight: kept.count(array.shape) for weight, array in params.items()}
        expected = STATE_ARRAYS[name]
        assert counts == {
            "kernel": expected.kernels,
            "bias": expected.others,
            "scale": expected.others,
        }
        # What else there is are counts and settings.
        own = sum(counts[weight] * array.size for weight, array in params.items())
        assert sum(int(np.prod(shape)) for shape in kept) - own < 10


def test_schedule_free_methods_are_judged_at_the_average() -> None:
    train = Train(optimizer="schedule_free_sgd", learning_rate=0.1, accumulate=2)
    after, state = stepped(train, ONES, ONES, ONES, ONES)
    judged = evaluation_params(train, state, after)
    found = {float(np.asarray(each).max()) for each in jax.tree.leaves(judged)}
    assert moved(after, judged) == ALL
    # After steps of 0.1 from 1 the average of 0.9 and 0.8 weighs both alike.
    assert min(found, key=lambda each: abs(each - 0.85)) == pytest.approx(0.85, abs=1e-5)
    assert evaluation_params(Train(), state, after) is after
