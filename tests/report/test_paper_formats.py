"""What goes into a paper: the table of LaTeX, and the drawing as TikZ and PDF."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from cnnkit import report
from cnnkit.analysis import Analysis, analyze
from cnnkit.analysis.result import Unreadable
from cnnkit.errors import Finding, UsageError
from cnnkit.presentation.latex import latex
from cnnkit.spec.reading import load

SMALL = """\
name: 50%_of & more
input: 7x7x1
layers:
  - conv: {filters: 1, kernel: 3, stride: 2, activation: relu}
  - flatten
  - dense: {units: 2}
"""
PDFLATEX = shutil.which("pdflatex")


def small() -> Analysis:
    return analyze(load(SMALL))


def test_what_latex_takes_for_a_command_is_escaped() -> None:
    assert latex(r"a_1 & b{c} #2 $x$ ~^ 5% \input{/etc/passwd}") == (
        r"a\_1 \& b\{c\} \#2 \$x\$ \textasciitilde{}\textasciicircum{} 5\% "
        r"\textbackslash{}input\{/etc/passwd\}"
    )
    assert latex("3×3 → 9 − 1") == r"3$\times$3 $\to$ 9 $-$ 1"


def test_a_table_of_latex() -> None:
    assert (
        report.render([small()], "latex")
        == r"""% \usepackage{booktabs}
\begin{table}
\centering
\caption{50\%\_of \& more: 7x7x1 $\to$ 2}
\begin{tabular}{lllrrrl}
\toprule
layer & kind & output & neurons & parameters & MACs & receptive field \\
\midrule
layers.0 & conv + relu & 3x3x1 & 9 & 10 & 81 & 3x3 \\
layers.1 & flatten & 9 & 0 & 0 & 0 & 7x7 \\
layers.2 & dense & 2 & 2 & 20 & 18 & 7x7 \\
\midrule
total & & & 11 & 30 & 99 & \\
\bottomrule
\end{tabular}
\end{table}
"""
    )


def test_findings_are_comments(hostile: Analysis) -> None:
    lost = Unreadable("gone.yaml", (Finding("unreadable", "error", "it is\nempty"),))
    assert report.render([lost], "latex") == (
        "% error: it is\\nempty [unreadable]\n% gone.yaml cannot be read\n"
    )
    for format_ in ("latex", "tikz"):
        lines = report.render([hostile], format_).split("\n")
        assert not [line for line in lines if "<script>" in line and not line.startswith("% ")]


def balanced(text: str) -> bool:
    """Whether the braces that are no characters close."""
    braces = re.sub(r"[^{}]", "", re.sub(r"\\[{}]", "", text))
    while "{}" in braces:
        braces = braces.replace("{}", "")
    return not braces


@pytest.mark.parametrize("network", ["flagship", "nested", "unknown", "hostile"])
def test_a_drawing_in_tikz(network: str, request: pytest.FixtureRequest) -> None:
    text = report.render([request.getfixturevalue(network)], "tikz")
    body = text[text.index(r"\begin{tikzpicture}") : text.index(r"\end{tikzpicture}")]
    assert all(line.endswith((";", "]")) for line in body.strip().split("\n"))
    assert balanced("\n".join(line for line in text.split("\n") if not line.startswith("%")))
    used = set(re.findall(r"(?:fill|draw|text)=([a-z-]+)", body))
    assert used <= set(re.findall(r"definecolor{([a-z-]+)}", text))


def test_tikz_draws_what_svg_draws(flagship: Analysis) -> None:
    text, svg = report.render([flagship], "tikz"), report.render([flagship], "svg")
    assert text.count(r"\node") == svg.count("<text ")
    assert text.count(r"\filldraw") == svg.count('class="stack"')
    assert text.count(r"\draw") == svg.count('class="arrow"')


@pytest.mark.long
@pytest.mark.skipif(PDFLATEX is None, reason="there is no pdflatex")
@pytest.mark.parametrize("network", ["nested", "hostile", "small"])
def test_latex_compiles(network: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    analysis = small() if network == "small" else request.getfixturevalue(network)
    (tmp_path / "drawing.tex").write_text(report.render([analysis], "tikz"), "utf-8")
    table = report.render([analysis], "latex")
    document = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{textcomp,booktabs}"
    body = f"{document}\n\\begin{{document}}\n{table}\\end{{document}}\n"
    (tmp_path / "table.tex").write_text(body, "utf-8")
    for name in ("drawing", "table"):
        subprocess.run(
            [str(PDFLATEX), "-interaction=nonstopmode", "-halt-on-error", name],
            cwd=tmp_path, check=True, capture_output=True,
        )  # fmt: skip
        assert (tmp_path / f"{name}.pdf").stat().st_size > 1000


def test_a_drawing_in_pdf(tmp_path: Path) -> None:
    pytest.importorskip("fpdf")
    report.write([small()], "pdf", tmp_path / "small.pdf")
    data = (tmp_path / "small.pdf").read_bytes()
    root = report.render([small()], "svg")
    size = re.search(r'width="(\d+)" height="(\d+)"', root)
    assert size is not None
    width, height = (int(each) * 0.75 for each in size.groups())
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data)
    assert box is not None
    assert (float(box[1]), float(box[2])) == pytest.approx((width, height), abs=0.01)
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
    content = b"".join(zlib.decompress(each) for each in streams if each[:1] == b"x")
    for words in (b"50%_of & more", b"conv 3x3 /2 + relu", b"7x7x1 -> 2"):
        assert b"(" + words in content
    report.write([small()], "pdf", tmp_path / "again.pdf")
    assert (tmp_path / "again.pdf").read_bytes() == data


def test_pdf_is_no_text() -> None:
    with pytest.raises(UsageError) as caught:
        report.render([small()], "pdf")
    assert str(caught.value) == "`pdf` is no text: write it to a file"


def test_without_fpdf2_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fpdf", None)
    with pytest.raises(UsageError) as caught:
        report.write([small()], "pdf", tmp_path / "small.pdf")
    assert str(caught.value) == (
        "a PDF needs fpdf2: `pip install 'cnnkit[pdf]'`, or draw --format svg or tikz"
    )
    assert list(tmp_path.iterdir()) == []
