from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from cnnkit import report
from cnnkit.analysis import Analysis, LayerAnalysis, analyze
from cnnkit.analysis.result import Unreadable
from cnnkit.analysis.tree import visible
from cnnkit.errors import Finding
from cnnkit.presentation.numbers import memory, short
from cnnkit.spec.reading import load, read_from_text

ZOO = sorted((Path(__file__).parents[2] / "specs" / "zoo").glob("*.yaml"))
HUGE = "input: 1000000000000x1000000000000x3\nlayers:\n  - conv: {filters: 1000000, kernel: 3}\n"


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("network", ["flagship", "faulty", "nested", "unknown"])
def test_golden(
    network: str, width: int, golden: Callable[[str, str], None], request: pytest.FixtureRequest
) -> None:
    analysis: Analysis = request.getfixturevalue(network)
    text = report.render([analysis], width=width)
    golden(f"report/table-{network}-{width}.txt", text)


def table_of(analysis: Analysis, width: int | None, depth: int | None = None) -> list[str]:
    """The lines down to the end of the totals."""
    lines = report.render([analysis], width=width, depth=depth).split("\n")
    blank = [number for number, line in enumerate(lines) if not line]
    return lines[: blank[1]]


def shown_layers(layer: LayerAnalysis, depth: int) -> list[LayerAnalysis]:
    return [
        inner
        for child in visible(layer)
        for inner in [child, *(shown_layers(child, depth - 1) if depth > 1 else [])]
    ]


@pytest.mark.parametrize("width", [72, 80, 97, 120, 160, 250])
@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_no_line_is_wider_and_no_number_is_lost(path: Path, width: int) -> None:
    analysis = analyze(load(path))
    lines = table_of(analysis, width, depth=2)
    assert max(map(cell_len, lines)) <= width
    text = "\n".join(lines)
    words = set(re.findall(r"[\d.,]+(?: [kMGTPE])?\b|[\d,.]+", text))
    for layer in analysis.tree.children:
        for number in (layer.neurons, layer.parameters, layer.macs):
            assert {f"{number:,}", short(number)} & words, f"{layer.path}: {number}"
    for number in (analysis.totals.neurons, analysis.totals.parameters, analysis.totals.macs):
        assert f"{number:,}" in text


def test_pipe_shortens_nothing() -> None:
    analysis = analyze(load(HUGE))
    lines = table_of(analysis, None)
    layer = analysis.tree.children[0]
    assert all(f"{number:,}" in lines[3] for number in (layer.neurons, layer.macs))
    assert "…" not in "\n".join(lines)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_huge_numbers_fit(width: int) -> None:
    layers = table_of(analyze(load(HUGE)), width)[1:6]
    assert max(map(cell_len, layers)) <= width
    assert short(analyze(load(HUGE)).totals.macs) in "\n".join(layers)


@pytest.mark.parametrize("depth", [None, 1, 2, 3, 9])
def test_rows_that_are_no_subtotals_add_up(nested: Analysis, depth: int | None) -> None:
    total = 0
    times: list[tuple[int, int]] = []
    for line in report.render([nested], depth=depth).split("\n")[3:]:
        if line.startswith("─"):
            break
        line = re.sub("^[i!✗] ", "  ", line)  # the mark of a finding
        indent = len(line) - len(line.lstrip("│├└─ "))
        times = [(place, count) for place, count in times if place < indent]
        columns = re.split(r"  +", line[indent:].strip())
        if columns[3].startswith("Σ"):
            match = re.search(r"×(\d+)", columns[1])
            alike = match and columns[1] != "repeat ×2"  # the two copies of it differ
            times.append((indent, int(match[1]) if match and alike else 1))
        else:
            factor = 1
            for _, count in times:
                factor *= count
            total += factor * int(columns[3].replace(",", ""))
    assert total == nested.totals.neurons


def test_depth(nested: Analysis) -> None:
    text = report.render([nested], depth=1)
    assert "├" not in text
    assert "1 of 4 levels; --depth 2 shows more" in text
    assert "×n" not in text


def test_default_depth_keeps_the_table_readable() -> None:
    analysis = analyze(load(next(path for path in ZOO if path.stem == "densenet-121")))
    assert len(table_of(analysis, 120)) < 80


