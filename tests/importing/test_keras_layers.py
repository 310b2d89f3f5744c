"""Layers of Keras beyond convolutions, imported and held to what Keras computes.

And what `cnnkit convert --to keras` wrote: it comes back as the same operations.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnkit
from cnnkit import SpecError
from cnnkit.export import convert
from cnnkit.importing import Imported, import_model
from cnnkit.importing.proof import outputs_of
from cnnkit.spec.operations import same_operations
from cnnkit.spec.tracing import graph_of
from tests.agreement.converted import close, module_of
from tests.agreement.corpus import CORPUS

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="Keras is not installed")
pytest.importorskip("h5py", reason="h5py is not installed")
L = keras.layers
# Of Keras's own way from its arrays on JAX to NumPy's.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def with_random_weights(model: Any) -> Any:
    generator = np.random.default_rng(0)
    for weight in model.weights:
        if "float" in str(weight.dtype):
            values = generator.uniform(-0.5, 0.5, weight.shape)
            weight.assign(np.abs(values) + 0.5 if "variance" in weight.path else values)
    return model


def functional(layers: Callable[..., Any], *shapes: tuple[int, ...]) -> Any:
    given = [keras.Input(shape, name=f"given-{at}") for at, shape in enumerate(shapes)]
    return with_random_weights(keras.Model(given, layers(*given)))


def proven(model: Any, path: Path) -> Imported:
    """The import of a model, which computes what it does and has as many parameters."""
    model.save(path)
    imported = import_model(path)
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5
    assert imported.parameters == sum(math.prod(each.shape) for each in model.trainable_weights)
    return imported


def sequences(x: Any) -> Any:
    x = L.Bidirectional(L.LSTM(3, return_sequences=True))(x)
    x = L.LSTM(4, return_sequences=True, go_backwards=True)(x)
    x = L.GRU(3, return_sequences=True, use_bias=False)(keras.ops.flip(x, axis=1))
    x = L.Bidirectional(L.GRU(2, return_sequences=True), merge_mode="sum")(x)
    return L.Concatenate()([L.LSTM(2, go_backwards=True)(x), L.Bidirectional(L.GRU(2))(x)])


SEQUENCES = """\
layers:
  - lstm: {units: 3, sequences: true, direction: both}
  - lstm: {units: 4, sequences: true, direction: backward}
  - gru: {units: 3, bias: false, sequences: true}
  - residual:
      layers:
        - gru: {units: 2, sequences: true}
      shortcut:
        - gru: {units: 2, sequences: true, direction: backward}
  - parallel:
      branches:
        - [{lstm: {units: 2, direction: backward}}]
        - [{gru: {units: 2, direction: both}}]
"""


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_recurrent_layers_in_each_direction(tmp_path: Path) -> None:
    model = functional(sequences, (5, 3))
    imported = proven(model, tmp_path / "a.keras")
    assert "layers:" + imported.text.partition("layers:")[2] == SEQUENCES
    model.save(tmp_path / "a.h5")
    older = import_model(tmp_path / "a.h5")
    assert older.spec.layers == imported.spec.layers
    for name, array in imported.arrays.items():
        assert (older.arrays[name] == array).all()


def videos(x: Any) -> Any:
    x = L.TimeDistributed(L.Conv2D(3, 3, strides=2, padding="same", activation="relu"))(x)
    x = L.Bidirectional(L.ConvLSTM2D(2, 3, padding="same", return_sequences=True))(x)
    x = L.LayerNormalization(axis=[1, 2, 3, 4], epsilon=1e-5)(x)
    return L.ConvLSTM2D(2, (1, 2), use_bias=False, go_backwards=True)(x)


VIDEOS = """\
layers:
  - each: {layers: [{conv: {filters: 3, kernel: 3, stride: 2, padding: same, activation: relu}}]}
  - conv_lstm: {filters: 2, kernel: 3, padding: same, sequences: true, direction: both}
  - layer_norm: {over: all}
  - conv_lstm: {filters: 2, kernel: [1, 2], bias: false, direction: backward}
