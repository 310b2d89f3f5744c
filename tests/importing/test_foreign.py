"""Weights of other frameworks for specs of ours."""

from __future__ import annotations

import io
import json
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit import SpecError, load
from cnnkit.errors import UsageError
from cnnkit.importing.foreign import assign, read_arrays
from tests.cli.command import Run

SPEC = """\
input: 6x6x3
layers:
  - {name: stem, conv: {filters: 4, kernel: 3, padding: 1, bias: false}}
  - batch_norm
  - residual:
      layers:
        - conv: {filters: 4, kernel: 1}
      shortcut:
        - conv: {filters: 4, kernel: 1}
  - depthwise_conv: {kernel: 3}
  - transposed_conv: {filters: 2, kernel: 2}
  - flatten
  - {name: head, dense: {units: 5}}
"""


def numbered(*shape: int) -> Any:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape) + len(shape)


def state() -> dict[str, Any]:
    """The arrays of the spec as PyTorch has them, in the order in which torchvision would."""
    return {
        "stem.weight": numbered(4, 3, 3, 3),
        "bn.weight": numbered(4),
        "bn.bias": numbered(4) + 10,
        "bn.running_mean": numbered(4) + 20,
        "bn.running_var": numbered(4) + 30,
        "bn.num_batches_tracked": np.asarray(7),
        "block.downsample.weight": numbered(4, 4, 1, 1) + 100,
        "block.downsample.bias": numbered(4) + 100,
        "block.conv.weight": numbered(4, 4, 1, 1),
        "block.conv.bias": numbered(4),
        "depth.weight": numbered(4, 1, 3, 3),
        "depth.bias": numbered(4),
        "up.weight": numbered(4, 2, 2, 2),
        "up.bias": numbered(2),
        "head.weight": numbered(5, 2 * 5 * 5),
        "head.bias": numbered(5),
    }


def test_layouts_of_pytorch_are_transposed() -> None:
    given = state()
    arrays = assign(load(SPEC), given).arrays
    # [filters, channels, rows, columns] as [rows, columns, channels, filters].
    kernel = arrays["layers.stem.kernel"]
    assert kernel[1, 2, 0, 3] == given["stem.weight"][3, 0, 1, 2]
    assert arrays["layers.1.variance"].tolist() == [31, 32, 33, 34]
    assert arrays["layers.3.kernel"][1, 2, 0, 3] == given["depth.weight"][3, 0, 1, 2]
    # [channels, filters, rows, columns] as [rows, columns, filters, channels].
    up = arrays["layers.4.kernel"]
    assert up.shape == (2, 2, 4, 2)
    assert up[1, 0, 3, 1] == given["up.weight"][3, 1, 1, 0]
    # PyTorch's column of channel 1, row 2, column 3 of a 2x5x5 map is our row of 2, 3, 1.
    head = arrays["layers.head.kernel"]
    assert head[(2 * 5 + 3) * 2 + 1, 4] == given["head.weight"][4, 1 * 25 + 2 * 5 + 3]


def test_a_shortcut_is_told_by_its_name_wherever_it_stands() -> None:
    rows = {path: name for path, name, _ in assign(load(SPEC), state()).rows}
    assert rows["layers.2.shortcut.0.kernel"] == "block.downsample.weight"
    assert rows["layers.2.layers.0.kernel"] == "block.conv.weight"


TOKENS = """\
input: 2x2x3
layers:
  - conv: {filters: 4, kernel: 1, bias: false}
  - flatten: {keep_channels: true}
  - class_token
  - position_embedding
  - attention: {heads: 2}
"""


def test_attention_of_pytorch_has_three_projections_in_one() -> None:
    given = {
        "class_token": numbered(1, 1, 4),
        "conv_proj.weight": numbered(4, 3, 1, 1),
        "encoder.pos_embedding": numbered(1, 5, 4),
        "attention.in_proj_weight": numbered(12, 4),
        "attention.in_proj_bias": numbered(12),
        "attention.out_proj.weight": numbered(4, 4),
        "attention.out_proj.bias": numbered(4),
    }
    assigned = assign(load(TOKENS), given)
    arrays = assigned.arrays
    assert (arrays["layers.2.token"] == given["class_token"].reshape(4)).all()
    assert (arrays["layers.3.embedding"] == given["encoder.pos_embedding"][0]).all()
    for place, part in enumerate(("query", "key", "value")):
        rows = slice(4 * place, 4 * place + 4)
        assert (
            arrays[f"layers.4.{part}.kernel"][0] == given["attention.in_proj_weight"][rows].T
        ).all()
        assert (arrays[f"layers.4.{part}.bias"] == given["attention.in_proj_bias"][rows]).all()
    assert (arrays["layers.4.output.kernel"][0] == numbered(4, 4).T).all()
    assert ("layers.4.key.kernel", "attention.in_proj_weight, key", (4, 4)) in assigned.rows


