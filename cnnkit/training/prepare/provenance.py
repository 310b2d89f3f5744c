"""What a run recorded of its data: how they were prepared, and which they were."""

from __future__ import annotations

import numpy as np

from cnnkit.data import Examples, load
from cnnkit.data.decoding import Decoding
from cnnkit.data.preprocessing import OverallStatistics, Preparation, Preprocessing, preparation_of
from cnnkit.data.scaling import RANGES, dtype_of
from cnnkit.data.sources import contents, differences, together
from cnnkit.errors import CnnkitError, DataError, TrainingError, UsageError
from cnnkit.folders import StrPath
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Arrays, Csv, Data, Images
from cnnkit.training.prepare.material import Material
from cnnkit.training.prepare.resolution import recipe_of
from cnnkit.training.store.data_record import DataRecord
from cnnkit.training.store.directory import FILES, RunDirectory
from cnnkit.training.store.kinds import SPLIT


def preprocessing_of(run: RunDirectory, spec: Spec, data_dir: StrPath | None = None) -> Preparation:
    """How a run prepared its inputs, of several each.

    Of runs of earlier versions it follows from their spec and their data.

    Args:
        run: Its directory.
        spec: Its spec.
        data_dir: Where the published data sets lie.

    Raises:
        UsageError: It has recorded nothing yet, or its data are needed and are not there.
        TrainingError: The record is damaged, or of a later version.
    """
    record = run.read_split()
    if record is None:
        raise UsageError(
            f"{run.path} has no {SPLIT}: go on with it by `cnnkit train --resume {run.path}`"
        )
    try:
        if record.preprocessing is not None:
            return preparation_of(record.preprocessing)
    except DataError as error:
        raise TrainingError(f"{run.path / SPLIT}: {error}") from None
    return _rebuilt(run, spec, record, data_dir)


def require_same_data(run: RunDirectory, material: Material, now: DataRecord) -> None:
    """Raises where the data are not those that a run was begun with.

    Args:
        run: The run.
        material: The data as they are read now.
        now: What a run would record of them.

    Raises:
        UsageError: They differ; where they have files of their own, the message names these.
    """
    before = run.read_split()
    if before is None:
        return
    known = run.read_json(FILES)
    files = []
    if known is not None:
        seen = contents(material.dataset, material.splits)
        files = differences(together(known), together(seen))
    different = now.differing(before)
    if not files and not different:
        return
    what = f"{', '.join(different)} of {SPLIT} differ" if different else "files differ"
    told = (
        f"{run.path} was begun with other data: {what} for {material.dataset.name}; give the same "
        f"--data-dir, or begin a new run"
    )
    raise UsageError("\n  ".join([told, *_some(files)]))


def keep_record(run: RunDirectory, material: Material, record: DataRecord) -> None:
    """Writes which data a run trains on."""
    if files := contents(material.dataset, material.splits):
        run.write_json(FILES, files)
    run.write_json(SPLIT, record.to_dict())


def trained_on(run: RunDirectory, examples: Examples) -> str | None:
    """Says which of other examples a run was trained on, where there are any."""
    known = run.read_json(FILES)
    if known is None or examples.sources is None:
        return None
    seen = {digest for part in ("train", "validation") for digest in known[part].values()}
    pairs = zip(examples.sources.paths, examples.sources.digests, strict=True)
    found = [path.as_posix() for path, digest in pairs if digest in seen]
    if not found:
        return None
    shown = ", ".join(found[:3]) + (f" and {len(found) - 3:,} more" if len(found) > 3 else "")
    return (
        f"{len(found):,} of {len(examples):,} images are among those that the run was trained or "
        f"validated on, and flatter it: {shown}"
    )


def _some(files: list[str]) -> list[str]:
    more = len(files) - DataError.SHOWN
    return files[: DataError.SHOWN] + ([f"… and {more:,} more"] if more > 0 else [])


def _rebuilt(
    run: RunDirectory, spec: Spec, record: DataRecord, data_dir: StrPath | None
) -> Preprocessing:
    """The preprocessing of a run that recorded mean and deviation alone.

    Only bytes were scaled then, images all became bytes, and their alpha was left off.
    """
    if record.mean is None or record.deviation is None:
        missing = [key for key in ("mean", "deviation") if getattr(record, key) is None]
        raise TrainingError(f"{run.path / SPLIT} is damaged: it has no {', '.join(missing)}")
    recipe = recipe_of(spec)
    dtype = _dtype_then(run, recipe.data, data_dir)
    mean, deviation = (np.array(each, np.float64) for each in (record.mean, record.deviation))
    of_bytes = dtype == "uint8"
    found = None
    if of_bytes:
        measured = recipe.standardize == "per_channel"
        average, spread = (mean.mean(), deviation.mean()) if measured else (0.5, 0.25)
        found = OverallStatistics(0.0, 255.0, float(average * 255), float(spread * 255))
    fit = recipe.data.fit if isinstance(recipe.data, Images) else "cover"
    return Preprocessing(
        dtype=dtype,
        shape=spec.input,
        value_range=RANGES["uint8"] if of_bytes else None,
        mean=tuple(mean.tolist()),
        deviation=tuple(deviation.tolist()),
        decoding=Decoding(fit, None),
        found=found,
    )


def _dtype_then(run: RunDirectory, data: Data | None, data_dir: StrPath | None) -> str:
    if not isinstance(data, Arrays | Csv):
        return "uint8"
    try:
        return dtype_of(load(data, data_dir=data_dir))
    except CnnkitError as error:
        raise UsageError(
            f"{run.path} was trained by an earlier version, which did not record the type of its "
            f"data; they are looked at for it, but: {error}"
        ) from None