"""


@pytest.mark.long
def test_layers_along_a_video(tmp_path: Path) -> None:
    imported = proven(functional(videos, (3, 4, 4, 2)), tmp_path / "a.keras")
    assert "layers:" + imported.text.partition("layers:")[2] == VIDEOS


def test_attention_and_several_inputs_and_outputs(tmp_path: Path) -> None:
    def layers(x: Any, context: Any) -> dict[str, Any]:
        x = L.RMSNormalization(epsilon=1e-5)(x)
        x = L.Add()([x, L.MultiHeadAttention(2, 3, dropout=0.1)(x, x)])
        y = L.MultiHeadAttention(2, 2, use_bias=False)(x, context)
        norm = L.GroupNormalization(-1, epsilon=1e-5)(y)
        dense = L.SpectralNormalization(L.Dense(4), name="last")
        return {"label": dense(L.GlobalAveragePooling1D()(norm)), "tokens": L.Permute((2, 1))(y)}

    imported = proven(functional(layers, (5, 6), (3, 2)), tmp_path / "a.keras")
    assert imported.spec.inputs == {"given-0": (5, 6), "given-1": (3, 2)}
    assert list(graph_of(imported.spec).outputs) == ["label", "tokens"]
    for line in (
        "- rms_norm",
        "attention: {heads: 2, dropout: 0.1}",
        "attention: {heads: 2, units: 4, bias: false, context: given-1}",
        "- instance_norm",
        "transpose: {axes: [channels, 0]}",
    ):
        assert line in imported.text


def test_entries_are_looked_up(tmp_path: Path) -> None:
    def layers(x: Any) -> Any:
        return L.GlobalMaxPooling1D()(L.Embedding(7, 3)(x))

    imported = proven(functional(layers, (5,)), tmp_path / "a.keras")
    assert "- embedding: {entries: 7, units: 3}\n" in imported.text


def test_functions_of_tensors(tmp_path: Path) -> None:
    def layers(x: Any) -> Any:
        ops = keras.ops
        y = ops.concatenate([2.0 - x, ops.gelu(x[:, 1:3], approximate=False)], axis=1)
        y = ops.clip(ops.reshape(y, (-1, 6, 2, 8)), -0.5, 2) ** 3
        means = ops.maximum(ops.mean(y, axis=(1, 2)), 0.25)
        return means - ops.squeeze(ops.max(y[:, :1], axis=2, keepdims=True), axis=(1, 2))

    imported = proven(functional(layers, (4, 4, 4)), tmp_path / "a.keras")
    assert "- reduce: {over: 1, by: max}\n" in imported.text


def test_tensors_with_names_are_taken_in_the_order_of_these(tmp_path: Path) -> None:
    """As Keras does, in whatever order a model, a call and what they give were written."""
    b, a = (keras.Input((4,), name=name) for name in "ba")
    given = {"d": L.Subtract()([a, b]), "c": L.Multiply()([a, b])}
    inner = keras.Model({"b": b, "a": a}, given, name="inner")
    z, y = (keras.Input((4,), name=name) for name in "zy")
    made = inner({"a": y, "b": z})
    less = L.Dense(3)(L.Subtract()([made["d"], made["c"]]))
    model = keras.Model({"z": z, "y": y}, {"w": less, "v": L.Dense(3)(made["c"])})
    imported = proven(with_random_weights(model), tmp_path / "a.keras")
    assert list(imported.spec.inputs) == ["y", "z"]


REFUSED: dict[str, tuple[Callable[..., Any], str]] = {
    "activation": (
        lambda x: L.LSTM(2, activation="relu", name="odd")(x),
        "LSTM cannot be said: its `activation` is relu",
    ),
    "reset": (
        lambda x: L.GRU(2, reset_after=False, name="odd")(x),
        "GRU cannot be said: its reset gate is before the product, ours is behind",
    ),
    "state": (
        lambda x: L.LSTM(2, return_state=True, name="odd")(x)[0],
        "LSTM cannot be said: its `return_state` is True",
    ),
    "causal": (
        lambda x: L.MultiHeadAttention(2, 2, name="odd")(x, x, use_causal_mask=True),
        "MultiHeadAttention cannot be said: it is called with `use_causal_mask`",
    ),
    "mask": (
        lambda x: L.Softmax(name="odd")(x, mask=L.Identity()(x)),
        "Softmax cannot be said: it is called with a mask",
    ),
    "ways": (
        lambda x: L.Bidirectional(L.GRU(2, go_backwards=True), backward_layer=L.GRU(2), name="odd")(
            x
        ),
        "Bidirectional cannot be said: its first way goes backwards",
    ),
    "batch": (
        lambda x: keras.ops.reshape(x, (-1, 3)),
        "it makes [3] of each part of [5, 3]: the batch does not stay apart",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_said_is_named(name: str, tmp_path: Path) -> None:
    layers, message = REFUSED[name]
    functional(layers, (5, 3)).save(tmp_path / "a.keras")
    with pytest.raises(SpecError) as caught:
        import_model(tmp_path / "a.keras")
    (finding,) = caught.value.findings
    assert finding.message.endswith(message)
    assert finding.help


# What the code in Keras does not hold: how a pool or a size came about that divides, rounds up or
# is that of another tensor, layers whose output nothing reads, and heads for training.
WRITTEN_OTHERWISE = {
    "activations-of-a-vector", "axes-of-a-volume", "ceil-drops-a-window", "composition",
    "conv-modes", "joins", "little", "normalizations-of-a-vector",
    "pooling-adaptive", "pooling-whole", "shaping", "shared", "yolo-v3",
}  # fmt: skip
SPECS_WRITTEN_OTHERWISE: set[str] = set()
BEYOND = {"each", "transposed-groups", "weight-norms-beyond-keras"}
SPECS = sorted((Path(cnnkit.__file__).parents[1] / "specs").rglob("*.yaml"))


def converted(spec: cnnkit.Spec) -> Any:
    """The model of the code that a spec is converted to, its weights random."""
    return with_random_weights(module_of(spec, "keras").MODEL())


@pytest.mark.parametrize("name", ["activations", "embedding", "normalizations", "places"])
def test_what_was_converted_comes_back(name: str, tmp_path: Path) -> None:
    spec = cnnkit.load(CORPUS[name])
    model = converted(spec)
    model.save(tmp_path / "a.keras")
    imported = import_model(tmp_path / "a.keras")
    assert same_operations(graph_of(spec), graph_of(imported.spec))
    theirs = [np.asarray(weight.numpy()).reshape(-1) for weight in model.weights]
    for path, array in imported.arrays.items():
        assert any(np.array_equal(array.reshape(-1), each) for each in theirs), path


def test_code_of_a_conversion_is_not_run_for_the_proof(tmp_path: Path) -> None:
    converted(cnnkit.load(CORPUS["embedding"])).save(tmp_path / "a.keras")
    reason = import_model(tmp_path / "a.keras").prove().reason
    assert reason == "the model names code outside Keras, which is not run: converted_keras"


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in CORPUS if name not in BEYOND])
def test_all_kinds_come_back(name: str, tmp_path: Path) -> None:
    spec = cnnkit.load(CORPUS[name])
    model = converted(spec)
    model.save(tmp_path / "a.keras")
    imported = import_model(tmp_path / "a.keras")
    same = same_operations(graph_of(spec), graph_of(imported.spec))
    assert same == (name not in WRITTEN_OTHERWISE)
    generator = np.random.default_rng(1)
    given = {
        name: generator.standard_normal((1, *shape)).astype(np.float32)
        for name, shape in graph_of(spec).inputs.items()
    }
    batches = [*given.values()]
    made = model(batches if len(batches) > 1 else batches[0], training=False)
    theirs = made if isinstance(made, dict) else {"": made}
    batch = given if len(given) > 1 else batches[0]
    ours = outputs_of(imported.spec, imported.arrays, batch)
    for output, values in theirs.items():
        got = ours[output] if len(ours) > 1 else next(iter(ours.values()))
        close(got, np.asarray(keras.ops.convert_to_numpy(values)), output)


@pytest.mark.long
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_all_specs_come_back(path: Path, tmp_path: Path) -> None:
    """Their operations, from the JSON of the model, which holds no weights."""
    spec = cnnkit.load(path)
    if convert(spec, "keras").code is None:
        pytest.skip("Keras has no words for it")
    model = module_of(spec, "keras").MODEL()
    (tmp_path / "a.json").write_text(model.to_json())
    imported = import_model(tmp_path / "a.json")
    same = same_operations(graph_of(spec), graph_of(imported.spec))
    assert same == (path.stem not in SPECS_WRITTEN_OTHERWISE)
