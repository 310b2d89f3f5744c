"""A run as one HTML page that needs nothing but itself: figures, curves, classes, diagnosis, spec.

All of it comes from the files of the run, as plain data, so that a page can be made anew at any
time. Whatever a name holds is shown as text.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from cnnkit.folders import StrPath
from cnnkit.presentation.numbers import duration, percent
from cnnkit.presentation.page import page as html_page
from cnnkit.presentation.page import prose, text
from cnnkit.tasks.metric import followed, metric_of, metrics_in
from cnnkit.training.store.directory import CONFUSION, CURVES, REPORT, SAMPLES, RunDirectory
from cnnkit.training.store.environment import Environment
from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.store.files import write_atomic
from cnnkit.training.store.kinds import SPEC
from cnnkit.training.store.summary import Diagnosis, Measured, Summary
from cnnkit.training.view.judged import judged

_WEAK: Final = 0.5
_NOT_SHOWN: Final = ("command", "variables", "options")


@dataclass(frozen=True)
class RunFiles:
    """What a run directory holds.

    Attributes:
        name: What the run is called.
        spec: The text of ``spec.yaml``.
        environment: ``environment.json``.
        history: The lines of ``metrics.jsonl``.
        summary: ``summary.json``; an empty one while the run goes on.
        pictures: The bytes of ``curves.png``, ``confusion.png`` and ``samples.png``, by their
            names.
    """

    name: str
    spec: str
    environment: Environment
    history: Sequence[RunEpoch]
    summary: Summary
    pictures: Mapping[str, bytes] = field(default_factory=dict)


def page(run: RunDirectory) -> str:
    """The page of a run that is finished or on its way."""
    pictures = {name: run.path / name for name in (CURVES, CONFUSION, SAMPLES)}
    return render(
        RunFiles(
            name=run.path.resolve().name,
            spec=(run.path / SPEC).read_text("utf-8"),
            environment=run.read_environment(),
            history=run.read_metrics(),
            summary=run.read_summary() or Summary(),
            pictures={name: path.read_bytes() for name, path in pictures.items() if path.exists()},
        )
    )


def write_page(run: RunDirectory, output: StrPath | None = None) -> Path:
    """Writes the page, by default to the run's ``report.html``; returns where."""
    path = Path(output or run.path / REPORT)
    write_atomic(path, page(run))
    return path


def render(run: RunFiles) -> str:
    """The page of a run."""
    lines = [
        "<section>",
        f'<header><h1>{text(run.name)}</h1><p class="flow">{text(_flow(run))}</p></header>',
        *_cards(run),
        *_diagnosis(run.summary.diagnosis),
        *_picture(run, "curves.png", "Loss, accuracy and learning rate over the epochs", "Curves"),
        *_classes(run),
        *_picture(run, SAMPLES, "Images, truth and prediction", "Best, median and worst"),
        *_epochs(run),
        *_written("Spec", run.spec),
        *_environment(run.environment),
        "</section>",
    ]
    style = files("cnnkit.presentation").joinpath("run.css").read_text("utf-8")
    return html_page(run.name, lines, style=style)


def _flow(run: RunFiles) -> str:
    epochs = len(run.history)
    parts = [f"{epochs:,} {'epoch' if epochs == 1 else 'epochs'}"]
    if data := run.summary.data:
        parts.insert(0, f"trained on {data}")
    if started := run.environment.started:
        parts.append(f"begun {started}")
    return " · ".join(parts)


def _cards(run: RunFiles) -> Iterator[str]:
    """The figures of the split that was held out, and of the run as a whole."""
    cards = list(_figures(run))
    if not cards:
        return
    yield '<dl class="cards">'
    for label, value, note in cards:
        more = f'<dd class="note">{text(note)}</dd>' if note else ""
        yield f'<div><dt>{text(label)}</dt><dd class="value">{text(value)}</dd>{more}</div>'
    yield "</dl>"


def _figures(run: RunFiles) -> Iterator[tuple[str, str, str]]:
    summary = run.summary
    split, test = judged(summary)
    notes = _notes(test)
    for metric in metrics_in(test):
        name = metric.name
        if test[name] is not None:
            yield f"{split} {metric.title}", metric.shown(test[name]), notes.get(name, "")
    validated = any(record.validation for record in run.history)
    if validated and (best := summary.best_epoch) is not None:
        yield "best epoch", str(best), f"by the validation {_title(summary.monitor)}"
    if summary.seconds is not None:
        yield "time", duration(summary.seconds), ""


def _title(metric: str | None) -> str:
    return "" if metric is None else metric_of(metric).title


def _notes(test: Measured) -> dict[str, str]:
    """What stands below some figures."""
    notes = {
        "accuracy": f"of {test.get('examples', 0):,} examples",
        "macro_f1": "the mean over the classes",
        "top5": "the class is among the five best",
    }
    if interval := test.get("accuracy_interval"):
        low, high = map(percent, interval)
        notes["accuracy"] += f", 95 % interval {low} to {high}"
    if (majority := test.get("majority")) is not None:
        always = f"always the most frequent class: {percent(majority)} accuracy"
        notes["balanced_accuracy"] = always
    return notes


