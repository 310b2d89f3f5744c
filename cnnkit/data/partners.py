"""Files of images, and of masks or targets of the same names, in the splits of their folders."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from cnnkit.data.layout import SUFFIXES, SplitName, is_litter, part_of
from cnnkit.data.nifti import is_nifti
from cnnkit.errors import DataError, UsageError
from cnnkit.spec.model.training import Images

_SHOWN: Final = 5
_ORDER: Final[tuple[SplitName, ...]] = ("train", "validation", "test")
Names = Mapping[str, Path]


class Pair(NamedTuple):
    """An image, and its mask or the image that is to come out."""

    image: Path
    partner: Path


PairsOfSplits = Mapping[SplitName, Sequence[Pair]]


def pairs_of(source: Images) -> dict[SplitName, list[Pair]]:
    """The images of each split with their masks or targets; validation comes behind training.

    Where both folders hold the folders `train`, `validation` or `test`, these are the splits; else
    all are for training.

    Raises:
        DataError: All that is wrong with the folders.
        UsageError: A folder does not exist.
    """
    folder, beside = Path(str(source.images)), Path(str(source.masks or source.targets))
    images, masks = _files(folder), _files(beside)
    noun = "mask" if source.masks is not None else "target"
    _require_partners(images, masks, folder, beside, noun)
    parts = _parts(images)
    return {
        part: [Pair(images[name], masks[name]) for name in parts[part]]
        for part in _ORDER
        if part in parts
    }


def _files(folder: Path) -> dict[str, Path]:
    """The images in a folder and those below it, by their paths without suffix.

    Raises:
        DataError: Two have one name.
        UsageError: There is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    found: dict[str, Path] = {}
    faults = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_litter(name))
        for name in sorted(names):
            path = Path(parent, name)
            if is_litter(name) or not _is_input(path):
                continue
            if not path.resolve().is_relative_to(folder.resolve()):
                faults.append(f"{path} is a link that leads out of {folder}")
                continue
            inner = path.relative_to(folder)
            bare = inner.with_suffix("") if inner.suffix.lower() == ".gz" else inner
            stem = bare.with_suffix("").as_posix()
            if stem in found:
                faults.append(f"{path} and {found[stem].name} have one name")
            found[stem] = path
    if not found and not faults:
        faults.append(f"{folder} has no images")
    if faults:
        raise DataError(*faults)
    return found


def _is_input(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES or is_nifti(path)


def _require_partners(images: Names, masks: Names, folder: Path, beside: Path, noun: str) -> None:
    lonely = [images[name] for name in images if name not in masks]
    more = [masks[name] for name in masks if name not in images]
    faults = []
    if lonely:
        faults.append(f"{_listed(lonely)} no {noun} of the same name in {beside}")
    if more:
        faults.append(f"{_listed(more)} no image of the same name in {folder}")
    if faults:
        raise DataError(*faults)


def _listed(paths: Sequence[Path]) -> str:
    named = ", ".join(map(str, paths[:_SHOWN]))
    more = f" and {len(paths) - _SHOWN:,} more" if len(paths) > _SHOWN else ""
    return f"{named}{more} {'has' if len(paths) == 1 else 'have'}"


def _parts(images: Names) -> dict[SplitName, list[str]]:
    """The names of each split; all are for training where folders do not say otherwise."""
    split_of = {name: part_of(name.partition("/")[0]) if "/" in name else None for name in images}
    if None in split_of.values() or "train" not in split_of.values():
        return {"train": list(images)}
    found: dict[SplitName, list[str]] = {}
    for name, part in split_of.items():
        if part is not None:
            found.setdefault(part, []).append(name)
    return found
