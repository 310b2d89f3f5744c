"""``report.html``: the page of a run, made from its files."""

from __future__ import annotations

from pathlib import Path

from cnnkit.training.files import write_atomic
from cnnkit.training.report_page import RunFiles, render
from cnnkit.training.rundir import (
    CONFUSION,
    CURVES,
    ENVIRONMENT,
    REPORT,
    SPEC,
    SUMMARY,
    RunDirectory,
)


def page(run: RunDirectory) -> str:
    """The page of a run that is finished or on its way."""
    pictures = {name: run.path / name for name in (CURVES, CONFUSION)}
    return render(
        RunFiles(
            name=run.path.resolve().name,
            spec=(run.path / SPEC).read_text("utf-8"),
            environment=run.read_json(ENVIRONMENT) or {},
            history=run.read_metrics(),
            summary=run.read_json(SUMMARY) or {},
            pictures={name: path.read_bytes() for name, path in pictures.items() if path.exists()},
        )
    )


def write_page(run: RunDirectory, output: Path | None = None) -> Path:
    """Writes the page, by default to the run's ``report.html``; returns where."""
    path = output or run.path / REPORT
    write_atomic(path, page(run))
    return path
