"""Finds the files of a folder that has a folder for each class."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnnkit.data.dataset import Array
from cnnkit.data.layout import SUFFIXES, SplitName, is_litter, roots, subfolders
from cnnkit.errors import DataError


@dataclass(frozen=True, eq=False)
class Listing:
    """The files of a split.

    Attributes:
        paths: The files.
        targets: int32 ``[N]``, the class of each, or float32 ``[N, K]``.
        places: Where each is named, as a message begins; empty where nothing names them.
    """

    paths: tuple[Path, ...]
    targets: Array
    places: tuple[str, ...] = ()

    def chosen(self, kept: Sequence[bool]) -> Listing:
        """Those of the files that are kept."""
        return Listing(
            tuple(itertools.compress(self.paths, kept)),
            self.targets[np.array(kept, bool)],
            tuple(itertools.compress(self.places, kept)),
        )

    def followed_by(self, other: Listing) -> Listing:
        """These files, and then others."""
        targets = np.concatenate([self.targets, other.targets])
        return Listing(self.paths + other.paths, targets, self.places + other.places)


@dataclass(frozen=True)
class Listings:
    """The files of each split, the names of the classes, and the folder that holds them."""

    parts: dict[SplitName, Listing]
    classes: tuple[str, ...]
    root: Path

    def of_training(self) -> tuple[Listing, range | None]:
        """The files of training and then of validation, and the places of the latter."""
        train, more = self.parts["train"], self.parts.get("validation")
        if more is None:
            return train, None
        both = train.followed_by(more)
        return both, range(len(train.paths), len(both.paths))


def listings(root: Path, test: Path | None = None) -> Listings:
    """The files of all class folders.

    Args:
        root: The folder; its layout is as in ``layout.roots``.
        test: Another folder of class folders, with the test split.

    Raises:
        DataError: All that is wrong with the folders.
        UsageError: A folder does not exist.
    """
    inner, found = roots(root)
    if test is not None:
        if "test" in found:
            raise DataError(
                f"{root} has a test split of its own, {found['test']}; {test} is another"
            )
        found["test"] = test
    problems: list[str] = []
    folders = {part: _folders(folder, problems) for part, folder in found.items()}
    classes = tuple(_ordered(folders["train"]))
    label_of = {name: label for label, name in enumerate(classes)}
    parts: dict[SplitName, Listing] = {}
    for part, of_class in folders.items():
        problems += [
            f"{folder} is a class that the training split does not have"
            for name, folder in of_class.items()
            if name not in label_of
        ]
        files = [
            (path, label_of[name])
            for name in classes
            if name in of_class
            for path in _files(of_class[name], found[part], problems)
        ]
        labels = np.array([label for _, label in files], np.int32)
        parts[part] = Listing(tuple(path for path, _ in files), labels)
    if problems:
        raise DataError(*problems)
    return Listings(parts, classes, inner)


def _folders(root: Path, problems: list[str]) -> dict[str, Path]:
    """The class folders by their names."""
    found = {folder.name: folder for folder in subfolders(root)}
    problems += [_leads_out(folder, root) for folder in found.values() if _is_outside(folder, root)]
    beside = [path for path in root.iterdir() if path.suffix.lower() in SUFFIXES and _is_file(path)]
    if beside and not found:
        problems.append(
            f"{root} has images, but no class folders: give each class a folder, or, where images "
            f"are to come out as they go in, name the folder twice, `{{images: DIR, targets: DIR}}`"
        )
    elif beside:
        others = f" and {len(beside) - 1:,} more images lie" if len(beside) > 1 else " lies"
        problems.append(f"{min(beside)}{others} beside the class folders")
    elif not found:
        problems.append(f"{root} has no class folders")
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # behind a link there may be what we must not look at
        return False


def _is_outside(path: Path, root: Path) -> bool:
    return path.is_symlink() and not path.resolve().is_relative_to(root.resolve())


def _leads_out(path: Path, root: Path) -> str:
    return f"{path} is a link that leads out of {root}"


def _ordered(names: Sequence[str] | dict[str, Path]) -> list[str]:
    """The names of classes in order; where all are numbers, by these."""
    if all(name.isascii() and name.isdigit() for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)


def _files(folder: Path, root: Path, problems: list[str]) -> list[Path]:
    """The images of a class, those of its subfolders too."""
    found: list[Path] = []
    count = len(problems)
    for path in _walked(folder, problems):
        if path.suffix.lower() not in SUFFIXES:
            problems.append(f"{path} is no image: move it out of the class folders")
        elif not _is_file(path):
            problems.append(f"{path} is no file, or a link that leads nowhere")
        elif _is_outside(path, root):
            problems.append(_leads_out(path, root))
        else:
            found.append(path)
    if not found and len(problems) == count:
        problems.append(f"{folder} is a class without images")
    return found


def _walked(folder: Path, problems: list[str]) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        problems.append(f"{error.filename} cannot be read: {error.strerror}")

    for parent, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not is_litter(name))
        for name in folders:
            if Path(parent, name).is_symlink():
                problems.append(
                    f"{Path(parent, name)} is a link to a folder, which is not followed"
                )
        for name in sorted(files):
            if not is_litter(name):
                yield Path(parent, name)