def _diagnosis(diagnosis: Diagnosis | None) -> Iterator[str]:
    if diagnosis is None:
        return
    verdict = text(diagnosis.verdict)
    yield f'<h2>Diagnosis</h2>\n<p class="verdict {verdict}">{verdict}</p>'
    reason = diagnosis.reason
    yield f"<p>{prose(reason[:1].upper() + reason[1:])}.</p>\n<p>What to try next:</p>"
    yield '<ol class="next">'
    yield from (f"<li>{prose(step)}</li>" for step in diagnosis.advice)
    yield "</ol>"


def _picture(run: RunFiles, name: str, about: str, heading: str, more: str = "") -> Iterator[str]:
    if name not in run.pictures:
        return
    data = b64encode(run.pictures[name]).decode("ascii")
    yield f"<h2>{heading}</h2>"
    yield f'<figure class="picture plot{more}">'
    yield f'<img alt="{text(about)}" src="data:image/png;base64,{data}"></figure>'


def _classes(run: RunFiles) -> Iterator[str]:
    """The confusion matrix, and a row for each class; a weak figure stands out."""
    about = "Confusion matrix: a row for each true class, a column for each predicted one"
    yield from _picture(run, "confusion.png", about, "Confusion", " square")
    _, test = judged(run.summary)
    yield from _class_rows(test, "Classes")
    for name, output in (test.get("outputs") or {}).items():
        yield from _class_rows(output, f"Classes of {text(name)}")


def _class_rows(test: Measured, heading: str) -> Iterator[str]:
    """A row for each class of an output, where it has some."""
    rows = test.get("classes")
    if not rows:
        return
    if "pixels" in test:
        yield from _pixels(rows, test["pixels"], heading)
        return
    yield f'<h2>{heading}</h2>\n<div class="table"><table>\n<thead><tr><th>class</th>'
    yield "<th>precision</th><th>recall</th><th>F1</th><th>examples</th></tr></thead>\n<tbody>"
    for row in rows:
        cells = "".join(_part(row[name]) for name in ("precision", "recall", "f1"))
        yield f"<tr><td>{text(str(row['name']))}</td>{cells}<td>{row['support']:,}</td></tr>"
    means = "".join(f"<td>{test[name]:.4f}</td>" for name in ("precision", "recall", "macro_f1"))
    yield f"</tbody>\n<tfoot><tr><td>mean</td>{means}<td>{test['examples']:,}</td></tr></tfoot>"
    yield "</table></div>"


def _pixels(rows: Sequence[Mapping[str, Any]], pixels: int, heading: str) -> Iterator[str]:
    """A row for each class of pixels."""
    columns = ("iou", "dice", "precision", "recall")
    yield f'<h2>{heading}</h2>\n<div class="table"><table>\n<thead><tr><th>class</th>'
    yield "<th>IoU</th><th>Dice</th><th>precision</th><th>recall</th><th>pixels</th></tr></thead>"
    yield "<tbody>"
    for row in rows:
        cells = "".join("<td>—</td>" if row[name] is None else _part(row[name]) for name in columns)
        yield f"<tr><td>{text(str(row['name']))}</td>{cells}<td>{row['support']:,}</td></tr>"
    yield f"</tbody>\n<tfoot><tr><td>all</td>{'<td></td>' * 4}<td>{pixels:,}</td></tr></tfoot>"
    yield "</table></div>"


def _part(value: float) -> str:
    weak = ' class="weak"' if value < _WEAK else ""
    return f"<td{weak}>{value:.4f}</td>"


def _epochs(run: RunFiles) -> Iterator[str]:
    if not run.history:
        return
    names = followed(run.history[0].train, run.summary.monitor)
    yield '<details><summary><h2>Epochs</h2></summary>\n<div class="table"><table>\n<thead><tr>'
    yield "<th>epoch</th>" + "".join(
        f"<th>{split} {metric_of(name).title}</th>"
        for name in names
        for split in ("training", "validation")
    )
    yield "<th>learning rate</th></tr></thead>\n<tbody>"
    for record in run.history:
        best = ' class="best"' if record.epoch == run.summary.best_epoch else ""
        cells = "".join(
            f"<td>{_figure(figures, name)}</td>"
            for name in names
            for figures in (record.train, record.validation)
        )
        rate = record.learning_rate
        shown = "" if rate is None else f"{rate:.3g}"
        yield f"<tr{best}><td>{record.epoch}</td>{cells}<td>{shown}</td></tr>"
    yield "</tbody></table></div></details>"


def _figure(figures: Mapping[str, Any] | None, name: str) -> str:
    value = figures.get(name) if figures else None
    return "" if value is None else metric_of(name).shown(value)


def _written(heading: str, content: str) -> Iterator[str]:
    if content:
        yield f"<details open><summary><h2>{heading}</h2></summary>"
        yield f'<pre class="text">{"&#10;".join(map(text, content.splitlines()))}</pre></details>'


def _environment(environment: Environment) -> Iterator[str]:
    known = environment.to_dict()
    if not known:
        return
    yield "<details><summary><h2>Environment</h2></summary>"
    yield '<div class="table"><table><tbody>'
    for name, value in known.items():
        if name not in _NOT_SHOWN:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            yield f"<tr><td>{text(name)}</td><td>{text(shown)}</td></tr>"
    if command := environment.command:
        yield f"<tr><td>command</td><td><code>{text(' '.join(command))}</code></td></tr>"
    yield "</tbody></table></div></details>"
