"""The end of a run: the best weights measured on what was held out, and what to make of it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from cnnkit.tasks.metric import is_metric
from cnnkit.training.compute.maps import aimed
from cnnkit.training.compute.objective import ONLY
from cnnkit.training.compute.state import State, Tree
from cnnkit.training.distributed.consensus import agreed, is_first, whole_state
from cnnkit.training.distributed.saving import placed_state
from cnnkit.training.measurement import answers_of, measured_of_all
from cnnkit.training.options import options_of
from cnnkit.training.prepare.material import SplitName
from cnnkit.training.ranked import borders_of, ranked, samples, write_ranked
from cnnkit.training.store.checkpoint import name_of
from cnnkit.training.store.directory import (
    CONFUSION,
    CURVES,
    EXAMPLES,
    FILTERS,
    SAMPLES,
    SUMMARY,
    WRONG,
    WRONG_IMAGES,
)
from cnnkit.training.store.files import told_of_full_disk
from cnnkit.training.store.history import best
from cnnkit.training.store.looks import RunLooks
from cnnkit.training.store.manifest import DamagedCheckpointError
from cnnkit.training.store.summary import Ending, Summary
from cnnkit.training.store.wrong import Wrong, write_wrong, wrong_answers
from cnnkit.training.view.baseline import alike_loss
from cnnkit.training.view.conclusion import conclusion
from cnnkit.training.view.curves import save_confusion, save_curves
from cnnkit.training.view.diagnosis import diagnose
from cnnkit.training.view.evidence import Evidence
from cnnkit.training.view.filters import save_filters
from cnnkit.training.view.gallery import save_sheet
from cnnkit.training.view.judged import judged
from cnnkit.training.view.page import write_page
from cnnkit.training.view.samples import save_samples

if TYPE_CHECKING:
    from cnnkit.training.loop import History, Session

Scores = NDArray[np.float32]
TESTING = "testing"
_MOST_IMAGES = 256  # of which the variance is taken: there may be gigabytes of them


def conclude(session: Session, state: State, history: History, ending: Ending) -> Summary:
    """Measures the best weights on the validation split, and writes what the run came to.

    The test split stays sealed, unless the run was begun to open it.
    """
    session.run.lock.require_there()
    session.display.working(TESTING)
    chosen = best(history, session.train.monitor)
    training = _measured_in(session, state, "train")
    state = _best_state(session, state, history)
    checkpoint = chosen and name_of(chosen.step, chosen.epoch)
    opened = options_of(session.run).test
    sealed = 0 if opened else len(session.engine.material.splits.test)
    wrong: list[Wrong] = []
    validation = _measured_in(session, state, "validation", wrong)
    steps = history[-1].step if history else 0
    updates = steps // session.train.accumulate
    evidence = Evidence(training, validation, updates, _alike(session), _variance(session))
    summary = Summary(
        data=session.engine.material.dataset.name,
        ending=ending,
        epochs=len(history),
        steps=steps,
        updates=updates,
        best_epoch=None if chosen is None else chosen.epoch,
        monitor=session.train.monitor,
        training=training and {name: training[name] for name in training if is_metric(name)},
        validation=validation,
        test=_tested(session, state, checkpoint or "", wrong) if opened else None,
        sealed=sealed,
        seconds=round(session.trained, 3),
        diagnosis=diagnose(history, session.train, evidence),
    )
    session.display.working("drawing")
    objective = session.engine.steps.objective
    if objective.maps:
        _rank(session, state, opened=opened)
    weights = whole_state(session.engine.steps.evaluated(state))
    # From here on nothing is computed by all processes together: the first one takes its time.
    vector = objective.only is not None and not objective.maps
    of_classes = vector and session.train.loss.of_classes
    if of_classes:
        write_wrong(session.run.path / WRONG, wrong)
    if is_first():
        with told_of_full_disk(session.run.path):
            _draw(session, history, summary)
            _draw_filters(session, weights)
            if of_classes and session.train.loss.compares == 1:
                save_sheet(session.run.path / WRONG_IMAGES, session.engine.material, wrong)
    session.run.write_json(SUMMARY, summary.to_dict())
    if is_first():
        write_page(session.run)
    for line in conclusion(summary, session.run.path):
        session.display.note(line)
    return summary


def _rank(session: Session, state: State, *, opened: bool) -> None:
    """Writes how well each example that was held out is answered, and some of them as pictures."""
    engine, path = session.engine, session.run.path
    splits: tuple[SplitName, ...] = ("test", "validation") if opened else ("validation",)
    maps = engine.steps.objective.maps
    rows = {(split, part): ranked(engine, state, split, part) for split in splits for part in maps}
    split: SplitName = next((split for split, part in rows if rows[split, part]), "validation")
    with told_of_full_disk(path):
        write_ranked(path / EXAMPLES, chain.from_iterable(rows.values()))
        found = [each for part in maps for each in samples(engine, state, rows[split, part])]
        if found:
            save_samples(path / SAMPLES, found, title=f"{path.name}: {split}")


def _measured_in(
    session: Session, state: State, name: SplitName, wrong: list[Wrong] | None = None
) -> dict[str, Any] | None:
    """All figures of a split; None of an empty one, or where the user does not want to wait.

    Args:
        session: The run.
        state: The weights.
        name: The split.
        wrong: Where the wrong answers are put; None of a split whose scores are not asked for.
    """
    engine = session.engine
    if not len(engine.material.indices(name)):
        return None

    def asked() -> bool:
        return bool(session.interruption)

    scores: Mapping[str, Scores] = {}
    if wrong is None:
        totals = engine.evaluate(state, name, asked)
    else:
        totals, scores = engine.judged(state, name, asked) or (None, scores)
    if totals is None:
        return None
    answers = {part: answers_of(engine, part, each, name) for part, each in scores.items()}
    maps = {} if wrong is None else borders_of(engine, state, name)
    found = measured_of_all(totals, engine.material, {**answers, **maps})
    if wrong is not None and (alone := answers.get(ONLY)) is not None:
        names = [row["name"] for row in found["classes"]]
        wrong += wrong_answers(engine.material, name, alone, names)
    return found


def _alike(session: Session) -> float | None:
    """The loss of calling all classes equally probable; None of several outputs."""
    part = session.engine.steps.parts.get(ONLY)
    if part is None:
        return None
    binary = part.multi_label or part.final == "sigmoid"
    return alike_loss(session.train.loss, part.outputs, binary)


def _variance(session: Session) -> float | None:
    """That of the values of the validation split; None of several outputs."""
    material, part = session.engine.material, session.engine.steps.objective.only
    if part is None or not len(material.splits.validation):
        return None
    loss, outputs = part.accumulator.train.loss, part.accumulator.outputs
    if loss.of_classes or loss.compares > 1:
        return None
    targets = material.dataset.train.targets
    if part.of_maps:
        images = jnp.asarray(targets[material.splits.validation[:_MOST_IMAGES]])
        return float(np.var(np.asarray(aimed(images), np.float64), axis=0).mean())
    targets = targets[material.splits.validation]
    if targets.dtype == np.uint8:  # inputs that are to be given
        targets = targets / 255
    values = np.eye(outputs)[targets] if targets.ndim == 1 else targets  # classes by their squares
    return float(np.var(values.astype(np.float64), axis=0).mean())


def _tested(
    session: Session, state: State, checkpoint: str, wrong: list[Wrong]
) -> dict[str, Any] | None:
    """What weights make of the test split, recorded as a look at it."""
    if not len(session.engine.material.splits.test):
        return None
    seal = RunLooks(session.run)
    seal.open(checkpoint)
    found = _measured_in(session, state, "test", wrong)
    seal.close(checkpoint, found or {})
    return found


def _draw(session: Session, history: History, summary: Summary) -> None:
    """The pictures of a run."""
    path, title = session.run.path, session.run.path.name
    if history:
        chosen = summary.best_epoch if summary.validation else None
        save_curves(path / CURVES, history, best=chosen, monitor=summary.monitor, title=title)
    _, held_out = judged(summary)
    confusion = held_out.get("confusion")
    if confusion is not None and np.ndim(confusion) == 2:
        names = [row["name"] for row in held_out["classes"]]
        save_confusion(path / CONFUSION, np.array(confusion), names, title=title)


def _draw_filters(session: Session, weights: tuple[Tree, Tree]) -> None:
    """The first filters of the weights that are kept, given with the statistics."""
    network = nnx.merge(session.engine.steps.graphdef, *weights)
    save_filters(session.run.path / FILTERS, session.run.read_spec(), network)


def _best_state(session: Session, state: State, history: History) -> State:
    """The state of the best epoch; the last one where it is that, or where it is lost."""
    chosen = best(history, session.train.monitor)
    if chosen is None or chosen is history[-1]:
        return state
    found = session.checkpoints.named(name_of(chosen.step, chosen.epoch))
    if agreed(found is not None):
        try:
            return placed_state(session.engine, found)
        except DamagedCheckpointError as error:
            session.display.note(f"{error}; the last epoch is measured in place of the best")
            return state
    session.display.note(
        f"the checkpoint of the best epoch, {chosen.epoch}, is gone; the last one is measured"
    )
    return state