def test_alike_copies_are_shown_once_and_others_all(nested: Analysis) -> None:
    text = report.render([nested])
    assert "unit[0]" in text
    assert "unit[1]" not in text
    assert "repeat ×3" in text
    assert "conv[0]" in text
    assert "conv[1]" in text


def test_error_is_marked_and_the_table_goes_on(faulty: Analysis) -> None:
    lines = report.render([faulty]).split("\n")
    assert lines[3].startswith("✗ layers.0")
    assert "2x2x6" in lines[3]
    assert lines[6].startswith("  layers.3")


def test_unknown_shapes(unknown: Analysis) -> None:
    text = report.render([unknown])
    assert re.search(r"✗ layers.1 +Conv2D +26x26x3 +\? +\? +\? +\?", text)
    assert "?: 2 layers unknown, in no total" in text


def test_activation_field_is_part_of_the_kind(nested: Analysis) -> None:
    assert re.search(r"layers\.stem +conv \+ relu", report.render([nested]))


def test_side_output_is_marked(nested: Analysis) -> None:
    text = report.render([nested])
    assert re.search(r"layers\.3† +head", text)
    assert "†: a side output, used in training only" in text
    assert "MACs without heads" in text


def test_no_colour_in_a_pipe(faulty: Analysis, hostile: Analysis) -> None:
    assert "\x1b" not in report.render([faulty, hostile])


def test_colour_where_it_is_asked_for(faulty: Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    colored = report.render([faulty], width=80, color=True)
    assert "\x1b[1;31m✗" in colored
    monkeypatch.setenv("NO_COLOR", "1")
    plain = report.render([faulty], width=80, color=True)
    assert not re.search(r"\x1b\[[\d;]*3\dm", plain)
    strip = re.compile(r"\x1b\[[\d;]*m")
    assert strip.sub("", plain) == strip.sub("", colored)


def test_several_specs(flagship: Analysis, faulty: Analysis) -> None:
    unreadable = Unreadable("gone.yaml", (Finding("unreadable", "error", "it is empty"),))
    text = report.render([flagship, faulty, unreadable])
    titles = ["rgb-valid-4-classes  32x32x3 → 4", "lenet  7x7x1 → 10", "gone.yaml"]
    assert [line for line in text.split("\n") if line in titles] == titles
    assert "gone.yaml: it is empty  [unreadable]" in text


def test_text_of_numbers() -> None:
    assert [short(n) for n in (0, 9_999, 10_000, 99_950, 999_500, 10**21)] == [
        "0", "9,999", "10.0 k", "100 k", "1.00 M", "1.00e21",
    ]  # fmt: skip
    assert [memory(n) for n in (0, 1, 1023, 1024, 1536 * 2**20, 2**90)] == [
        "0 bytes", "1 byte", "1023 bytes", "1.0 KiB", "1.5 GiB", "1,073,741,824.0 EiB",
    ]  # fmt: skip


ABOUT = "A ReLU keeps what is positive: it learns nothing, and costs a comparison each."


def test_what_a_spec_is_about_stands_above_its_table() -> None:
    spec = load(
        {"name": "relu", "about": f"{ABOUT}\n\nNext: `elu`.", "input": [4], "layers": ["relu"]}
    )
    assert report.render([analyze(spec)]).startswith(
        f"relu  4 → 4\n{ABOUT}\nNext: `elu`.\n\nlayer "
    )
    narrow = report.render([analyze(spec)], width=40).split("\n")
    assert narrow[1:3] == [
        "A ReLU keeps what is positive: it learns",
        "nothing, and costs a comparison each.",
    ]
    assert f"{ABOUT}\n\nNext: `elu`." in report.render([analyze(spec)], "markdown")
    assert f"<p>{ABOUT}</p><p>Next: <code>elu</code>.</p>" in report.render([analyze(spec)], "html")
    assert load(spec.to_dict()) == spec


def test_what_a_spec_is_about_is_a_text() -> None:
    read = read_from_text("input: 4\nabout: [relu]\nlayers: [relu]", "relu.yaml")
    assert [(str(each.location), each.message, each.help) for each in read.findings] == [
        ("relu.yaml:2:8", '`about` cannot be ["relu"]', "it takes a text")
    ]
