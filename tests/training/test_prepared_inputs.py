"""The same values mean the same to a run, in whatever type they come; others are refused."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cnnkit.activations.work import work_of_run
from cnnkit.data import Dataset, Examples, loading, statistics
from cnnkit.data.preprocessing import Preprocessing, preprocessing
from cnnkit.data.scaling import Scaled
from cnnkit.errors import DataError, TrainingError, UsageError
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Arrays, Csv, Data, Images
from cnnkit.spec.reading import load
from cnnkit.training import Options, load_run, train
from cnnkit.training.store.directory import SPLIT
from cnnkit.training.use.evaluation import evaluate
from cnnkit.training.use.prediction import Prediction, Refused, predict
from cnnkit.training.view.display import Quiet
from tests.training.bars import bars

Inputs = NDArray[Any]
Recipe = Callable[..., Spec]

# Of each form: how the pixels 0..255 are saved in it, and the scale that it has then.
FORMS: dict[str, tuple[Callable[[Inputs], Inputs], str]] = {
    "uint8": (lambda pixels: pixels, "0 to 255"),
    "int64": (lambda pixels: pixels.astype(np.int64), "0 to 255"),
    "float32": (lambda pixels: pixels.astype(np.float32), "0 to 255"),
    "csv": (lambda pixels: pixels, "0 to 255"),
    "shares": (lambda pixels: pixels / 255, "0 to 1"),
    "csv of shares": (lambda pixels: pixels / 255, "0 to 1"),
    "uint16": (lambda pixels: pixels.astype(np.uint16) * 257, "0 to 65535"),
}


def saved(folder: Path, form: str) -> Data:
    """The bars in a form, with one pixel of 255 so that the range is known."""
    pixels, labels = bars(90)
    pixels[0, 0, 0], pixels[1, 0, 0] = 255, 0
    values = FORMS[form][0](pixels)
    if form.startswith("csv"):
        path = folder / "bars.csv"
        rows = [
            ",".join(map(repr, [int(label), *row.tolist()]))
            for label, row in zip(labels, values.reshape(90, -1), strict=True)
        ]
        path.write_text("\n".join(rows))
        return Csv(csv=str(path))
    path = folder / "bars.npz"
    np.savez(path, inputs=values, targets=labels)
    return Arrays(arrays=str(path))


@pytest.fixture(scope="module")
def trained(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The run that was trained on a form."""

    @functools.cache
    def run(form: str) -> Path:
        folder = tmp_path_factory.mktemp("trained")
        data = saved(folder, form).model_dump(exclude_defaults=True)  # type: ignore[union-attr]
        result = train(recipe(data=data), run_dir=folder / "run", display=Quiet())
        return result.path

    return run


@pytest.mark.parametrize("asked", FORMS)
@pytest.mark.parametrize("form", FORMS)
def test_evaluate_and_python_answer_alike_or_refuse(
    form: str, asked: str, trained: Callable[[str], Path], tmp_path: Path
) -> None:
    run = trained(form)
    data = saved(tmp_path, asked)
    inputs = FORMS[asked][0](bars(90)[0])
    network = load_run(run)
    if FORMS[form][1] == FORMS[asked][1]:
        own = evaluate(run, Options(), data=saved(tmp_path, form)).figures
        figures = evaluate(run, Options(), data=data).figures
        assert figures["accuracy"] == own["accuracy"]
        assert figures["loss"] == pytest.approx(own["loss"], rel=1e-4)
        answers = np.asarray(network.predict(inputs))
        expected = np.asarray(network.predict(FORMS[form][0](bars(90)[0])))
        assert answers == pytest.approx(expected, abs=1e-4)
        return
    with pytest.raises(DataError) as caught:
        evaluate(run, Options(), data=data)
    said = str(caught.value)
    highest = {"0 to 255": "255", "0 to 1": "1", "0 to 65535": "65535"}
    assert f"has values from 0 to {highest[FORMS[asked][1]]} (" in said
    assert f"the run was trained on values from 0 to {highest[FORMS[form][1]]} (" in said
    with pytest.raises(DataError, match="the inputs hold values from 0 to"):
        network.predict(inputs)


