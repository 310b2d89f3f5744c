"""Models of Keras, imported and held to what Keras computes; damaged and hostile files."""

from __future__ import annotations

import io
import json
import math
import os
import re
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit import SpecError
from cnnkit.errors import MissingExtraError, UsageError
from cnnkit.importing import Imported, import_model
from tests.cli.command import runner

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="Keras is not installed")
h5py = pytest.importorskip("h5py", reason="h5py is not installed")
L = keras.layers
# Of Keras's own way from its arrays on JAX to NumPy's.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def network(layers: Callable[[Any], Any], shape: tuple[int | None, ...] = (8, 8, 4)) -> Any:
    """A functional model, all weights random."""
    given = keras.Input(shape, name="given")
    model = keras.Model(given, layers(given))
    generator = np.random.default_rng(0)
    for weight in model.weights:
        values = generator.uniform(0.5, 1.5, weight.shape)
        weight.assign(values - 1 if len(weight.shape) > 1 else values)
    return model


def separable(x: Any) -> Any:
    y = L.SeparableConv2D(4, 3, padding="same", depth_multiplier=2, name="sep")(x)
    return L.Conv2D(5, 3, strides=2, padding="same", activation="swish")(L.Add()([x, y]))


def gated(x: Any) -> Any:
    y = L.GlobalAveragePooling2D(keepdims=True)(x)
    y = L.Conv2D(2, 1, activation="relu")(y)
    return L.Multiply()([x, L.Conv2D(4, 1, activation="sigmoid")(y)])


def nested(x: Any) -> Any:
    inner = keras.Sequential(
        [L.Conv2D(4, 1), L.BatchNormalization(), L.Conv2D(3, 1, use_bias=False)], name="inner"
    )
    return L.Dense(5, activation="softmax")(L.Flatten()(inner(x)))


def joined(x: Any) -> Any:
    pools = [
        L.MaxPooling2D(3, 1, padding="same")(x),
        L.AveragePooling2D(3, 1, padding="same")(x),
        L.UpSampling2D(2)(L.MaxPooling2D()(x)),
        L.Cropping2D(1)(L.ZeroPadding2D(((1, 1), (2, 0)))(L.ReLU(6.0)(L.Rescaling(0.5, 1.0)(x)))),
    ]
    return L.LeakyReLU(0.3)(L.Concatenate()(pools))


def padded(x: Any) -> Any:
    sides = ((0, 0), (1, 0), (1, 1), (0, 0))
    pools = [
        L.MaxPooling2D(3, 2)(keras.ops.pad(x, sides, constant_values=-np.inf)),
        L.AveragePooling2D(3, 2)(keras.ops.pad(x, sides)),
        L.Conv2D(2, 3, strides=2)(keras.ops.pad(x, sides, mode="reflect")),
    ]
    return L.Concatenate()(pools)


NETWORKS: dict[str, Callable[[Any], Any]] = {
    "padded": padded,
    "separable": separable,
    "gated": gated,
    "nested": nested,
    "joined": joined,
    "depthwise": lambda x: L.DepthwiseConv2D(3, depth_multiplier=2, dilation_rate=2)(x),
    "transposed": lambda x: L.Conv2DTranspose(3, 3, strides=2, padding="same")(x),
    "norms": lambda x: L.PReLU(shared_axes=[1, 2])(
        L.LayerNormalization()(L.GroupNormalization(2)(L.BatchNormalization(scale=False)(x)))
    ),
    "reshapes": lambda x: L.Dense(3)(L.Reshape((-1,))(L.Reshape((4, 64))(x))),
    "dense of a map": lambda x: L.Dense(3, activation="gelu")(x),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_what_keras_computes(name: str, tmp_path: Path) -> None:
    model = network(NETWORKS[name])
    model.save(tmp_path / "a.keras")
    imported = import_model(tmp_path / "a.keras")
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5
    assert imported.parameters == sum(math.prod(each.shape) for each in model.trainable_weights)


def test_a_pad_is_that_of_the_pool_or_is_refused(tmp_path: Path) -> None:
    network(padded).save(tmp_path / "a.keras")
    text = import_model(tmp_path / "a.keras").text
    assert "max_pool: {size: 3, stride: 2, padding: [[1, 0], [1, 1]]}" in text
    assert "mean_pool: {size: 3, stride: 2, padding: [[1, 0], [1, 1]], count_padding: true}" in text
    sides = ((0, 0), (1, 0), (1, 1), (0, 0))
    lowest = network(lambda x: L.ReLU()(keras.ops.pad(x, sides, constant_values=-np.inf)))
    lowest.save(tmp_path / "b.keras")
    with pytest.raises(SpecError) as caught:
        import_model(tmp_path / "b.keras")
    (finding,) = caught.value.findings
    assert re.fullmatch(r"node `pad(_\d+)?` pads with -inf", finding.message)


def small() -> Any:
    return network(
        lambda x: L.Dense(5, name="head")(L.Flatten()(L.Conv2D(2, 3, strides=3, name="stem")(x)))
    )


SPEC = """\
# Imported from small{suffix} by `cnnkit import`.
name: small
input: 8x8x4
rounding: floor # as in the model: a row or a column may be left over
layers:
  - {{name: stem, conv: {{filters: 2, kernel: 3, stride: 3}}}}
  - flatten
  - {{name: head, dense: {{units: 5}}}}
"""


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".json"])
@pytest.mark.filterwarnings("ignore")
def test_each_format_gives_the_same_spec(suffix: str, tmp_path: Path) -> None:
    model, path = small(), tmp_path / f"small{suffix}"
    if suffix == ".json":
        path.write_text(model.to_json())
    else:
        model.save(path)
    imported = import_model(path)
    assert imported.text == SPEC.format(suffix=suffix)
    kernel = imported.arrays["layers.stem.kernel"]
    if suffix == ".json":
        assert imported.prove().reason == "the file holds no weights"
        assert kernel.shape == (3, 3, 4, 2)
    else:
        assert (kernel == np.asarray(model.get_layer("stem").kernel)).all()