WINDOWS = "input: 4x4x4\nlayers: [attention: {heads: 4, window: 2, relative_bias: true}]"


@pytest.mark.parametrize(
    ("name", "output", "factor"),
    [("attn.qkv", "attn.proj", 1), ("attn_layer.to_qkv", "attn_layer.merge", 0.5)],
)
def test_attention_in_windows_of_swin_and_maxvit(name: str, output: str, factor: float) -> None:
    """MaxViT of torchvision divides by the root of its 4 channels, not of the one of a head."""
    layer = name.rpartition(".")[0]
    given = {
        f"{layer}.relative_position_bias_table": numbered(9, 4),
        f"{layer}.relative_position_index": np.arange(16),
        f"{name}.weight": numbered(12, 4),
        f"{name}.bias": numbered(12),
        f"{output}.weight": numbered(4, 4),
        f"{output}.bias": numbered(4),
    }
    arrays = assign(load(WINDOWS), given).arrays
    assert (arrays["layers.0.attend.relative_bias"] == numbered(9, 4).reshape(3, 3, 4)).all()
    assert (arrays["layers.0.query.bias"] == numbered(12)[:4]).all()
    assert (arrays["layers.0.key.bias"] == factor * numbered(12)[4:8]).all()
    assert (arrays["layers.0.key.kernel"][0, 0] == factor * numbered(12, 4)[4:8].T).all()
    assert (arrays["layers.0.value.kernel"][0, 0] == numbered(12, 4)[8:].T).all()


def test_merged_patches_of_swin_are_brought_into_our_order() -> None:
    """[top left, bottom left, top right, bottom right] of 2 channels, ours goes along rows."""
    spec = (
        "input: 4x4x2\nlayers: [space_to_depth: {block: 2}, layer_norm, "
        "conv: {filters: 3, kernel: 1, bias: false}]"
    )
    given = {
        "merge.reduction.weight": numbered(3, 8),
        "merge.norm.weight": numbered(8),
        "merge.norm.bias": numbered(8) + 10,
    }
    arrays = assign(load(spec), given).arrays
    assert arrays["layers.1.scale"].tolist() == [1, 2, 5, 6, 3, 4, 7, 8]
    assert arrays["layers.1.shift"].tolist() == [11, 12, 15, 16, 13, 14, 17, 18]
    assert arrays["layers.2.kernel"][0, 0, :, 1].tolist() == [10, 11, 14, 15, 12, 13, 16, 17]


def test_the_only_layer_that_fits_is_taken_where_the_next_does_not() -> None:
    """LR-ASPP's classifier of the high maps is last in torchvision's file, ours is run first."""
    spec = "input: 2x2x3\nlayers: [conv: {filters: 5, kernel: 1}, conv: {filters: 2, kernel: 1}]"
    given = {
        "low.weight": numbered(2, 5, 1, 1),
        "low.bias": numbered(2),
        "high.weight": numbered(5, 3, 1, 1),
        "high.bias": numbered(5),
    }
    rows = {path: name for path, name, _ in assign(load(spec), given).rows}
    assert (rows["layers.0.kernel"], rows["layers.1.kernel"]) == ("high.weight", "low.weight")
    alike = "input: 2x2x3\nlayers: [%s, %s]" % (("conv: {filters: 3, kernel: 1}",) * 2)
    given = {"odd.weight": numbered(2, 3, 1, 1), "odd.bias": numbered(2)}
    given |= {"even.weight": numbered(3, 3, 1, 1), "even.bias": numbered(3)}
    assert said(given, alike).startswith(
        "`odd` of the file, the next of its kernel layers, does not"
    )