@pytest.mark.parametrize("form", FORMS)
def test_predict_and_activations_answer_alike_or_refuse(
    form: str, trained: Callable[[str], Path], tmp_path: Path
) -> None:
    run = trained(form)
    pixels = bars(6)[0]
    files = {
        "0 to 255": [tmp_path / f"{each}.png" for each in range(6)],
        "0 to 65535": [tmp_path / f"{each}-16.png" for each in range(6)],
        "0 to 1": [tmp_path / f"{each}.tif" for each in range(6)],
    }
    for each, image in enumerate(pixels[..., 0]):
        Image.fromarray(image).save(files["0 to 255"][each])
        Image.fromarray(image.astype(np.uint16) * 257).save(files["0 to 65535"][each])
        Image.fromarray(image.astype(np.float32) / 255).save(files["0 to 1"][each])
    network = load_run(run)
    expected = np.asarray(network.predict(FORMS[form][0](pixels)))
    for scale, paths in files.items():
        found = list(predict(network, paths))
        if scale == FORMS[form][1]:
            values = [dict(zip(each.classes, each.values, strict=True)) for each in found]  # type: ignore[union-attr]
            ordered = [[each[name] for name in network.classes] for each in values]
            assert np.array(ordered) == pytest.approx(expected, abs=1e-4)
            maps = work_of_run(run, str(paths[0]), []).layers[-1].maps
            assert np.ravel(maps) == pytest.approx(
                np.asarray(network.network(network.prepared(FORMS[form][0](pixels)))[0]), abs=1e-3
            )
        else:
            assert all(isinstance(each, Refused) for each in found)
            assert all("the run was trained on values from 0 to" in each.problem for each in found)  # type: ignore[union-attr]
            with pytest.raises(DataError, match="the run was trained on values from 0 to"):
                work_of_run(run, str(paths[0]), [])


def test_the_record_is_kept_and_comes_back(trained: Callable[[str], Path]) -> None:
    record = json.loads((trained("uint16") / SPLIT).read_text())["preprocessing"]
    assert list(record) == [
        "format", "dtype", "shape", "value_range", "mean", "deviation", "decoding", "found",
    ]  # fmt: skip
    assert (record["dtype"], record["shape"]) == ("uint16", [6, 6, 1])
    assert record["value_range"] == [0, 65535]
    assert (record["found"]["minimum"], record["found"]["maximum"]) == (0, 65535)
    assert Preprocessing.from_dict(record).to_dict() == record
    with pytest.raises(DataError, match="has format 2, and this version of cnnkit reads 1: take"):
        Preprocessing.from_dict({**record, "format": 2})
    del record["mean"]
    with pytest.raises(DataError, match="record of the preprocessing is damaged: KeyError"):
        Preprocessing.from_dict(record)


def test_a_run_without_a_record_is_rebuilt(trained: Callable[[str], Path], tmp_path: Path) -> None:
    """As earlier versions wrote it: mean and deviation, and nothing of types and ranges."""
    import shutil

    run = tmp_path / "run"
    for form in ("uint8", "int64"):
        shutil.copytree(trained(form), run)
        record = json.loads((run / SPLIT).read_text())
        kept = record.pop("preprocessing")
        record |= {"mean": kept["mean"], "deviation": kept["deviation"]}
        (run / SPLIT).write_text(json.dumps(record))
        pixels = bars(30)[0]
        before, now = load_run(trained(form)), load_run(run)
        assert np.array_equal(before.predict(pixels), now.predict(pixels))
        assert evaluate(run, Options()).figures == evaluate(trained(form), Options()).figures
        shutil.rmtree(run)
    shutil.copytree(trained("int64"), run)
    spec = (run / "spec.yaml").read_text()
    data = load_run(trained("int64")).train.data
    assert isinstance(data, Arrays)
    (run / "spec.yaml").write_text(spec.replace(data.arrays, "gone.npz"))
    (run / SPLIT).write_text(json.dumps(record))
    with pytest.raises(UsageError, match=r"did not record the type of its data.*gone\.npz"):
        load_run(run)
    (run / SPLIT).write_text('{"multi_label": false, "classes": []}')
    with pytest.raises(TrainingError, match="damaged: it has no mean, deviation"):
        load_run(run)


