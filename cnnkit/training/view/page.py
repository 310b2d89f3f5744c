"""A run as one HTML page that needs nothing but itself: figures, curves, classes, diagnosis, spec.

All of it comes from the files of the run, as plain data, so that a page can be made anew at any
time. Whatever a name holds is shown as text.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cnnkit.analysis.result import Analysis
from cnnkit.errors import SpecError
from cnnkit.folders import StrPath
from cnnkit.pages import page as pages
from cnnkit.pages.confusion import ConfusionMatrix, pair_of
from cnnkit.pages.picture import uri_of
from cnnkit.presentation.numbers import duration, percent
from cnnkit.spec.model.training import Train
from cnnkit.tasks.metric import metric_of, metrics_in
from cnnkit.training.store.directory import (
    ATTRIBUTIONS,
    FILTERS,
    REPORT,
    SAMPLES,
    WRONG,
    WRONG_IMAGES,
    RunDirectory,
)
from cnnkit.training.store.environment import Environment
from cnnkit.training.store.epoch import RunEpoch
from cnnkit.training.store.files import write_atomic
from cnnkit.training.store.kinds import SPEC
from cnnkit.training.store.summary import Diagnosis, Measured, Summary
from cnnkit.training.view.baseline import smoothing_floor
from cnnkit.training.view.filters import FilterPicture, read_filters
from cnnkit.training.view.gallery import WrongPicture, read_pictures
from cnnkit.training.view.judged import judged
from cnnkit.training.view.panels import (
    calibration_of,
    charts_of,
    class_tables,
    costs_table,
    environment_table,
    epochs_table,
    predicted,
)


@dataclass(frozen=True)
class RunFiles:
    """What a run directory holds.

    Attributes:
        name: What the run is called.
        spec: The text of ``spec.yaml``.
        environment: ``environment.json``.
        history: The lines of ``metrics.jsonl``.
        summary: ``summary.json``; an empty one while the run goes on.
        train: The recipe; None where the spec was changed, and is none any more.
        pictures: The bytes of ``samples.png``, by its name, where it is there.
        wrong: Wrong answers with their images, the surest first.
        filters: The filters of the first layer.
        predicted: The network as the calculator has it, for the batch and the optimizer of the
            recipe.
        path: Its directory, as commands name it.
    """

    name: str
    spec: str
    environment: Environment
    history: Sequence[RunEpoch]
    summary: Summary
    train: Train | None = None
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    wrong: Sequence[WrongPicture] = ()
    filters: FilterPicture | None = None
    predicted: Analysis | None = None
    path: str = "RUN"


def page(run: RunDirectory) -> str:
    """The page of a run that is finished or on its way."""
    return render(read(run))


def read(run: RunDirectory) -> RunFiles:
    """What a page needs of a run."""
    samples = run.path / SAMPLES
    try:
        spec = run.read_spec()
    except SpecError:
        spec = None
    return RunFiles(
        name=run.path.resolve().name,
        spec=(run.path / SPEC).read_text("utf-8"),
        environment=run.read_environment(),
        history=run.read_metrics(),
        summary=run.read_summary() or Summary(),
        train=None if spec is None else spec.train,
        pictures={SAMPLES: samples.read_bytes()} if samples.exists() else {},
        wrong=read_pictures(run.path, WRONG, WRONG_IMAGES, ATTRIBUTIONS),
        filters=read_filters(run.path / FILTERS),
        predicted=None if spec is None else predicted(spec),
        path=str(run.path),
    )


def write_page(run: RunDirectory, output: StrPath | None = None) -> Path:
    """Writes the page, by default to the run's ``report.html``; returns where."""
    path = Path(output or run.path / REPORT)
    write_atomic(path, page(run))
    return path


def render(run: RunFiles) -> str:
    """The page of a run."""
    summary, (_, held_out) = run.summary, judged(run.summary)
    floor = None if run.train is None else smoothing_floor(run.train, _classes(held_out))
    samples, matrix = run.pictures.get(SAMPLES), matrix_of(held_out)
    return pages.write(
        "run",
        title=run.name,
        flow=_flow(run),
        figures=list(_figures(run)),
        charts=charts_of(run.history, summary, floor),
        diagnosis=_diagnosis(summary.diagnosis),
        matrix=matrix,
        wrong=list(_wrong(run.wrong, matrix)),
        attribute=shlex.join(["cnnkit", "report", run.path, "--attributions"]),
        classes=list(class_tables(held_out)),
        calibration=calibration_of(held_out),
        samples=uri_of(samples) if samples else None,
        filters=_filters(run.filters),
        costs=costs_table(run.history, run.predicted),
        epochs=epochs_table(run.history, summary),
        spec=run.spec,
        environment=environment_table(run.environment),
    )


def matrix_of(held_out: Measured) -> ConfusionMatrix | None:
    """The confusion of classes; None of labels, of pixels, and where there are none."""
    counts, rows = held_out.get("confusion"), held_out.get("classes")
    if not counts or not rows or not isinstance(counts[0][0], int):
        return None
    return ConfusionMatrix(counts, [str(row["name"]) for row in rows])


def _wrong(
    pictures: Sequence[WrongPicture], matrix: ConfusionMatrix | None
) -> Iterator[Mapping[str, Any]]:
    """The wrong answers as the page shows them, each with the cell of the matrix that it is in."""
    places = {} if matrix is None else {name: at for at, name in enumerate(matrix.classes)}
    for picture in pictures:
        answer = picture.answer
        true, said = places.get(answer.true), places.get(answer.predicted)
        yield {
            "pair": "" if true is None or said is None else pair_of(true, said),
            "true": answer.true,
            "predicted": answer.predicted,
            "example": answer.example,
            "probability": picture.probability,
            "uri": uri_of(picture.data, picture.kind),
            "why": uri_of(*picture.why) if picture.why else "",
        }


def _filters(filters: FilterPicture | None) -> Mapping[str, Any] | None:
    if filters is None:
        return None
    return {
        "told": f"{filters.told[:1].upper()}{filters.told[1:]}.",
        "width": filters.width * max(1, min(12, 900 // filters.width)),
        "uri": uri_of(filters.data),
    }


def _classes(held_out: Measured) -> int:
    return len(held_out.get("classes") or ())


def _flow(run: RunFiles) -> str:
    epochs = len(run.history)
    parts = [f"{epochs:,} {'epoch' if epochs == 1 else 'epochs'}"]
    if data := run.summary.data:
        parts.insert(0, f"trained on {data}")
    if started := run.environment.started:
        parts.append(f"begun {started}")
    return " · ".join(parts)


def _figures(run: RunFiles) -> Iterator[tuple[str, str, str]]:
    """The figures of the split that was held out, and of the run as a whole."""
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


def _diagnosis(diagnosis: Diagnosis | None) -> Mapping[str, Any] | None:
    if diagnosis is None:
        return None
    reason = diagnosis.reason
    return {
        "verdict": diagnosis.verdict,
        "reason": reason[:1].upper() + reason[1:],
        "advice": diagnosis.advice,
    }
