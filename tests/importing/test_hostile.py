"""Files that are damaged, lie or ask for what is not theirs: one finding each, nothing is run."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnkit.errors import CnnkitError, SpecError, UsageError
from cnnkit.importing import import_model
from tests.importing.models import model, node, onnx, random

CONV = node("Conv", "x w", "y", name="c")
W = {"w": random(4, 3, 3, 3)}
SHAPE = (1, 3, 8, 8)


def said(path: Path) -> list[tuple[str, str | None]]:
    """The findings of a file: their messages and their advice."""
    with pytest.raises(SpecError) as caught:
        import_model(path)
    assert {finding.rule for finding in caught.value.findings} == {"not-importable"}
    return [(finding.message, finding.help) for finding in caught.value.findings]


def small(folder: Path, *nodes: Any, arrays: Any = W, **options: Any) -> Path:
    return model(folder / "m.onnx", nodes or [CONV], arrays, **{"shape": SHAPE, **options})


def external(folder: Path, location: str, **entries: str) -> Path:
    """A model whose kernel lies in another file."""
    path = small(folder)
    made = onnx.load(path)
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    path.write_bytes(made.SerializeToString())
    return path


def resized(folder: Path, dims: list[int]) -> Path:
    """A model whose kernel says that it has another shape."""
    path = small(folder)
    made = onnx.load(path)
    made.graph.initializer[0].dims[:] = dims
    path.write_bytes(made.SerializeToString())
    return path


AGAIN = "export the model again"


@pytest.mark.parametrize("data", [b"\x0a", b"hello world" * 9])
def test_a_file_that_is_no_model(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(data)
    assert said(path) == [("the file is no ONNX model, or it is cut off", AGAIN)]


def test_a_file_that_is_cut_off_or_empty(tmp_path: Path) -> None:
    path = small(tmp_path)
    path.write_bytes(path.read_bytes()[:60])
    assert said(path) == [("the file is no ONNX model, or it is cut off", AGAIN)]
    path.write_bytes(b"")
    message = "the file has no graph, or one without nodes: it is no ONNX model, or it is cut off"
    assert said(path) == [(message, AGAIN)]


def test_a_file_that_is_not_there_or_of_another_format(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*m\.onnx: No such file or directory"):
        import_model(tmp_path / "m.onnx")
    with pytest.raises(UsageError, match=r"m\.pth is of no format that can be imported"):
        import_model(tmp_path / "m.pth")


@pytest.mark.parametrize("location", ["../outside.bin", "/etc/hostname", "a/../../outside.bin"])
def test_values_outside_the_folder_are_not_read(location: str, tmp_path: Path) -> None:
    (tmp_path / "outside.bin").write_bytes(bytes(432))
    folder = tmp_path / "inside"
    folder.mkdir()
    ((message, advice),) = said(external(folder, location))
    assert message == f"tensor `w` has its values in `{location}`, outside the model's folder"
    assert advice == "a model reads files of its own folder and below alone: put the file there"


def test_a_link_does_not_lead_outside(tmp_path: Path) -> None:
    (tmp_path / "outside.bin").write_bytes(bytes(432))
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "link.bin").symlink_to("../outside.bin")
    ((message, _),) = said(external(folder, "link.bin"))
    assert message == "tensor `w` has its values in `link.bin`, outside the model's folder"


def test_values_beside_the_model_are_read_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(8) + W["w"].tobytes())
    imported = import_model(external(tmp_path, "w.bin", offset="8", length="432"))
    expected = np.moveaxis(W["w"], (1, 0), (-2, -1))
    assert np.array_equal(imported.arrays["layers.0.kernel"], expected)
    ((message, _),) = said(external(tmp_path, "w.bin", offset="9", length="432"))
    assert message == "tensor `w` has its values at 9 to 441 of `w.bin`, which has 440 bytes"
    ((message, _),) = said(external(tmp_path, "missing.bin"))
    assert message == "tensor `w` has its values in `missing.bin`, which is no file"


def test_sizes_that_are_not_there(tmp_path: Path) -> None:
    ((message, _),) = said(resized(tmp_path, [5, 3, 3, 3]))
    assert message == "tensor `w` says that it has 135 elements, it holds 108"
    ((message, _),) = said(resized(tmp_path, [2**20, 2**20, 3, 3]))
    assert message == (
        "tensor `w` says that it has the shape [1048576, 1048576, 3, 3]: more than 536,870,912 "
        "elements, or none that can be"
    )


def test_a_constant_that_would_fill_the_memory(tmp_path: Path) -> None:
    nodes = [node("ConstantOfShape", "s", "c", name="bomb"), node("Add", "x c", "y")]
    ((message, _),) = said(small(tmp_path, *nodes, arrays={"s": np.asarray([2**30] * 3)}))
    assert message == (
        "node `bomb`: ConstantOfShape cannot be said: node `bomb` says that it has the shape "
        "[1073741824, 1073741824, 1073741824]: more than 536,870,912 elements, or none that can be"
    )


@pytest.mark.parametrize("operator", ["Concat", "Add", "Gather", "Tile", "Expand"])
def test_constants_that_grow_are_not_computed(operator: str, tmp_path: Path) -> None:
    """40 doublings, an outer sum, and the like: of a file of some hundred bytes terabytes."""
    wide, tall = np.zeros((2**15, 1), np.float32), np.zeros((1, 2**15), np.float32)
    arrays: dict[str, Any] = {"c0": np.zeros(2**12, np.float32), "wide": wide, "tall": tall}
    arrays |= {"many": np.asarray([2**20, 2**20]), "places": np.zeros(2**15, np.int64)}
    arrays["shape"] = np.asarray([2**15, 2**20])
    nodes = {
        "Concat": [node("Concat", f"c{at} c{at}", f"c{at + 1}", axis=0) for at in range(40)],
        "Add": [node("Add", "wide tall", "c")],
        "Gather": [node("Gather", "tall places", "c", axis=0)],
        "Tile": [node("Tile", "wide many", "c")],
        "Expand": [node("Expand", "wide shape", "c")],
    }[operator]
    last = node("Add", f"x {nodes[-1].output[0]}", "y")
    ((message, _),) = said(small(tmp_path, *nodes, last, arrays=arrays))
    assert f": {operator} cannot be said: node `" in message
    assert "more than 536,870,912 elements, or none that can be" in message


def test_graphs_within_graphs_are_not_followed(tmp_path: Path) -> None:
    """A thousand levels of nodes whose attribute is a graph, in some kilobytes."""
    data = b""
    for _ in range(1000):
        for field in (6, 5, 1):  # a graph in an attribute, in a node, in a graph
            data = bytes([field << 3 | 2]) + _varint(len(data)) + data
    path = tmp_path / "m.onnx"
    path.write_bytes(small(tmp_path).read_bytes() + b"\x3a" + _varint(len(data)) + data)
    assert said(path) == [("the file is no ONNX model, or it is cut off", AGAIN)]


def _varint(number: int) -> bytes:
    return bytes([number % 128 + 128]) + _varint(number // 128) if number > 127 else bytes([number])


def test_a_graph_of_more_nodes_than_any_network(tmp_path: Path) -> None:
    """Two bytes each in the file."""
    path = small(tmp_path)
    nodes = b"\x0a\x00" * 50_000
    path.write_bytes(path.read_bytes() + b"\x3a" + _varint(len(nodes)) + nodes)
    assert said(path) == [("the graph has 50,001 nodes, the most is 50,000", None)]


def test_sparse_tensors(tmp_path: Path) -> None:
    path = small(tmp_path)
    made = onnx.load(path)
    made.graph.sparse_initializer.add().dims.append(2**40)
    path.write_bytes(made.SerializeToString())
    assert said(path) == [("it holds sparse tensors", None)]


def test_several_graphs(tmp_path: Path) -> None:
    path = small(tmp_path)
    made = onnx.load(path)
    made.training_info.add().algorithm.CopyFrom(made.graph)
    path.write_bytes(made.SerializeToString())
    message = "the file has 2 graphs, of which one is the network's: the others train it"
    assert said(path) == [(message, "export the model for inference")]


def test_a_function_of_the_file_s_own_is_not_run(tmp_path: Path) -> None:
    path = small(tmp_path, node("Twice", "x", "y", name="t", domain="own"), domains=["own"])
    made = onnx.load(path)
    body = [node("Add", "a a", "b")]
    opsets = [onnx.helper.make_opsetid("", 17)]
    made.functions.append(onnx.helper.make_function("own", "Twice", ["a"], ["b"], body, opsets))
    path.write_bytes(made.SerializeToString())
    ((message, _),) = said(path)
    assert message == (
        "node `t`: Twice cannot be said: it is of the domain `own`, which is not ONNX's own"
    )


def test_a_circle(tmp_path: Path) -> None:
    nodes = [
        node("Add", "x b", "a", name="first"),
        node("Relu", "a", "b"),
        node("Relu", "b", "y"),
    ]
    ((message, _),) = said(small(tmp_path, *nodes))
    assert message == "node `first` reads `b`, which depends on it in turn"
    ((message, _),) = said(small(tmp_path, node("Relu", "q", "y", name="only")))
    assert message == "node `only` reads `q`, which nothing makes"


def test_all_that_cannot_be_said_is_said_in_one_run(tmp_path: Path) -> None:
    nodes = [
        node("Evil", "x", "a", name="other", domain="com.evil"),
        node("Loop", "- - x", "b", name="turns"),
        node("If", "x", "c", name="choice"),
        node("Scan", "x", "s", name="steps"),
        node("RNN", "x w", "d", name="cell"),
        node("Convv", "x w", "e", name="typo"),
        node("Sum", "a b c d e", "y", name="not told: what it reads is"),
    ]
    assert said(small(tmp_path, *nodes, domains=["com.evil"])) == [
        (
            (
                "node `other`: Evil cannot be said: it is of the domain `com.evil`, which is not "
                "ONNX's own"
            ),
            "export the model with ONNX's own operators",
        ),
        (
            "node `turns`: Loop cannot be said: `import` does not read it",
            "export the model with its loop unrolled",
        ),
        (
            "node `choice`: If cannot be said: `import` does not read it",
            "export the branch that is taken",
        ),
        (
            "node `steps`: Scan cannot be said: `import` does not read it",
            "export the model with its loop unrolled",
        ),
        (
            "node `cell`: RNN cannot be said: `import` does not read it",
            "near are lstm and gru",
        ),
        ("node `typo`: Convv cannot be said: `import` does not read it", "near is Conv"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        node("Conv", "x w", "y", name="c", strides=[0, 0]),
        node("Conv", "x w", "y", name="c", strides="abc"),
        node("Conv", "", "y", name="c"),
        node("MaxPool", "x", "y", name="c", kernel_shape=[0, 2]),
    ],
    ids=["stride 0", "a text", "no inputs", "window of 0"],
)
def test_a_node_that_onnx_forbids(wrong: Any, tmp_path: Path) -> None:
    ((message, advice),) = said(small(tmp_path, wrong))
    assert message == (
        f"node `c`: {wrong.op_type} cannot be said: its inputs or attributes are not those of the "
        "operator"
    )
    assert advice == "`onnx.checker.check_model` says what is wrong"


def test_an_input_that_is_cast(tmp_path: Path) -> None:
    nodes = [node("Cast", "x", "c", name="cast", to=6), node("Relu", "c", "y")]
    assert said(small(tmp_path, *nodes)) == [
        (
            "node `cast`: Cast cannot be said: it computes with what depends on the input",
            "import a model that takes floats, such as `cnnkit export RUN --raw` writes",
        )
    ]


def test_an_input_of_the_batch_alone(tmp_path: Path) -> None:
    path = small(tmp_path)
    made = onnx.load(path)
    del made.graph.input[0].type.tensor_type.shape.dim[1:]
    path.write_bytes(made.SerializeToString())
    assert said(path) == [("the input `x` has one axis, that of the batch", None)]


def test_an_opset_before_the_seventh(tmp_path: Path) -> None:
    ((message, advice),) = said(small(tmp_path, opset=6))
    assert message == "the model is of opset 6, before 7: its operators meant other things"
    assert advice == "`onnx.version_converter.convert_version(model, 7)` brings it up"


def test_open_extents_are_asked_for(tmp_path: Path) -> None:
    path = small(tmp_path, shape=("N", 3, "H", "W"))
    assert said(path) == [
        (
            "the input `x` has open extents: ?x?x3, channels last",
            (
                "give the shape of one example with --input, channels last: --input 224x224x3; "
                "where a model takes the place of a spec: --set input=224x224x3"
            ),
        )
    ]
    assert import_model(path, (9, 7, 3)).spec.input == (9, 7, 3)
    with pytest.raises(SpecError, match="--input 9x7x4 does not fit the input `x`, which is"):
        import_model(path, (9, 7, 4))


def test_branches_that_are_nested_too_deep(tmp_path: Path) -> None:
    count, nodes, last = 70, [], "x"
    for index in range(count):
        nodes.append(node("Relu", last, f"down{index}"))
        last = f"down{index}"
    for index in reversed(range(count)):
        nodes.append(node("Add", f"{last} down{index}", f"up{index}" if index else "y"))
        last = f"up{index}"
    ((message, _),) = said(small(tmp_path, *nodes))
    assert message.startswith("the spec that comes out has a fault: lists and mappings are nested")


@settings(max_examples=150)
@given(st.data())
def test_no_damage_makes_a_traceback(data: st.DataObject) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = small(Path(folder), CONV, node("Flatten", "y", "f"), arrays={"w": W["w"][:1]})
        damaged = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            place = data.draw(st.integers(0, len(damaged) - 1))
            damaged[place] = data.draw(st.integers(0, 255))
        path.write_bytes(damaged)
        with contextlib.suppress(CnnkitError):
            import_model(path)


@pytest.mark.parametrize("location", ["a" * 5000, "a\0b", "loop"])
def test_names_of_files_that_lead_nowhere(location: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    message = "tensor `w` has its values in a file whose name leads nowhere"
    assert said(external(tmp_path, location)) == [(message, None)]


def test_many_tensors_of_the_same_bytes(tmp_path: Path) -> None:
    """Each is as large as the file, which takes no room on the disk."""
    with (tmp_path / "w.bin").open("wb") as file:
        file.truncate(2**20)
    path = external(tmp_path, "w.bin")
    made = onnx.load(path, load_external_data=False)
    for number in range(4):
        made.graph.initializer.add().CopyFrom(made.graph.initializer[0])
        made.graph.initializer[-1].name = f"w{number}"
    path.write_bytes(made.SerializeToString())
    ((message, _),) = said(path)
    assert message == (
        "the tensors in `w.bin` say that they have 5,242,880 bytes together, the file has 1,048,576"
    )


def test_a_file_of_many_bytes_for_few_elements_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "w.bin").open("wb") as file:
        file.truncate(2**20)
    ((message, _),) = said(external(tmp_path, "w.bin"))
    assert message == (
        "tensor `w` says that it has 108 elements, it has 1,048,576 bytes in `w.bin`"
    )


def test_more_outputs_than_any_network_has(tmp_path: Path) -> None:
    path = small(tmp_path)
    made = onnx.load(path)
    for _ in range(100):
        made.graph.output.add().CopyFrom(made.graph.output[0])
    path.write_bytes(made.SerializeToString())
    assert said(path) == [("the network has 101 outputs, the most is 100", None)]


def test_a_name_of_more_parts_than_any_path(tmp_path: Path) -> None:
    """A name says how a spec is best written, and nothing of whether it can be."""
    name = "layers.0.mine." * 400 + "layers.0.conv"
    path = small(tmp_path, node("Conv", "x w", "y", name=name))
    made = onnx.load(path)
    made.producer_name = "cnnkit"
    path.write_bytes(made.SerializeToString())
    assert "- conv: {filters: 4, kernel: 3, bias: false}\n" in import_model(path).text