@pytest.mark.parametrize(
    ("shape", "advice"),
    [
        ((5, 1, 6, 6), "move the channels to the last axis, np.moveaxis(inputs, 1, -1)"),
        ((6, 6, 1), "one input is a batch of one, inputs[None]"),
        ((5, 6, 6), "add the axis of the channels, inputs[..., None]"),
        ((5, 7, 6, 1), "the network takes inputs of shape [N, 6, 6, 1], these have [5, 7, 6, 1]"),
    ],
)
def test_inputs_of_another_shape_are_told_what_to_do(
    shape: tuple[int, ...], advice: str, trained: Callable[[str], Path]
) -> None:
    with pytest.raises(UsageError) as caught:
        load_run(trained("uint8")).predict(np.zeros(shape, np.uint8))
    assert advice in str(caught.value)


def test_an_image_that_is_black_or_dark_is_no_other_scale(trained: Callable[[str], Path]) -> None:
    network = load_run(trained("int64"))
    dark = np.zeros((1, 6, 6, 1), np.uint8)
    assert np.asarray(network.predict(dark)).shape == (1, 3)
    dark[0, 2, 2] = 9
    assert np.asarray(network.predict(dark)).shape == (1, 3)
    with pytest.raises(UsageError, match="inputs are of type <U1; numbers are needed"):
        network.predict(np.full((1, 6, 6, 1), "a"))
    with pytest.raises(DataError, match="the inputs hold NaN or infinite values"):
        network.predict(np.full((1, 6, 6, 1), np.nan))


@pytest.mark.parametrize(
    ("trained_on", "asked", "told"),
    [
        ((0, 1), (-1, 1), True),
        ((-1, 1), (0, 1), True),
        ((0, 1), (0, 16), True),
        ((0, 255), (0, 16), True),
        # What signals do: louder, more quiet, or never below 0.
        ((-3, 3.5), (-12, 12.5), False),
        ((-3, 3.5), (-1, 1.2), False),
        ((-3, 3.5), (0.1, 2), False),
    ],
)
def test_floats_of_another_scale_are_told_from_louder_signals(
    trained_on: tuple[float, float], asked: tuple[float, float], told: bool
) -> None:
    def signals(low: float, high: float) -> Inputs:
        return np.linspace(low, high, 640).reshape(20, 32, 1).astype(np.float32)

    inputs = signals(*trained_on)
    dataset = Dataset("made", Examples(inputs, np.zeros(20, np.int32)), None, ("a", "b"))
    measured = statistics(dataset.train, np.arange(20))
    record = preprocessing(dataset, measured, measured)
    assert (record.fault(signals(*asked), "float32") is not None) == told


def test_a_compiled_function_is_given_what_is_prepared(trained: Callable[[str], Path]) -> None:
    network = load_run(trained("uint8"))
    pixels = bars(4)[0]
    with pytest.raises(UsageError, match="compile `answers`, and give it what `prepared` gave"):
        jax.jit(network.predict)(pixels)
    answers = jax.jit(network.answers)(network.prepared(pixels))
    assert np.asarray(answers) == pytest.approx(np.asarray(network.predict(pixels)), abs=1e-6)


def test_python_takes_paths_as_it_takes_arrays(
    trained: Callable[[str], Path], tmp_path: Path
) -> None:
    network = load_run(trained("uint8"))
    pixels = bars(4)[0]
    paths = [tmp_path / f"{each}.png" for each in range(4)]
    for path, image in zip(paths, pixels[..., 0], strict=True):
        Image.fromarray(image).save(path)
    expected = np.asarray(network.predict(pixels))
    for given in (paths, str(tmp_path), [f"{tmp_path}/*.png"]):
        assert np.asarray(network.predict(given)) == pytest.approx(expected, abs=1e-6)
    assert np.asarray(network.predict(paths[2])) == pytest.approx(expected[2:3], abs=1e-6)
    with pytest.raises(DataError, match=f"there is no file {tmp_path}/gone.png"):
        network.predict([*paths, tmp_path / "gone.png"])