def test_names_that_repeat_in_models_within_models(tmp_path: Path) -> None:
    """Two inner models, each of a layer `same`: HDF5 keeps their weights by name."""
    inner = [keras.Sequential([L.Conv2D(4, 1, name="same")], name=f"part{n}") for n in (1, 2)]
    model = network(lambda x: inner[1](inner[0](x)))
    model.save(tmp_path / "a.h5")
    arrays = import_model(tmp_path / "a.h5").arrays
    kernels = [each for name, each in arrays.items() if name.endswith("kernel")]
    for part, kernel in zip(inner, kernels, strict=True):
        assert (kernel == np.asarray(part.layers[0].kernel)).all()


def said(path: Path) -> list[str]:
    with pytest.raises(SpecError) as caught:
        import_model(path)
    return [finding.message for finding in caught.value.findings]


def test_a_lambda_is_a_finding_and_its_code_does_not_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    model = network(lambda x: L.Softmax()(L.Lambda(lambda y: y + 1, name="mine")(x)))
    path = tmp_path / "a.keras"
    model.save(path)
    rewritten(path, "config.json", lambda data: data.replace(b"lambda", f"{ran}".encode()))
    assert said(path) == ["layer `mine`: Lambda cannot be said: `import` does not read it"]
    assert not ran.exists()


def test_all_that_cannot_be_said_in_one_run(tmp_path: Path) -> None:
    def odd(x: Any) -> Any:
        left = L.UnitNormalization(name="turn")(x)
        right = L.Activation("exponential", name="e")(x)
        return L.Add()([left, right])

    network(odd).save(tmp_path / "a.keras")
    assert said(tmp_path / "a.keras") == [
        "layer `turn`: UnitNormalization cannot be said: `import` does not read it",
        "layer `e`: Activation cannot be said: no kind is its activation `exponential`",
    ]


