"""Runs on tiles of pictures and on slices of volumes: measured, and asked about whole files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnkit.data.tiles import Blend, Tiling
from cnnkit.errors import SpecError, UsageError
from cnnkit.network.weights import arrays_of
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Images
from cnnkit.spec.reading import load
from cnnkit.training.options import Options
from cnnkit.training.run import train
from cnnkit.training.use.evaluation import _as_in_the_run, evaluate
from cnnkit.training.use.naming import Prediction
from cnnkit.training.use.prediction import predict
from cnnkit.training.use.trained import load_run
from cnnkit.training.view.display import Quiet
from cnnkit.training.view.maps import MapFiles
from tests.cli.command import Run, runner

EXTENTS = ((20, 13), (8, 8), (11, 17), (5, 10))


@pytest.fixture
def cnnkit(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    return runner(monkeypatch, capfd)


def spec_of(folder: Path, kernel: int = 3, **data: Any) -> Spec:
    files = {"images": str(folder / "images"), "masks": str(folder / "masks"), **data}
    conv = {"filters": 2, "kernel": kernel, "padding": "same" if kernel == 3 else "valid"}
    return load(
        {
            "name": "tiles",
            "input": "8x8x1",
            "layers": [{"conv": conv}],
            "train": {
                "data": files,
                "split": {"validation": 0.25, "test": 0.25},
                "optimizer": "adam",
                "learning_rate": 0.05,
                "batch_size": 8,
                "epochs": 1,
            },
        }
    )


def pictures(folder: Path) -> None:
    random = np.random.default_rng(3)
    for number, extents in enumerate(EXTENTS):
        values = random.integers(0, 256, extents).astype(np.uint8)
        for kind, pixels in (("images", values), ("masks", (values > 127).astype(np.uint8))):
            (folder / kind).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(folder / kind / f"{number}.png")


@pytest.fixture(scope="module")
def tiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiles")
    pictures(folder)
    spec = spec_of(folder, tiles={"overlap": 0.4})
    train(spec, run_dir=folder / "run", display=Quiet())
    return folder


def test_whole_pictures_are_measured(tiled: Path) -> None:
    judged = evaluate(tiled / "run", Options())
    # The confusion matrix has each pixel of an image once, whatever tiles share.
    pixels = {height * width for height, width in EXTENTS}
    assert int(np.sum(judged.figures["confusion"])) in pixels
    other = evaluate(tiled / "run", Options(), data=Images(images=str(tiled)))
    assert int(np.sum(other.figures["confusion"])) == sum(pixels)


def test_a_whole_picture_is_asked_about(tiled: Path) -> None:
    trained = load_run(tiled / "run")
    file = tiled / "images" / "0.png"
    (found,) = predict(trained, [file])
    assert isinstance(found, Prediction)
    assert found.map is not None
    image = np.asarray(Image.open(file))
    tiling = Tiling((20, 13), (8, 8), 0.4)
    blend = Blend(tiling, 2)
    for tile in tiling.cut(image[..., None]):
        blend.add(np.asarray(trained.predict(tile[None]))[0])
    np.testing.assert_array_equal(found.map, blend.whole().argmax(-1))
    assert found.image is not None
    np.testing.assert_allclose(found.image[..., 0], image / 255, rtol=1e-6)
    part = (found.map == 1).mean()
    assert found.values == pytest.approx((1 - part, part))


def test_whole_masks_and_overlays_are_written(tiled: Path, tmp_path: Path, cnnkit: Run) -> None:
    out = tmp_path / "out"
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"no picture")
    args = (str(tiled / "images"), str(damaged), "--maps", str(out), "--overlay")
    done = cnnkit("predict", str(tiled / "run"), *args)
    assert done.code == 1
    assert "damaged.png is no image that can be read" in done.err
    for number, (height, width) in enumerate(EXTENTS):
        for name in (f"{number}.png", f"{number}-overlay.png"):
            with Image.open(out / name) as image:
                assert image.size == (width, height)


def test_no_picture_is_written_over(tiled: Path, tmp_path: Path, cnnkit: Run) -> None:
    for folder, name in (("a", "0.png"), ("b", "0-overlay.png")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes((tiled / "images" / "0.png").read_bytes())
    before = (tmp_path / "a" / "0.png").read_bytes()
    asked = str(tmp_path / "a" / "0.png")
    done = cnnkit("predict", str(tiled / "run"), asked, "--maps", str(tmp_path / "a"))
    assert (done.code, done.err) == (
        2,
        (
            f"cnnkit: {asked} lies in {tmp_path / 'a'}, where maps would be written over such "
            "files: give --maps another folder\n"
        ),
    )
    assert (tmp_path / "a" / "0.png").read_bytes() == before
    out = tmp_path / "out"
    done = cnnkit(
        *("predict", str(tiled / "run"), asked, str(tmp_path / "b")),
        *("--maps", str(out), "--overlay"),
    )
    assert (done.code, done.err) == (0, "")
    # The map of the second is not called as the overlay of the first is.
    assert {path.name for path in out.iterdir()} == {
        *("0.png", "0-overlay.png", "0-overlay-2.png", "0-overlay-2-overlay.png"),
    }


def test_what_is_asked_about_is_not_written_over(tiled: Path, tmp_path: Path, cnnkit: Run) -> None:
    """Also by the map of another file, of the same name."""
    content = (tiled / "images" / "0.png").read_bytes()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "0.png").write_bytes(content)
    first, second = tmp_path / "a", tmp_path / "b"
    run = str(tiled / "run")
    done = cnnkit("predict", run, str(first), str(second / "0.png"), "--maps", str(second))
    assert (done.code, done.err) == (
        2,
        (
            f"cnnkit: {second / '0.png'} lies in {second}, where maps would be written over such "
            "files: give --maps another folder\n"
        ),
    )
    inside = second / "found"
    done = cnnkit("predict", run, str(second), "--maps", str(inside), "--as", "npy")
    assert (done.code, done.err) == (
        2,
        (
            f"cnnkit: {inside} lies in {second}, where files are looked for, so that maps would be "
            "taken for inputs: give --maps another folder\n"
        ),
    )
    names = f"{first / '0.png'}\n{second / '0.png'}\n".encode()
    done = cnnkit("predict", run, "-", "--maps", str(second), stdin=names)
    assert (done.code, done.err) == (
        2,
        (
            f"cnnkit: {second / '0.png'} is there, and standard input may name it yet: give --maps "
            "an empty folder\n"
        ),
    )
    asked = str(second / "0.png")
    done = cnnkit("predict", run, asked, "--output", asked)
    assert (done.code, done.err) == (
        2,
        (
            f"cnnkit: {asked} is read, and --output {asked} would be written over it: give another "
            "file\n"
        ),
    )
    assert [(folder / "0.png").read_bytes() for folder in (first, second)] == [content] * 2
    assert not inside.exists()


def test_arrays_are_not_written_over_by_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "scans-0.npy", np.zeros((2, 2)))
    with pytest.raises(
        UsageError, match=r"scans-0\.npy lies in .*, where maps would be written over"
    ):
        MapFiles(tmp_path, "npy").require_elsewhere(tmp_path / "scans-0.npy")
    MapFiles(tmp_path, "png").require_elsewhere(tmp_path / "scans-0.npy")


def test_tiles_overlap_so_that_smaller_outputs_cover_an_image(tmp_path: Path) -> None:
    """Of convolutions without padding: what is beyond the border is mirrored."""
    pictures(tmp_path)
    spec = spec_of(tmp_path, 5, tiles={"overlap": 0.25})
    train(spec, run_dir=tmp_path / "run", display=Quiet())
    judged = evaluate(tmp_path / "run", Options(), data=Images(images=str(tmp_path)))
    assert int(np.sum(judged.figures["confusion"])) == sum(down * over for down, over in EXTENTS)
    trained = load_run(tmp_path / "run")
    arrays = arrays_of(trained.network)
    (kernel,) = (each for name, each in arrays.items() if name.endswith("kernel"))
    (bias,) = (each for name, each in arrays.items() if name.endswith("bias"))
    files = [tmp_path / "images" / f"{number}.png" for number in range(len(EXTENTS))]
    for file, found in zip(files, predict(trained, files), strict=True):
        assert isinstance(found, Prediction)
        assert found.map is not None
        image = np.asarray(Image.open(file))[..., None] / 255
        statistics = trained.preprocessing.statistics
        seen = np.pad(
            (image - statistics.mean) / statistics.deviation, ((2, 2), (2, 2), (0, 0)), "reflect"
        )
        windows = np.lib.stride_tricks.sliding_window_view(seen[..., 0], (5, 5))
        scores = np.einsum("hwij,ijc->hwc", windows, kernel[:, :, 0]) + bias
        sure = abs(scores[..., 0] - scores[..., 1]) > 1e-4
        assert sure.mean() > 0.9
        np.testing.assert_array_equal(found.map[sure], scores.argmax(-1)[sure])


def test_cells_that_lie_apart_are_not_put_together(tmp_path: Path) -> None:
    pictures(tmp_path)
    spec = spec_of(tmp_path, 5, tiles={})
    apart = {**spec.to_dict(), "layers": [{"conv": {"filters": 2, "kernel": 2, "stride": 2}}]}
    with pytest.raises(SpecError) as caught:
        train(load(apart), run_dir=tmp_path / "run", display=Quiet())
    (fault,) = (each for each in caught.value.findings if each.level == "error")
    assert fault.message == (
        "`tiles` are put together cell by cell, and the network gives 4x4 of a tile of 8x8, each "
        "cell 2 from the next"
    )


def test_a_volume_is_answered_where_it_lies(tmp_path: Path, cnnkit: Run) -> None:
    nibabel: Any = pytest.importorskip("nibabel")
    random = np.random.default_rng(5)
    affine = np.array([[0, -2, 0, 5], [1, 0, 0, -3], [0, 0, -3, 7], [0, 0, 0, 1]], float)
    for number in range(4):
        values = random.integers(0, 1000, (8, 8, 3)).astype(np.int16)
        for kind, voxels in (("images", values), ("masks", (values > 500).astype(np.uint8))):
            (tmp_path / kind).mkdir(exist_ok=True)
            name = tmp_path / kind / f"{number}.nii.gz"
            nibabel.Nifti1Image(voxels, affine).to_filename(name)
    train(spec_of(tmp_path), run_dir=tmp_path / "run", display=Quiet())
    large = random.integers(0, 1000, (11, 9, 2)).astype(np.int16)
    asked = tmp_path / "large.nii"
    nibabel.Nifti1Image(large, affine).to_filename(asked)
    done = cnnkit("predict", str(tmp_path / "run"), str(asked), "--maps", str(tmp_path / "out"))
    assert (done.code, done.err) == (0, "")
    found = nibabel.load(tmp_path / "out" / "large.nii.gz")
    np.testing.assert_array_equal(found.affine, affine)
    assert found.get_data_dtype() == np.int16
    assert found.header.get_xyzt_units() == nibabel.load(asked).header.get_xyzt_units()
    trained = load_run(tmp_path / "run")
    # By hand: turned to RAS+, the second axis backwards and first, the third backwards.
    turned = large.transpose(1, 0, 2)[::-1, :, ::-1].astype(np.float32)
    for number in range(2):
        tiling = Tiling((9, 11), (8, 8), 0.25)
        blend = Blend(tiling, 2)
        for tile in tiling.cut(turned[..., number, None]):
            blend.add(np.asarray(trained.predict(tile[None]))[0])
        expected = blend.whole().argmax(-1)[::-1].T
        np.testing.assert_array_equal(found.get_fdata()[..., 1 - number], expected)
    with pytest.raises(UsageError, match="--overlay lays the classes of pixels over images of two"):
        MapFiles(tmp_path, "png", overlay=True).require((8, 8, 3, 2), of_classes=True)


def test_folders_of_other_data_are_called_as_those_of_the_run() -> None:
    of_run = Images(images="x/noisy", targets="y/clean")
    found = _as_in_the_run(Images(images="other"), of_run)
    assert found == Images(images="other/noisy", targets="other/clean")