@pytest.mark.parametrize("place", range(3))
def test_a_bad_file_does_not_end_the_prediction_of_others(
    place: int, trained: Callable[[str], Path], tmp_path: Path
) -> None:
    bad = {
        "no image": b"no image",
        "empty": b"",
        "16 bits": None,
        "missing": None,
        "a folder": None,
    }
    sound = [tmp_path / f"{each}.png" for each in range(70)]  # more than a batch
    for path, image in zip(sound, bars(70)[0][..., 0], strict=True):
        Image.fromarray(image).save(path)
    wrong = [tmp_path / f"{name}.png" for name in bad]
    for path, content in zip(wrong, bad.values(), strict=True):
        if content is not None:
            path.write_bytes(content)
    Image.fromarray(np.full((6, 6), 40_000, np.uint16)).save(wrong[2])
    wrong[4].mkdir()
    Image.fromarray(np.arange(36, dtype=np.uint16).reshape(6, 6) * 1000).save(wrong[2])
    at = (0, 40, 70)[place]
    files = [*sound[:at], *wrong, *sound[at:]]
    network = load_run(trained("uint8"))
    found = list(predict(network, files))
    assert [each.file for each in found] == [str(file) for file in files]
    refused = [each for each in found if isinstance(each, Refused)]
    assert [each.file for each in refused] == [str(file) for file in wrong]
    assert "is no image that can be read, or is damaged" in refused[0].problem
    assert refused[2].problem.startswith(f"{wrong[2]} has values from 0 to 35000 (uint16), and")
    assert refused[3].problem == f"there is no file {wrong[3]}"
    alone = [each for each in predict(network, sound) if isinstance(each, Prediction)]
    assert [each for each in found if isinstance(each, Prediction)] == alone
    assert refused[0].to_dict() == {
        "file": str(wrong[0]),
        "class": None,
        "predictions": [],
        "error": refused[0].problem,
    }


def low_bits(count: int, seed: int = 0) -> tuple[Inputs, Inputs]:
    """16-bit images of 12 bits whose two classes share the upper byte of every value."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    return (1000 + random.integers(0, 8, (count, 6, 6)) + 16 * labels[:, None, None]), labels


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("fields", [{}, {"value_range": [0, 4095]}])
def test_classes_that_differ_in_the_low_bits_are_learnt(
    fields: dict[str, Any],
    streamed: bool,
    recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images, labels = low_bits(60)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = tmp_path / "scans" / "ab"[label] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.astype(np.uint16)).save(path)
    if streamed:
        monkeypatch.setattr(Dataset, "fits_on_device", lambda self, budget=0: False)
        defaults = loading.load.__kwdefaults__
        assert defaults is not None
        monkeypatch.setitem(defaults, "budget", 0)
        folder = Images(images=str(tmp_path / "scans"))
        assert isinstance(loading.load(folder).train.inputs, Scaled)
    spec = recipe(data={"images": str(tmp_path / "scans"), **fields}, epochs=4)
    layers = [{"dense": {"units": 2}} if "dense" in layer else layer for layer in _layers(spec)]
    spec = load({**spec.to_dict(), "layers": layers})
    result = train(spec, run_dir=tmp_path / "run", display=Quiet())
    assert result.summary is not None
    assert result.summary["validation"]["accuracy"] == 1
    network = load_run(result.path)
    more, labels = low_bits(8, seed=1)
    files = []
    for number, image in enumerate(more):
        files.append(tmp_path / f"{number}.png")
        Image.fromarray(image.astype(np.uint16)).save(files[-1])
    named = [each.classes[0] for each in predict(network, files)]  # type: ignore[union-attr]
    assert named == ["ab"[label] for label in labels]
    answers = np.asarray(network.predict(more[..., None].astype(np.uint16)))
    assert answers.argmax(1).tolist() == labels.tolist()
    assert evaluate(result.path, Options()).figures["accuracy"] == 1


def _layers(spec: Spec) -> list[Any]:
    layers: list[Any] = spec.to_dict()["layers"]
    return layers
