"""What differs, what repeats, what is shared, and what things are called."""

from __future__ import annotations

import pytest

from cnnkit.importing.operators.view import channels_first
from cnnkit.importing.writing.arguments import Arguments
from cnnkit.importing.writing.blocks import Blocks
from cnnkit.importing.writing.defaults import lift_defaults
from cnnkit.importing.writing.names import Names, says_nothing
from cnnkit.importing.writing.repetition import fold
from cnnkit.importing.writing.text import flow


def test_what_is_the_same_is_no_argument_and_multiples_are_written_so() -> None:
    made = Arguments(3)
    assert made.expression("kernel", [3, 3, 3]) == 3
    assert made.expression("filters", [64, 128, 256]) == "$filters"
    assert made.expression("filters", [256, 512, 1024]) == "$(4 * filters)"
    assert made.expression("filters", [32, 64, 128]) == "$(filters // 2)"
    assert made.expression("filters", [1, 2, 3]) == "$filters2"
    assert made.expression("stride", [1, 2, 2]) == "$stride"
    assert made.defaults() == {"filters": "required", "filters2": "required", "stride": 1}
    assert made.uses()[1] == {"filters": 128, "filters2": 2, "stride": 2}
    assert made.uses()[0] == {"filters": 64, "filters2": 1}


def test_residuals_with_and_without_a_projection_are_one_block() -> None:
    def residual(filters: int, *shortcut: dict[str, object]) -> dict[str, object]:
        main = [{"conv": {"filters": filters, "kernel": 3}}, {"relu": {}}]
        return {"residual": {"layers": main, **({"shortcut": [*shortcut]} if shortcut else {})}}

    projection: dict[str, object] = {"conv": {"filters": 8, "kernel": 1}}
    layers = [residual(8, projection), residual(8), residual(16)]
    blocks = Blocks()
    assert blocks.find(layers) == [
        {"unit": {"project": True}},
        {"unit": {}},
        {"unit": {"filters": 16}},
    ]
    unit = blocks.bodies["unit"]
    assert unit["arguments"] == {"filters": 8, "project": False}
    (made,) = unit["layers"]
    assert made["residual"]["shortcut"] == [{"when": "$project", **projection}]


def test_equal_runs_are_repeated_and_layers_without_weights_are_not() -> None:
    a: dict[str, object] = {"conv": {"filters": 8, "kernel": 3}}
    b: dict[str, object] = {"batch_norm": {}}
    assert fold([a, b, a, b, a]) == [{"repeat": {"times": 2, "layers": [a, b]}}, a]
    assert fold([{"relu": {}}, {"relu": {}}]) == [{"relu": {}}, {"relu": {}}]


def test_what_most_layers_share_is_said_once() -> None:
    layers = [{"conv": {"filters": n, "kernel": 3, "bias": False}} for n in (1, 2, 3)]
    layers.append({"conv": {"filters": 4, "kernel": 3}})
    assert lift_defaults([layers]) == {"conv": {"kernel": 3, "bias": False}}
    assert layers[0] == {"conv": {"filters": 1}}
    assert layers[3] == {"conv": {"filters": 4, "bias": True}}


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        (["layer1/0/conv1", "layer1/0/bn1"], "layer1_0"),
        (["layer1/0/conv1", "layer1/1/conv1"], "layer1"),
        (["res2_0_branch2a", "res2_0_branch2b"], "res2_0"),
        (["fire2/squeeze1x1", "fire3/squeeze1x1"], "fire2"),
        (["conv1/7x7_s2", "conv1/7x7_s2/bn"], "conv1_7x7_s2"),
        (["7x7"], None),
        ([""], None),
    ],
)
def test_names_are_what_scopes_have_in_common(scopes: list[str], expected: str | None) -> None:
    assert Names(["a", "b"]).of(scopes) == expected


def test_a_name_is_given_once() -> None:
    names = Names(["stem/a", "head/b"])
    assert [names.of(["stem/a"]), names.of(["stem/a"])] == ["stem_a", "stem"]
    assert names.of(["stem/a"]) is None


def test_texts_that_yaml_would_read_otherwise_are_quoted() -> None:
    assert flow({"a": "true", "b": "x: y", "c": "$(4 * w)", "d": [1, 2.5, True]}) == (
        '{a: "true", b: "x: y", c: $(4 * w), d: [1, 2.5, true]}'
    )


def test_a_view_knows_the_order_of_a_flatten() -> None:
    """Of 2 rows, 1 column and 3 channels: the model's element of channel c and row r is 2c + r."""
    view = channels_first(0, (2, 1, 3)).reshaped([6])
    assert view.order().tolist() == [0, 2, 4, 1, 3, 5]
    whole = channels_first(0, (2, 2, 3))
    assert whole.reshaped([12]).reshaped([3, 2, 2]) == whole
    assert whole.transposed([1, 2, 0]).reshaped([12]).order().tolist() == list(range(12))


@pytest.mark.parametrize(
    ("name", "kind", "silent"),
    [
        ("conv1", "conv", True),
        ("conv2d_1_1", "conv", True),
        ("dense", "dense", True),
        ("layers-3", "max_pool", True),
        ("layers-3-conv-1", "conv", False),
        ("conv1", "conv_norm_relu", False),
        ("dense_head", "dense", False),
        ("conv_proj", "conv", False),
    ],
)
def test_a_name_that_is_the_kind_or_the_place_says_nothing(
    name: str, kind: str, silent: bool
) -> None:
    assert says_nothing(name, kind) == silent