def renamed(given: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    return {name.replace(old, new): array for name, array in given.items()}


def said(given: dict[str, Any], spec: str = SPEC) -> str:
    with pytest.raises(SpecError) as caught:
        assign(load(spec), given)
    (finding,) = caught.value.findings
    return finding.message


def test_what_is_ambiguous_is_refused_but_on_demand() -> None:
    given = renamed(state(), "downsample", "other")
    assert said(given) == (
        "layers of equal shapes in branches side by side leave a choice: "
        "`layers.2.layers.0` and `layers.2.shortcut.0`"
    )
    rows = {path: name for path, name, _ in assign(load(SPEC), given, by_order=True).rows}
    assert rows["layers.2.layers.0.kernel"] == "block.other.weight"


def test_what_does_not_fit_is_named() -> None:
    given = state()
    given["stem.weight"] = numbered(4, 3, 5, 5)
    assert said(given) == (
        "`stem` of the file, the next of its kernel layers, does not fit `layers.stem`: "
        "it has weight 4x3x5x5; the layer kernel 3x3x3x4"
    )
    given = state()
    del given["head.weight"], given["head.bias"]
    assert said(given).startswith("the spec has 7 layers with weights, the file 6")
    assert said({}).startswith("the spec has 7 layers with weights, the file 0")


def test_arrays_of_keras_are_taken_as_they_are() -> None:
    """Two filters a channel: [rows, columns, channels, filters a channel] as ours, flattened."""
    spec = "input: 4x4x3\nlayers: [{depthwise_conv: {kernel: 2, multiplier: 2}}, batch_norm]"
    given = {
        "layers/batch_normalization/vars/0": numbered(6),
        "layers/batch_normalization/vars/1": numbered(6) + 1,
        "layers/batch_normalization/vars/2": numbered(6) + 2,
        "layers/batch_normalization/vars/3": numbered(6) + 3,
        "layers/depthwise_conv2d/vars/0": numbered(2, 2, 3, 2),
        "layers/depthwise_conv2d/vars/1": numbered(6),
    }
    arrays = assign(load(spec), given).arrays
    assert (arrays["layers.0.kernel"] == numbered(2, 2, 3, 2).reshape(2, 2, 1, 6)).all()
    assert arrays["layers.1.variance"].tolist() == [4, 5, 6, 7, 8, 9]


def test_layers_of_keras_are_known_by_their_own_names(tmp_path: Path) -> None:
    """Its file has them class by class; the names of the layers say which is in the shortcut."""
    h5py = pytest.importorskip("h5py")
    text = """
input: 4x4x3
layers:
  - residual:
      layers:
        - depthwise_conv: {kernel: 3, padding: same, bias: false}
        - depthwise_conv: {kernel: 3, padding: same, bias: false}
        - conv: {filters: 3, kernel: 1, bias: false}
      shortcut: [{conv: {filters: 3, kernel: 1, bias: false}}]
"""
    with h5py.File(tmp_path / "a.weights.h5", "w") as file:
        for number, (layer, own, shape) in enumerate(
            [
                ("conv2d", "block1_0_conv", (1, 1, 3, 3)),
                ("conv2d_1", "block1_3_conv", (1, 1, 3, 3)),
                ("depthwise_conv2d", "block1_1_dw", (3, 3, 3, 1)),
                ("depthwise_conv2d_1", "block1_2_dw", (3, 3, 3, 1)),
            ]
        ):
            file[f"layers/{layer}/vars/0"] = numbered(*shape) + 1000 * number
            file[f"layers/{layer}/vars"].attrs["name"] = own
    rows = assign(load(text), read_arrays(tmp_path / "a.weights.h5")).rows
    assert [(path, name) for path, name, _ in rows] == [
        ("layers.0.layers.0.kernel", "layers/block1_1_dw/vars/0"),
        ("layers.0.layers.1.kernel", "layers/block1_2_dw/vars/0"),
        ("layers.0.layers.2.kernel", "layers/block1_3_conv/vars/0"),
        ("layers.0.shortcut.0.kernel", "layers/block1_0_conv/vars/0"),
    ]


def test_numpy_safetensors_and_hdf5_hold_the_same(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    h5py = pytest.importorskip("h5py")
    given = {"a.weight": numbered(2, 3), "a.bias": numbered(2), "count": np.asarray(3)}
    np.savez(tmp_path / "a.npz", **given)
    safetensors.save_file(given, tmp_path / "a.safetensors")
    with h5py.File(tmp_path / "a.weights.h5", "w") as file:
        for number in (2, 10, 1):
            file[f"layers/dense_{number}/vars/0"] = numbered(2, 3) + number
    for name in ("a.npz", "a.safetensors"):
        found = read_arrays(tmp_path / name)
        assert sorted(found) == ["a.bias", "a.weight"]
        assert (found["a.weight"] == given["a.weight"]).all()
    assert list(read_arrays(tmp_path / "a.weights.h5")) == [
        f"layers/dense_{number}/vars/0" for number in (1, 2, 10)
    ]


def test_files_that_are_damaged_hostile_or_none(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    for name in ("a.npz", "a.safetensors"):
        (tmp_path / name).write_bytes(b"no weights at all")
        with pytest.raises(SpecError, match=rf"{name} cannot be read: "):
            read_arrays(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", b"\0" * 2**24)
    with pytest.raises(SpecError, match=r"`a\.npy` says that it unpacks from "):
        read_arrays(tmp_path / "bomb.npz")
    np.savez(tmp_path / "code.npz", a=np.asarray([object()], object))
    with pytest.raises(SpecError, match="allow_pickle=False"):
        read_arrays(tmp_path / "code.npz")
    with pytest.raises(UsageError, match=r"a\.txt is no file of weights: they end in "):
        read_arrays(tmp_path / "a.txt")
    with pytest.raises(UsageError, match=r"cannot read .*none\.npz: No such file"):
        read_arrays(tmp_path / "none.npz")


class Hostile:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("touched"),))


def test_a_pickle_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    monkeypatch.chdir(tmp_path)
    stream = io.BytesIO()
    torch.save({"a": Hostile()}, stream)
    (tmp_path / "a.pth").write_bytes(stream.getvalue())
    with pytest.raises(SpecError, match=r"a\.pth cannot be read: "):
        read_arrays(tmp_path / "a.pth")
    assert not (tmp_path / "touched").exists()
    torch.save({"state_dict": OrderedDict(b=torch.zeros(2), a=torch.ones(3))}, tmp_path / "b.pth")
    assert list(read_arrays(tmp_path / "b.pth")) == ["b", "a"]


def test_the_command_shows_what_belongs_to_what_and_writes_it(run: Run, tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors")
    spec = tmp_path / "a.yaml"
    spec.write_text("input: 2x2x3\nlayers: [flatten, {name: head, dense: {units: 2}}]\n")
    np.savez(tmp_path / "a.npz", **{"fc.weight": numbered(2, 12), "fc.bias": numbered(2)})
    out = tmp_path / "a.safetensors"
    done = run("import-weights", str(spec), str(tmp_path / "a.npz"), "--output", str(out))
    assert done == (
        0,
        (
            "spec                file       shape in the file\n"
            "layers.head.kernel  fc.weight  2x12\n"
            "layers.head.bias    fc.bias    2\n"
        ),
        "",
    )
    with safetensors.safe_open(out, "numpy") as file:
        assert "name: head" in file.metadata()["cnnkit.spec"]
        # Our element 1, of channel 1 in the first cell, is PyTorch's element 4.
        assert file.get_tensor("layers.head.kernel")[1].tolist() == [2 + 4, 2 + 16]
    done = run("import-weights", str(spec), str(tmp_path / "none.npz"))
    assert done.code == 2


@pytest.mark.parametrize("way", ["parametrizations", "weight_norm"])
def test_weight_norm_of_pytorch(way: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    nn = torch.nn
    norm = nn.utils.parametrizations.weight_norm if way == "parametrizations" else _weight_norm(nn)
    module = nn.Sequential(norm(nn.Conv2d(3, 4, 3)), nn.Flatten(), norm(nn.Linear(16, 2)))
    with torch.no_grad():
        for tensor in module.parameters():
            tensor.mul_(2).add_(0.1)
        module(torch.zeros(1, 3, 4, 4))  # the older way computes the weight as it is called
    given = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
    text = "input: 4x4x3\nlayers: [conv: {filters: 4, kernel: 3%s}, flatten, dense: {units: 2%s}]"
    plain = assign(load(text % ("", "")), given).arrays
    kernel = module[0].weight.detach().numpy().transpose(2, 3, 1, 0)
    assert np.abs(plain["layers.0.kernel"] - kernel).max() < 1e-6
    normed = assign(load(text % ((", weight_norm: weight_norm",) * 2)), given).arrays
    gain = "0.parametrizations.weight.original0" if way == "parametrizations" else "0.weight_g"
    assert (normed["layers.0.gain"] == given[gain].reshape(4)).all()
    direction = given[gain[:-1] + ("1" if way == "parametrizations" else "v")]
    assert (normed["layers.0.kernel"] == direction.transpose(2, 3, 1, 0)).all()


def test_spectral_norm_of_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    nn = torch.nn
    norm = nn.utils.parametrizations.spectral_norm
    layers = norm(nn.Conv2d(3, 4, 3)), norm(nn.ConvTranspose2d(4, 2, (2, 1)))
    module = nn.Sequential(*layers).eval()
    given = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
    text = (
        "input: 5x5x3\nlayers: [conv: {filters: 4, kernel: 3%s}, "
        "transposed_conv: {filters: 2, kernel: [2, 1]%s}]"
    )
    plain = assign(load(text % ("", "")), given).arrays
    for layer, order in ((0, (2, 3, 1, 0)), (1, (2, 3, 0, 1))):
        kernel = module[layer].weight.detach().numpy().transpose(order)
        assert np.abs(plain[f"layers.{layer}.kernel"] - kernel).max() < 1e-6
    normed = assign(load(text % ((", weight_norm: spectral_norm",) * 2)), given).arrays
    for layer, order in ((0, (2, 3, 1, 0)), (1, (2, 3, 0, 1))):
        start = f"{layer}.parametrizations.weight."
        kernel = given[start + "original"].transpose(order)
        assert (normed[f"layers.{layer}.kernel"] == kernel).all()
        assert (normed[f"layers.{layer}.u"] == given[start + "0._u"]).all()
        # The kernel that each works with is the same, which holds of no other order of v.
        u, v = (normed[f"layers.{layer}.{name}"] for name in "uv")
        value = np.float64(v).ravel() @ kernel.reshape(-1, kernel.shape[-1]) @ np.float64(u)
        assert np.abs(kernel / value - plain[f"layers.{layer}.kernel"]).max() < 1e-6


def _weight_norm(nn: Any) -> Any:
    def normed(module: Any) -> Any:
        with pytest.warns(FutureWarning):
            return nn.utils.weight_norm(module)

    return normed


def test_classes_and_preprocessing_go_into_the_file(run: Run, tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors")
    spec, names, out = (tmp_path / name for name in ("a.yaml", "names.txt", "a.safetensors"))
    spec.write_text("input: 2x2x3\nlayers: [flatten, {name: head, dense: {units: 2}}]\n")
    np.savez(tmp_path / "a.npz", **{"fc.weight": numbered(2, 12), "fc.bias": numbered(2)})
    names.write_text("cat\ndog\n\n")
    command = ["import-weights", str(spec), str(tmp_path / "a.npz")]
    options = ["--output", str(out), "--classes", str(names), "--preprocessing", "torchvision"]
    assert run(*command, *options).code == 0
    with safetensors.safe_open(out, "numpy") as file:
        said = {key: json.loads(file.metadata()[f"cnnkit.{key}"]) for key in KEYS}
    assert said["classes"] == ["cat", "dog"]
    # As torchvision's `transforms.Normalize` for ImageNet has it, behind `ToTensor`.
    assert said["preprocessing"]["mean"] == [0.485, 0.456, 0.406]
    assert said["preprocessing"]["deviation"] == [0.229, 0.224, 0.225]
    assert said["preprocessing"]["value_range"] == [0, 255]
    assert said["preprocessing"]["shape"] == [2, 2, 3]


KEYS = ("classes", "preprocessing")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            "--classes names.txt",
            "--classes and --preprocessing go into the file of --output: name one",
        ),
        (
            "--classes names.txt -o a.safetensors",
            "names.txt has 3 names, one a line, and the network tells 2 apart",
        ),
        ("--classes none.txt -o a.safetensors", "cannot read none.txt: No such file or directory"),
        ("--classes twice.txt -o a.safetensors", "twice.txt has the name `cat` twice"),
        (
            "--preprocessing torchvison -o a.safetensors",
            (
                "--preprocessing torchvison is none of torchvision, timm, timm-inception, "
                "keras-torch, keras-tf, did you mean torchvision?"
            ),
        ),
        (
            "--preprocessing timm -o a.safetensors",
            "--preprocessing timm is for images in three colours, and the input is 2x2x1",
        ),
    ],
)
def test_what_cannot_go_into_the_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("input: 2x2x1\nlayers: [flatten, dense: {units: 2}]\n")
    Path("names.txt").write_text("cat\ndog\nhen\n")
    Path("twice.txt").write_text("cat\ncat\n")
    done = run("import-weights", "a.yaml", "a.npz", *options.split())
    assert (done.code, done.out, done.err.strip()) == (2, "", f"cnnkit: {message}")


def test_arrays_that_are_small_in_the_file_and_large_in_memory(tmp_path: Path) -> None:
    """A number that is stretched, and an array of HDF5 of which nothing was written."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.save({"a": torch.zeros(1).expand(2**28)}, tmp_path / "a.pth")
    with pytest.raises(SpecError, match=r"says that it unpacks from [\d,]+ bytes to 1,073,741,824"):
        read_arrays(tmp_path / "a.pth")
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("a", (2**20,), "f4")
    with pytest.raises(SpecError, match="`a` says that it unpacks from 0 bytes to 4,194,304"):
        read_arrays(tmp_path / "a.h5")
