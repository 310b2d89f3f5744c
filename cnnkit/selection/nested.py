"""Nested cross-validation: the search itself is judged, on examples that none of it has seen.

In each outer fold the whole search is run on the other folds alone, with a validation split cut
from them; its best is retrained on all of them, and judged once on the fold held out. The mean over
the outer folds is what to expect of the procedure, free of the flattery of the best trial's score.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from cnnkit.errors import TrainingError, UsageError
from cnnkit.selection.folds.cross_validation import cut, parts
from cnnkit.selection.outer_fold import Nested, OuterFold
from cnnkit.selection.recipe import recipe
from cnnkit.selection.search.directory import (
    SearchContext,
    SearchOptions,
    prepared,
    run_obeying,
    trial_loop,
)
from cnnkit.selection.search.evaluation import Evaluator
from cnnkit.selection.search.protocol import specified
from cnnkit.selection.search.results import results
from cnnkit.selection.view.report import write_page
from cnnkit.spec.model.spec import Spec
from cnnkit.training.prepare.resolution import shapes_of
from cnnkit.training.prepare.sealed import RunExamples
from cnnkit.training.store.files import write_json
from cnnkit.training.store.record import parse

NESTED: Final = "nested.json"


def nested_search(spec: Spec, count: int, options: SearchOptions) -> tuple[Path, Nested]:
    """A search in each outer fold, and its best judged on the fold.

    Raises:
        UsageError: The spec cannot be searched, or has too few examples for so many folds.
        TrainingError: In a fold no network could be trained.
    """
    run_dir = options.run_dir or Path("runs") / f"{spec.name or 'network'}-nested"
    options = replace(options, run_dir=run_dir)
    context = prepared(spec, options)
    if context.settings.folds is not None:
        raise UsageError("a nested search has folds of its own: leave `--folds` out")
    train = recipe(spec)
    outer = parts(context.data, cut(context.data, count, train), train.seed)
    judged = []
    for number, part in enumerate(outer):
        file = context.run.path / f"outer-{number + 1:02}.json"
        fold = context.run.read_record(file.name, partial(parse, OuterFold))
        if fold is None:
            fold = _outer_fold(context, number, part, count, options)
            if fold is None:
                continue
            write_json(file, asdict(fold))
        judged.append(fold)
    found = Nested(
        context.name, context.data.dataset.name, count, tuple(judged), context.data.sealed
    )
    write_json(context.run.path / NESTED, asdict(found))
    write_page(context.run)
    return context.run.path, found


def _outer_fold(
    context: SearchContext, number: int, part: RunExamples, count: int, options: SearchOptions
) -> OuterFold | None:
    """Searches on the other folds, and judges the best on this; None where another process does."""
    study = context.study(f"{context.name}, outer fold {number + 1} of {count}", outer=count)
    try:
        evaluate = _inner(context, part, options)
        loop, watch = trial_loop(context, study, evaluate, options)
        with watch:
            watch.note(f"outer fold {number + 1} of {count}")
            run_obeying(loop)
        found = results(
            study, context.space, context.settings, name=context.name, data="", looks=()
        )
        best = found.best
        if best is None:
            raise TrainingError(f"in outer fold {number + 1} no trial was trained to its end")
        try:
            context.run.lock.take()
        except UsageError:
            return None
        try:
            epochs = best.best_epoch or 1
            network = specified(context.space, best.chosen, epochs)
            figures = evaluate.judge(network, epochs, part.held)
        finally:
            context.run.lock.release()
        return OuterFold(
            number,
            best.number,
            dict(best.chosen),
            epochs,
            dict(best.values),
            dict(figures.metrics),
            figures.examples,
        )
    finally:
        study.close()


def _inner(context: SearchContext, part: RunExamples, options: SearchOptions) -> Evaluator:
    """The training and the validation examples of the search in an outer fold."""
    data, train = context.data, recipe(context.spec)
    held = len(data.splits.validation)
    if not held:
        raise UsageError(
            "a search is scored on the validation split, and `split` has `validation: 0`: hold "
            "some examples back, `split: {validation: 0.15}`"
        )
    pieces = max(2, round(len(data.indices) / held))
    if (groups := data.splits.groups) is not None:
        pieces = max(2, min(pieces, groups.count(part.train)))
    fold = cut(data, pieces, train, part)
    inner = RunExamples(
        np.asarray(part.train[fold != 0]), np.asarray(part.train[fold == 0]), train.seed
    )
    return Evaluator(
        [inner],
        context.devices,
        options.data_dir,
        {shapes_of(context.spec): data},
        context.settings.objectives,
    )
