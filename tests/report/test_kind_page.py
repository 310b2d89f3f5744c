"""The page of each kind says what its class says, and its example is a spec without a fault."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cnnkit
from cnnkit.checking.check import CheckTask, check
from cnnkit.checking.discovery import Candidate
from cnnkit.layers import KINDS, layer_class
from cnnkit.layers.composition import Composite
from cnnkit.layers.kinds import DEPRECATED
from cnnkit.report.kind import kind_example, kind_page, kind_summary
from cnnkit.spec.language.faults import field_names

HEADINGS = ["Fields", "Example", "Formulas of the example", "Weights of the example"]


def section(page: str, heading: str) -> str:
    parts = re.split(r"^## (.+)\n", page, flags=re.MULTILINE)
    return parts[parts.index(heading) + 1].strip()


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_has_all_headings_and_what_the_class_says(kind: str) -> None:
    page = kind_page(kind)
    assert page.startswith(f"# {kind}\n\n{KINDS[kind]}, ")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == HEADINGS
    assert kind_summary(kind) in page
    fields = re.findall(r"^- `(\w+)` \(", section(page, "Fields"), re.MULTILINE)
    assert fields == field_names(layer_class(kind))
    assert "another value" not in page


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_is_a_spec_with_the_kind_and_without_a_finding(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(kind_example(kind), encoding="utf-8")
    result = check(CheckTask(Candidate(str(path), named=True)))
    assert result is not None
    on_purpose = ["no-op-layer"] if kind == "linear" else ["deprecated"] * (kind in DEPRECATED)
    assert [finding.rule for finding in result.findings] == on_purpose
    assert kind in re.findall(r"\w+", section(kind_page(kind), "Example"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_weights_are_those_of_the_analysis(kind: str) -> None:
    totals = cnnkit.analyze(cnnkit.load(kind_example(kind))).totals
    weights = section(kind_page(kind), "Weights of the example")
    counts = re.findall(r": ([\d,]+), (trained|running state)$", weights, re.MULTILINE)
    trained = sum(int(count.replace(",", "")) for count, use in counts if use == "trained")
    state = sum(int(count.replace(",", "")) for count, use in counts if use != "trained")
    assert (trained, state) == (totals.parameters, totals.state)


def test_a_page_says_what_is_on_the_board() -> None:
    page = kind_page("conv")
    assert (
        "- `filters` (needed): the number of output channels. Takes a whole number above 0.\n"
        in (page)
    )
    assert "- `padding` (`valid` by default): cells added round the input. Takes " in page
    assert "`kernel_size` is `kernel`" in page
    formulas = section(page, "Formulas of the example")
    assert "height and width: (D−F)/S+1 = (28−3)/1+1 = 26" in formulas
    assert "parameters: filters×F×F×channels + filters = 8×3×3×1 + 8 = 80" in formulas
    assert section(page, "Weights of the example").splitlines() == [
        "- `layers.0.kernel`, 3x3x1x8: 72, trained",
        "- `layers.0.bias`, 8: 8, trained",
    ]


def test_a_default_that_is_a_layer_is_its_kind() -> None:
    assert "- `gate` (`sigmoid` by default): " in kind_page("squeeze_excite")


def test_there_is_no_page_of_no_kind() -> None:
    with pytest.raises(KeyError):
        kind_page("no_such_kind")


def test_composites_show_the_layers_they_are_made_of() -> None:
    assert issubclass(layer_class("squeeze_excite"), Composite)
    formulas = section(kind_page("squeeze_excite"), "Formulas of the example")
    assert "layers.0.reduce  dense 16 → 4" in formulas  # a quarter of 16 channels
    assert "parameters: inputs×units + units = 16×4 + 4 = 68" in formulas
