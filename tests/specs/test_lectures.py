"""The lecture's worked examples: each network of the table is a spec, and gives its values."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import pytest

import cnnkit
from cnnkit.layers.dense import Dense
from cnnkit.layers.shape import show

ROOT = Path(__file__).parents[2]
LECTURES = ROOT / "specs" / "lectures"
TABLE = ROOT / "tests" / "oracles" / "worked-examples.tsv"

# What no analysis can say. The metrics of a classifier are no network at all; the others are
# networks, whose specs are held to their shapes here and to these values where they are run.
NO_NETWORKS = {"accuracy-trap"}
# What is no example of the table: networks to look at with `cnnkit activations`.
PICTURES = {"edges"}
RUN_LATER = {
    "edge-filter",
    "rgb-filter",
    "padding-zeros",
    "padding-reflect",
    "padding-edge",
    "max-pool-2x2",
    "mean-pool-2x2",
    "softmax-2",
}
# The table gives a field of the layer, not a total.
FIELDS = {"leaky-relu", "maxout", "elu"}


@dataclass(frozen=True)
class Example:
    """A row of the table; ``values`` are its quantities, as they are written."""

    name: str
    input: str
    values: dict[str, str]
    note: str

    @property
    def path(self) -> Path:
        return LECTURES / f"{self.name}.yaml"


def _examples() -> list[Example]:
    with TABLE.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        Example(
            row["example"],
            row["input"],
            dict(zip(row["quantity"].split(","), row["value"].split(","), strict=False)),
            row["note"] or "",
        )
        for row in rows
    ]


EXAMPLES = {example.name: example for example in _examples()}
NETWORKS = [example for example in EXAMPLES.values() if example.name not in NO_NETWORKS]
COUNTED = [example for example in NETWORKS if example.name not in RUN_LATER | FIELDS]


def _named(examples: list[Example]) -> list[object]:
    return [pytest.param(example, id=example.name) for example in examples]


def test_the_table_is_all_there() -> None:
    assert len(EXAMPLES) == 32
    assert set(EXAMPLES) >= NO_NETWORKS | RUN_LATER | FIELDS
    assert len(COUNTED) == 20


def test_every_network_of_the_table_has_a_spec_and_every_spec_a_row() -> None:
    specs = {path.stem for path in LECTURES.iterdir()}
    assert {example.name for example in NETWORKS} == specs - PICTURES
    assert specs >= PICTURES


@pytest.mark.parametrize("example", _named(COUNTED))
def test_an_example_gives_the_value_of_the_table(example: Example) -> None:
    analysis = cnnkit.analyze(cnnkit.load(example.path))
    for quantity, value in example.values.items():
        match quantity:
            case "finding":
                assert value == "invalid D-F-S combination"
                assert [finding.rule for finding in analysis.findings] == ["invalid-stride"]
            case "output" if value == "K":
                assert analysis.output == analysis.input[-1:]
            case "output":
                # The table leaves out the one channel of a single filter.
                assert show(analysis.output or ()) in (value, f"{value}x1")
            case _:
                assert getattr(analysis.totals, quantity) == int(value)


@pytest.mark.parametrize("example", _named([row for row in COUNTED if "a layer:" in row.note]))
def test_each_layer_gives_the_value_of_the_table(example: Example) -> None:
    given = re.findall(r"(\d+),(\d+)", example.note)
    layers = cnnkit.analyze(cnnkit.load(example.path)).layers
    assert [(layer.neurons, layer.parameters) for layer in layers] == [
        (int(neurons), int(parameters)) for neurons, parameters in given
    ]


@pytest.mark.parametrize("example", _named([row for row in NETWORKS if row.input[0].isdigit()]))
def test_the_input_is_that_of_the_table(example: Example) -> None:
    shape, *values = example.input.split(" ", 1)
    given = show(cnnkit.load(example.path).input)
    # Of the colour image the table has the channels alone.
    assert given.endswith(shape) if values == ["channels"] else given == shape


@pytest.mark.parametrize("example", _named(NETWORKS))
def test_a_spec_expects_what_the_analysis_gives(example: Example) -> None:
    spec = cnnkit.load(example.path)
    analysis = cnnkit.analyze(spec)
    expect = spec.expect
    assert spec.name == example.name
    assert expect is not None
    assert tuple(finding.rule for finding in analysis.findings) == (expect.findings or ())
    if analysis.ok:
        assert analysis.output == expect.output
        assert expect.figures() == {
            "neurons": analysis.totals.neurons,
            "parameters": analysis.totals.parameters,
        }


@pytest.mark.parametrize("example", _named(NETWORKS))
def test_a_spec_says_what_it_shows_in_at_most_three_lines(example: Example) -> None:
    """In a comment at its head, or by `about:`, which `analyze` prints."""
    lines = example.path.read_text().splitlines()
    said = list(takewhile(lambda line: line.startswith("#"), lines))
    if "about: >" in lines:
        assert not said
        rest = lines[lines.index("about: >") + 1 :]
        said = list(takewhile(lambda line: line.startswith("  "), rest))
        about = cnnkit.load(example.path).about
        assert (about or "").split() == " ".join(said).split()
    assert 1 <= len(said) <= 3
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(("name", "field"), [("leaky-relu", "slope"), ("elu", "alpha")])
def test_an_activation_has_the_constant_of_the_table(name: str, field: str) -> None:
    (layer,) = cnnkit.load(LECTURES / f"{name}.yaml").layers
    assert getattr(layer, field) == float(EXAMPLES[name].values[field])
    assert type(layer)() == layer  # and it is the default


def test_a_maxout_has_the_weights_of_as_many_dense_layers_as_it_has_pieces() -> None:
    spec = cnnkit.load(LECTURES / "maxout.yaml")
    (layer,) = spec.layers
    assert isinstance(layer, Dense)
    assert layer.pieces == int(EXAMPLES["maxout"].values["pieces"])
    plain = spec.model_copy(update={"layers": (layer.model_copy(update={"activation": None}),)})
    maxout, dense = cnnkit.analyze(spec).totals, cnnkit.analyze(plain).totals
    assert maxout.parameters == layer.pieces * dense.parameters
    assert maxout.neurons == dense.neurons
