"""What a terminal and a log show."""

from __future__ import annotations

import io
import math
import re
import sys
import time
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import pytest
from rich.console import Console

from cnnkit.presentation.numbers import duration
from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.view.display import Log, Quiet, Terminal, make_display
from cnnkit.training.view.notebook import Notebook
from cnnkit.training.view.progress import Progress, RunPlan, place

RECORD = RunEpoch(
    epoch=2,
    step=20,
    learning_rate=0.0123456,
    train={"loss": 0.51234, "accuracy": 0.875, "macro_f1": 0.8},
    validation={"loss": 0.6, "accuracy": 0.9, "macro_f1": 0.9},
    time={"compile": 3.0, "total": 5.5, "images_per_second": 12345.6},
)
PLAN = RunPlan(epochs=5, steps_per_epoch=10, batch_size=100)


def test_an_epoch_is_a_line_of_a_log() -> None:
    out = io.StringIO()
    log = Log(out)
    log.begin(PLAN, 0)
    log.epoch(RECORD, best=True)
    assert out.getvalue() == (
        "epoch 2/5  loss 0.5123  accuracy 87.50 %  val loss 0.6000  val accuracy 90.00 %  "
        "rate 0.0123  images/s 12,346  time 2.5 s  best\n"
    )


def test_without_classes_and_validation_only_what_is_there_is_shown() -> None:
    out = io.StringIO()
    log = Log(out)
    log.begin(PLAN, 0)
    log.epoch(replace(RECORD, train={"loss": 2.0}, validation=None), best=False)
    assert out.getvalue() == "epoch 2/5  loss 2.0000  rate 0.0123  images/s 12,346  time 2.5 s\n"


def test_an_epoch_of_data_that_are_read_says_how_long_the_device_waited_for_them() -> None:
    out = io.StringIO()
    log = Log(out)
    log.begin(PLAN, 0)
    for waiting in (0.0, 12.3, None):
        log.epoch(replace(RECORD, time={**RECORD.time, "waiting": waiting}), best=False)
    ends = [line.partition("images/s")[2] for line in out.getvalue().splitlines()]
    assert ends == [
        " 12,346  time 2.5 s  data wait 0.0 s",
        " 12,346  time 2.5 s  data wait 12 s",
        " 12,346  time 2.5 s",
    ]


