"""Pixels of several classes: a folder of masks and an output for each, from data to predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnkit.data import load as load_data
from cnnkit.errors import DataError
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Images
from cnnkit.spec.reading import load
from cnnkit.training.options import Options
from cnnkit.training.run import train
from cnnkit.training.use.evaluation import evaluate
from cnnkit.training.use.naming import Prediction
from cnnkit.training.use.prediction import predict
from cnnkit.training.use.trained import load_run
from cnnkit.training.view.display import Quiet

COUNT = 12
NAMES = ("bright", "left")


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise; a pixel is bright, or in the left half, or both, or neither."""
    folder = tmp_path_factory.mktemp("labels")
    random = np.random.default_rng(0)
    for number in range(COUNT):
        values = random.integers(0, 256, (6, 8)).astype(np.uint8)
        left = np.zeros((6, 8), np.uint8)
        left[:, :4] = 255
        pictures = {"images": values, "bright": 255 * (values > 127).astype(np.uint8), "left": left}
        for name, pixels in pictures.items():
            (folder / name).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(folder / name / f"{number:02}.png")
    return folder


def data_of(scans: Path, **fields: Any) -> dict[str, Any]:
    masks = {name: str(scans / name) for name in NAMES}
    classes = {"no": 0, "yes": 255}
    return {"images": str(scans / "images"), "masks": masks, "classes": classes, **fields}


def spec_of(scans: Path, **fields: Any) -> Spec:
    conv = {"filters": 1, "kernel": 3, "padding": "same"}
    return load(
        {
            "name": "labels",
            "input": "6x6x1",
            "layers": [
                {"save": "image"},
                {"conv": conv},
                {"output": "bright"},
                {"load": "image"},
                {"conv": conv},
                {"output": "left"},
            ],
            "train": {
                "data": data_of(scans, **fields),
                "split": {"validation": 3, "test": 3},
                "loss": {"bright": "binary_cross_entropy", "left": ["dice"]},
                "optimizer": "adam",
                "learning_rate": 0.1,
                "batch_size": 6,
                "epochs": 1,
            },
        }
    )


def test_a_pixel_may_be_of_several_classes(scans: Path) -> None:
    found = load_data(Images(**data_of(scans)), input_shape=(6, 8, 1))
    assert list(found.outputs) == ["bright", "left"]
    both = {name: each.train.targets for name, each in found.outputs.items()}
    np.testing.assert_array_equal(both["bright"] == 1, np.asarray(found.train.inputs)[..., 0] > 127)
    assert {tuple(pair) for pair in zip(both["bright"].flat, both["left"].flat, strict=True)} == {
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
    }
    assert all(each.classes == ("no", "yes") for each in found.outputs.values())


def test_a_run_of_several_classes_a_pixel(scans: Path, tmp_path: Path) -> None:
    spec = spec_of(scans, tiles={"overlap": 0.25})
    train(spec, run_dir=tmp_path / "run", display=Quiet())
    judged = evaluate(tmp_path / "run", Options(), data=Images(images=str(scans)))
    for name in NAMES:  # each pixel of each image once
        assert judged.figures["outputs"][name]["pixels"] == COUNT * 6 * 8
    trained = load_run(tmp_path / "run")
    found = list(predict(trained, [scans / "images" / "03.png"]))
    assert [each.output for each in found if isinstance(each, Prediction)] == list(NAMES)
    for each in found:
        assert isinstance(each, Prediction)
        assert each.map is not None
        assert each.map.shape == (6, 8)
        assert set(np.unique(each.map)) <= {0, 1}


def test_a_folder_that_lacks_a_mask(scans: Path, tmp_path: Path) -> None:
    for name in ("images", *NAMES):
        (tmp_path / name).mkdir()
        Image.new("L", (8, 6)).save(tmp_path / name / "00.png")
    Image.new("L", (8, 6)).save(tmp_path / "images" / "01.png")
    with pytest.raises(DataError) as caught:
        load_data(Images(**data_of(tmp_path)))
    assert str(caught.value).splitlines() == [
        f"{tmp_path / 'images' / '01.png'} has no mask of the same name in {tmp_path / 'bright'}",
        f"  {tmp_path / 'images' / '01.png'} has no mask of the same name in {tmp_path / 'left'}",
    ]