def rewritten(path: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Changes a member of an archive."""
    with zipfile.ZipFile(path) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    members[name] = change(members[name])
    with zipfile.ZipFile(path, "w") as archive:
        for each, data in members.items():
            archive.writestr(each, data)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("keras") / "small.keras"
    small().save(path)
    return path.read_bytes()


@pytest.fixture
def path(saved: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "small.keras"
    path.write_bytes(saved)
    return path


def test_a_bomb_is_not_unpacked(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * 2**24)
    (message,) = said(path)
    assert message.startswith("`config.json` in the archive says that it unpacks from ")
    assert message.endswith(" bytes to 16,777,216")


def test_a_file_that_is_cut_off_or_none(path: Path, saved: bytes) -> None:
    for data in (b"", saved[: len(saved) // 2], b"PK" + saved[100:]):
        path.write_bytes(data)
        assert said(path) == ["the file is no archive of Keras, or it is damaged"]
    h5 = path.with_suffix(".h5")
    h5.write_bytes(b"no HDF5")
    assert said(h5) == ["the file is no HDF5 file, or it is cut off"]
    with pytest.raises(UsageError, match="cannot read"):
        import_model(path.with_name("none.keras"))


def test_weights_alone_are_no_network(path: Path) -> None:
    h5 = path.with_suffix(".h5")
    with h5py.File(h5, "w") as file:
        file["a"] = [1.0]
    assert said(h5) == ["the file holds weights, and no network that they belong to"]


def test_models_that_are_nested_too_deep(tmp_path: Path) -> None:
    made: dict[str, Any] = {"class_name": "Flatten", "config": {"name": "flat"}}
    for _ in range(250):
        fields = {"name": "deeper", "layers": [made], "build_input_shape": [None, 4]}
        made = {"class_name": "Sequential", "config": fields}
    path = tmp_path / "deep.json"
    path.write_text(json.dumps(made))
    assert said(path) == ["its layers are nested too deep"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "its configuration is no JSON, or nested too deep"),
        ("{}", "its configuration is that of no model: it has no `class_name` and `config`"),
        (
            '{"class_name": "Mine", "config": {}}',
            "it is a Mine: a class of its own says what it does only as code",
        ),
        ('{"class_name": "Sequential", "config": []}', "the model has no layers"),
        (
            '{"class_name": "Sequential", "config": {"layers": 3}}',
            "its configuration is not one that Keras writes",
        ),
    ],
)
def test_hostile_json(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    assert said(path) == [message]


WRONG: tuple[Any, ...] = (None, -1, [], {}, "x", [[None]])


def test_no_damage_of_a_configuration_makes_a_traceback(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    damaged = path.with_suffix(".json")
    for layer in config["config"]["layers"]:
        for fields in (layer, layer["config"]):
            for name, value in list(fields.items()):
                for wrong in WRONG:
                    fields[name] = wrong
                    damaged.write_text(json.dumps(config))
                    with suppress(SpecError):
                        import_model(damaged)
                fields[name] = value


def test_links_that_lead_out_are_not_followed(path: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret.h5"
    with h5py.File(outside, "w") as file:
        file["a"] = np.ones((3, 3, 4, 2), np.float32)

    def linked(data: bytes) -> bytes:
        stream = io.BytesIO(data)
        with h5py.File(stream, "r+") as file:
            group = file["layers/conv2d/vars"]
            del group["0"]
            group["0"] = h5py.ExternalLink(str(outside), "a")
        return stream.getvalue()

    rewritten(path, "model.weights.h5", linked)
    assert said(path) == [
        (
            "layer `stem`: Conv2D cannot be said: `0` of layer `stem` is a link to another place, "
            "which is not followed"
        )
    ]


def test_arrays_of_other_shapes_are_not_read(path: Path) -> None:
    def widened(data: bytes) -> bytes:
        stream = io.BytesIO(data)
        with h5py.File(stream, "r+") as file:
            group = file["layers/conv2d/vars"]
            del group["0"]
            group.create_dataset("0", (2**20, 2**20), "f4", chunks=(1024, 1024))
        return stream.getvalue()

    rewritten(path, "model.weights.h5", widened)
    assert said(path) == [
        (
            "layer `stem`: Conv2D cannot be said: `kernel` of layer `stem` has the shape "
            "[1048576, 1048576] in the file, the configuration says [3, 3, 4, 2]"
        )
    ]


def test_an_open_input_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.keras"
    network(lambda x: L.GlobalMaxPooling2D()(x), (None, None, 3)).save(path)
    assert said(path) == ["the input has open extents: ?x?x3"]
    assert import_model(path, (5, 6, 3)).spec.input == (5, 6, 3)


def test_a_missing_package_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'cnnkit\[import\]'"):
        import_model(path)


def test_code_of_others_is_not_run_for_the_proof(path: Path) -> None:
    rewritten(path, "config.json", lambda data: data.replace(b'"keras.initializers"', b'"os"'))
    imported: Imported = import_model(path)
    assert imported.prove().reason == "the model names code outside Keras, which is not run: os"


def test_the_command_line(
    path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    cnnkit = runner(monkeypatch, capfd)
    done = cnnkit("import", str(path))
    assert (done.code, done.out) == (0, SPEC.format(suffix=".keras"))
    assert "outputs compared with Keras on a random input: the largest difference" in done.err
    done = cnnkit("analyze", str(path), "--format", "json")
    # 2x2 positions of 3·3·4 weights and 2 filters, then 8 elements to 5 units.
    assert json.loads(done.out)["totals"]["macs"] == 4 * 36 * 2 + 40


SHARED = """\
layers:
  - {name: first, conv: {filters: 4, kernel: 3, padding: same}}
  - {name: again, conv: {filters: 4, kernel: 1}}
  - relu
  - shared: again
"""


def test_a_layer_that_is_called_again_shares_its_weights(tmp_path: Path) -> None:
    given = keras.Input((6, 6, 4))
    again = L.Conv2D(4, 1, name="again")
    x = again(L.Conv2D(4, 3, padding="same", name="first")(given))
    keras.Model(given, again(L.ReLU()(x))).save(tmp_path / "m.keras")
    imported = import_model(tmp_path / "m.keras")
    assert imported.text.endswith(SHARED)
    proof = imported.prove()
    assert proof.difference is not None, proof.reason
    assert proof.difference < 1e-5
    assert imported.parameters == (4 * 9 + 1) * 4 + (4 + 1) * 4


def test_weights_that_are_damaged_are_a_finding(path: Path) -> None:
    """The root of HDF5 is whole, the table of the group of a layer is not."""

    def damaged(data: bytes) -> bytes:
        places = [match.start() for match in re.finditer(b"SNOD", data)]
        for place in places[1:]:
            data = data[:place] + b"none" + data[place + 4 :]
        return data

    rewritten(path, "model.weights.h5", damaged)
    assert said(path)[0] == (
        "layer `stem`: Conv2D cannot be said: the weights of layer `stem` in the file are damaged"
    )