def test_a_long_epoch_has_a_line_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    out = io.StringIO()
    log = Log(out)
    log.begin(PLAN, 0)
    for second in range(0, 65, 5):
        now[0] = float(second)
        log.progress(Progress(10 + second // 10, 0.5, 0.75, 1000.0))
    assert out.getvalue().splitlines() == [
        "epoch 2/5  step 3/10  loss 0.5000  accuracy 75.00 %  1,000 images/s  3.7 s left",
        "epoch 2/5  step 6/10  loss 0.5000  accuracy 75.00 %  1,000 images/s  3.4 s left",
    ]


def test_a_terminal_has_rows_and_a_bar_that_goes() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    shown = Terminal(console)
    shown.working("compiling")
    shown.begin(PLAN, 10)
    shown.progress(Progress(13, 0.5, 0.75, 1000.0))
    shown.epoch(RECORD, best=True)
    shown.note("a note [with brackets]")
    shown.close()
    text = re.sub(r"\x1b\[[?0-9]*[A-Za-z]", "", console.file.getvalue())  # type: ignore[attr-defined]
    assert "compiling …" in text
    assert "epoch 2/5" in text
    assert "step 3/10" in text
    assert "1,000 images/s" in text
    header, row = (
        next(line for line in text.splitlines() if words in line)
        for words in ("val accuracy", "● best")
    )
    assert header.split() == [
        "epoch", "loss", "accuracy", "val", "loss", "val", "accuracy", "rate", "images/s", "time",
    ]  # fmt: skip
    assert row.split() == [
        "2", "0.5123", "87.50", "%", "0.6000", "90.00", "%", "0.0123", "12,346", "2.5", "s", "●",
        "best",
    ]  # fmt: skip
    assert "a note [with brackets]" in text


def rows(width: int, best: bool = True) -> list[str]:
    console = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)
    shown = Terminal(console)
    shown.epoch(RECORD, best=best)
    text = re.sub(r"\x1b\[[?0-9]*[A-Za-z]", "", console.file.getvalue())  # type: ignore[attr-defined]
    return text.splitlines()


@pytest.mark.parametrize(
    ("width", "left_out"),
    [(87, set()), (86, {"images/s"}), (80, {"images/s"}), (72, {"images/s", "rate"})],
)
def test_a_row_fits_the_terminal(width: int, left_out: set[str]) -> None:
    header, row = rows(width)
    assert {"images/s", "rate", "time"} - set(header.split()) == left_out
    assert row.endswith("● best")
    assert len(row) <= width


def test_an_epoch_that_was_only_judged_has_no_speed() -> None:
    out = io.StringIO()
    log = Log(out)
    log.begin(PLAN, 0)
    log.epoch(replace(RECORD, time={**RECORD.time, "images_per_second": None}), best=False)
    assert "  images/s –  " in out.getvalue()


def test_a_log_is_not_a_terminal() -> None:
    assert isinstance(make_display(stream=io.StringIO()), Log)
    assert isinstance(make_display(quiet=True), Quiet)


@pytest.mark.parametrize(
    ("step", "expected"), [(0, (1, 0)), (1, (1, 1)), (10, (1, 10)), (11, (2, 1)), (50, (5, 10))]
)
def test_place(step: int, expected: tuple[int, int]) -> None:
    assert place(step, PLAN) == expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.97, "10 s"),
        (59.6, "1:00"),
        (61, "1:01"),
        (7325, "2:02:05"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


class Shown:
    """What a notebook shows in one place, and how often it was drawn."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def update(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """A kernel of IPython, as far as a display asks for one."""
    shown = Shown()
    shell, display = ModuleType("IPython"), ModuleType("IPython.display")
    vars(shell)["get_ipython"] = lambda: SimpleNamespace(kernel=object())
    vars(display).update(HTML=str, display=lambda text, *, display_id: shown)
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return shown


def test_a_notebook_shows_a_bar_and_a_row_an_epoch(notebook: Shown) -> None:
    display = make_display()
    assert isinstance(display, Notebook)
    display.note("run <digits>")
    display.working("reading the data")
    assert parts(notebook) == ["<pre>run &lt;digits&gt;</pre>", "<p>reading the data …</p>"]
    display.begin(RunPlan(epochs=3, steps_per_epoch=10, batch_size=4), 15)
    assert parts(notebook)[1:] == [
        '<p><progress value="5" max="10"></progress> epoch 2/3, step 5/10</p>'
    ]
    display.epoch(RECORD, best=True)
    rows = re.findall(r"<tr>(.*?)</tr>", notebook.texts[-1], re.DOTALL)
    head, row = (re.findall(r"<t[hd] .*?>(.*?)</t[hd]>", each) for each in rows)
    assert head[:3] == ["epoch", "loss", "accuracy"]
    assert row[:3] == ["2", "0.5123", "87.50 %"]
    assert row[-1] == "● best"
    assert parts(notebook)[-1] == "</table>"
    display.note("balanced: neither error is high")
    display.close()
    before, table, after = notebook.texts[-1].partition("<table>")
    assert before.split() == ["<div>", "<pre>run", "&lt;digits&gt;</pre>"]
    assert table
    assert after.endswith("</table>\n<pre>balanced: neither error is high</pre>\n</div>\n")


def parts(notebook: Shown) -> list[str]:
    """The lines of what is shown, without the element around them."""
    first, *inside, last = filter(None, notebook.texts[-1].splitlines())
    assert (first, last) == ("<div>", "</div>")
    return inside


def test_a_notebook_is_not_drawn_at_every_step(notebook: Shown) -> None:
    display = make_display()
    display.begin(RunPlan(epochs=1, steps_per_epoch=10_000, batch_size=4), 0)
    drawn = len(notebook.texts)
    vars(display)["_drawn"] = math.inf  # as if it were drawn right now, however slow the machine
    for step in range(100):
        display.progress(Progress(step, 0.5, 0.5, 100.0))
    assert len(notebook.texts) == drawn
    vars(display)["_drawn"] = -math.inf
    display.progress(Progress(100, 0.25, 0.5, 100.0))
    assert "step 100/10000, loss 0.2500, accuracy 50.00 %, 100 images/s" in notebook.texts[-1]


def test_a_shell_of_ipython_is_no_notebook(
    notebook: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: SimpleNamespace())
    assert isinstance(make_display(), Log)
