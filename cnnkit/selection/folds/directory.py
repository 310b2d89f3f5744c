"""A cross-validation and its directory: begun, or gone on with where it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cnnkit.errors import UsageError
from cnnkit.folders import StrPath
from cnnkit.network import runtime
from cnnkit.selection.folds.cross_validation import cut, parts, run_folds
from cnnkit.selection.folds.fold import CrossValidation, Cut, Fold
from cnnkit.selection.folds.grouping import side_by_side
from cnnkit.selection.recipe import recipe
from cnnkit.selection.statistics import Chance, chance
from cnnkit.selection.view.display import FoldDisplay
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Train
from cnnkit.spec.model.training.location import located_groups
from cnnkit.training import Options
from cnnkit.training.distributed.mesh import require_devices
from cnnkit.training.failures import memory_in_the_users_terms
from cnnkit.training.interruption import Interruption
from cnnkit.training.prepare.device import DeviceName, choose
from cnnkit.training.prepare.environment import environment
from cnnkit.training.prepare.initial import Initial, told_initial
from cnnkit.training.prepare.resolution import resolved
from cnnkit.training.prepare.sealed import Sealed, sealed
from cnnkit.training.store.directory import SUMMARY, RunDirectory
from cnnkit.training.view.display import make_display

if TYPE_CHECKING:
    import jax

    from cnnkit.data.dataset import Indices

FOLDS: Final = "folds.json"
CONFUSION: Final = "confusion.png"


@dataclass(frozen=True)
class FoldOptions:
    """What a cross-validation is told beside its spec.

    Attributes:
        folds: How many.
        run_dir: Where they are kept; None for `runs/NAME-folds`.
        side_by_side: How many are trained at once; None for what the device is good for.
        random_labels: Whether the labels are dealt out at random.
        data_dir: Where published data sets lie.
        device: What to compute on.
        quiet: Whether nothing is shown while it goes on.
    """

    folds: int = 10
    run_dir: StrPath | None = None
    side_by_side: int | None = None
    random_labels: bool = False
    data_dir: StrPath | None = None
    device: DeviceName = "auto"
    quiet: bool = False


@dataclass(frozen=True)
class CrossValidationResult(CrossValidation):
    """A cross-validation with what chance alone would give.

    Attributes:
        chance: The interval of guesses; None where there are no classes, and of pixels.
    """

    chance: Chance | None = None

    def _repr_html_(self) -> str:
        """The cross-validation as a notebook shows it."""
        # By its name: what shows results is above them, and is loaded where one is shown.
        shown: str = import_module("cnnkit.selection.view.notebook").cross_validation_html(self)
        return shown

    @property
    def passed(self) -> bool:
        """Whether labels dealt out at random could not be predicted; true of all others."""
        if not self.random_labels or self.chance is None:
            return True
        return self.chance.explains(self.accuracy)

    @property
    def accuracy(self) -> float:
        """The part of all predictions that are right."""
        return float(self.confusion.trace() / max(1, self.confusion.sum()))


def cross_validated(spec: Spec, options: FoldOptions) -> tuple[Path, CrossValidationResult]:
    """The folds of a spec, those trained now and those kept by an earlier process.

    Raises:
        SpecError: The spec has findings of level error, or is of more devices than are there.
        UsageError: It cannot be cross-validated, or the directory holds another's folds.
        DataError: The data are damaged, or do not fit the network.
        KeyboardInterrupt: The user asked to end; folds that are judged are kept.
    """
    place = located_groups(spec).place
    written, spec = spec, resolved(spec)
    train = recipe(spec)
    devices = choose(options.device)
    require_devices(written, train, devices)  # whose lines the user knows
    runtime.prepare()
    data = sealed(spec, train, options.data_dir, place)
    if options.random_labels:
        data = data.with_random_labels(train.seed)
    fold_of = cut(data, options.folds, train)
    with closing(make_display(quiet=options.quiet)) as display:
        begun = told_initial(spec, display)
    run = _directory(spec, options, data, fold_of, begun)
    with run.lock:
        done = _kept(run, options.folds)
        each = parts(data, fold_of, train.seed)
        width = _width(spec, train, data, devices, options)
        shown = FoldDisplay(options.folds, list(done.values()), quiet=options.quiet)
        with (
            memory_in_the_users_terms(train, devices),
            Interruption() as interruption,
            shown as display,
        ):
            folds = run_folds(
                spec,
                train,
                data,
                each,
                devices=devices,
                width=width,
                watch=display,
                keep=lambda fold: run.write_json(_name(fold.number), fold.to_dict()),
                done=done,
                interrupted=lambda: bool(interruption),
                init=None if begun is None else begun.arrays,
            )
        found = _found(spec, data, train.seed, folds, random_labels=options.random_labels)
        run.write_json(SUMMARY, found.to_dict())
        _picture(run, found)
        _page(run)
    return run.path, found


def _width(
    spec: Spec, train: Train, data: Sealed, devices: Sequence[jax.Device], options: FoldOptions
) -> int:
    """How many folds are trained at once.

    Raises:
        UsageError: More than one is asked for of a data set that does not fit on the device.
    """
    if data.dataset.fits_on_device():
        return options.side_by_side or side_by_side(spec, train, devices[0])
    if (options.side_by_side or 1) > 1:
        raise UsageError(
            f"--side-by-side {options.side_by_side}: {data.dataset.name} has "
            f"{data.dataset.nbytes / 2**30:.1f} GiB and is read as it is needed, for one fold at a "
            "time: leave the flag out"
        )
    return 1


def _directory(
    spec: Spec, options: FoldOptions, data: Sealed, fold_of: Indices, begun: Initial | None
) -> RunDirectory:
    """The directory of these folds, new or as an earlier process left it."""
    name = spec.name or "network"
    kind = "random-labels" if options.random_labels else "folds"
    path = Path(options.run_dir or Path("runs") / f"{name}-{kind}")
    record = Cut(
        data.dataset.name,
        options.random_labels,
        data.indices.tolist(),
        fold_of.tolist(),
        data.splits.record(),
        None if begun is None else begun.source.sha256,
    ).to_dict()
    if path.is_dir():
        run = RunDirectory.open(path, "cross-validation")
        different = _differing(run, spec, record)
        if different:
            raise UsageError(
                f"{path} holds the folds of another {different}: give another --run-dir, or the "
                "spec and the options that it was begun with"
            )
        return run
    devices = choose(options.device)
    plain = Options(data_dir=options.data_dir, device=options.device)
    run = RunDirectory.create(path, name, spec.to_dict(), environment(devices, plain))
    run.write_json(FOLDS, record)
    return run


def _differing(run: RunDirectory, spec: Spec, record: Mapping[str, Any]) -> str | None:
    """What was another when a directory was begun."""
    if run.read_spec() != spec:
        return "spec"
    kept = run.read_json(FOLDS)
    if kept is None:  # it ended between its spec and its folds
        run.write_json(FOLDS, record)
        return None
    return next((key for key in record if kept.get(key) != record[key]), None)


def _kept(run: RunDirectory, count: int) -> dict[int, Fold]:
    """The folds that an earlier process has judged."""
    found = {}
    for number in range(count):
        fold = run.read_record(_name(number), Fold.from_json)
        if fold is not None:
            found[number] = fold
    return found


def _name(number: int) -> str:
    return f"fold-{number + 1:02}.json"


def _found(
    spec: Spec, data: Sealed, seed: int, folds: tuple[Fold, ...], *, random_labels: bool
) -> CrossValidationResult:
    found = CrossValidationResult(
        name=spec.name or "network",
        data=data.dataset.name,
        classes=data.dataset.classes,
        sealed=data.sealed,
        seed=seed,
        random_labels=random_labels,
        folds=folds,
    )
    # Pixels of an image are not answered independently: chance is not that of so many guesses.
    if found.confusion.ndim != 2 or found.of_pixels:
        return found
    return replace(found, chance=chance(found.confusion, len(folds), found.overlap))


def _page(run: RunDirectory) -> None:
    from cnnkit.selection.view.report import write_page  # Matplotlib, not before it is needed

    write_page(run)


def _picture(run: RunDirectory, found: CrossValidationResult) -> None:
    """The confusion matrix of all predictions, each of a network that did not see the example."""
    if found.confusion.ndim != 2:
        return
    from cnnkit.training.view.curves import save_confusion

    title = f"{len(found.folds)} folds of {found.data}"
    save_confusion(run.path / CONFUSION, found.confusion, found.names, title=title)
