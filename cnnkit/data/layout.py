"""What the folders of a data set are: splits, classes, or a wrapping around them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from cnnkit.errors import DataError, UsageError

SplitName = Literal["train", "validation", "test"]

SUFFIXES: Final = frozenset(
    {
        *(".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pgm", ".png", ".ppm"),
        *(".tif", ".tiff", ".webp"),
    }
)
"""How the names of images end, in small letters."""

_WORDS: Final[Mapping[str, SplitName]] = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
}
_BETWEEN: Final = re.compile(r"[\s_.-]+|(?:set|data|images)$")
_DEEPEST = 4  # folders around the data set that are looked through
_LITTER: Final = {"thumbs.db", "desktop.ini", "__macosx"}


def is_litter(name: str) -> bool:
    """Whether a name is of what file managers and archives leave behind."""
    return name.startswith(".") or name.lower() in _LITTER


def roots(folder: Path) -> tuple[Path, dict[SplitName, Path]]:
    """The folder that holds the data set, and the folder of the class folders of each split.

    ``train``, ``valid``, ``test`` and their like are splits where there are class folders in
    them; with images in them they are classes of these names. A folder that is alone in another
    is looked through.

    Raises:
        DataError: The folders can be understood in several ways.
        UsageError: There is no such folder.
    """
    for _ in range(_DEEPEST):
        inner = subfolders(folder)
        if len(inner) != 1 or has_images(folder) or not _holds_classes(inner[0]):
            break
        folder = inner[0]
    inner = subfolders(folder)
    if any(has_images(each) for each in inner) and not _of_class_folders(folder):
        return folder, {"train": folder}
    found = {each: part for each in inner if (part := part_of(each.name))}
    splits = set(found.values())
    if "train" in splits and (len(found) == len(inner) or len(splits) > 1):
        return folder, _split(folder, inner, found)
    _require_classes(folder, inner, found)
    return folder, {"train": folder}


def part_of(name: str) -> SplitName | None:
    """The split that a folder's name says.

    >>> part_of("seg_train"), part_of("Validation"), part_of("testing-set"), part_of("bus")
    ('train', 'validation', 'test', None)
    """
    words = _BETWEEN.split(name.lower())
    parts = {_WORDS[word] for word in words if word in _WORDS}
    return parts.pop() if len(parts) == 1 and len(words) < 4 else None


def subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, in the order of their names.

    Raises:
        DataError: It cannot be read.
        UsageError: There is none, or it is a file.
    """
    try:
        entries = sorted(folder.iterdir())
        return [entry for entry in entries if not is_litter(entry.name) and entry.is_dir()]
    except FileNotFoundError:
        raise UsageError(f"there is no folder {folder}") from None
    except NotADirectoryError:
        raise UsageError(
            f"{folder} is a file; a folder with a folder for each class is needed"
        ) from None
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}") from None


def has_images(folder: Path) -> bool:
    """Whether images lie in a folder itself."""
    try:
        return any(
            each.suffix.lower() in SUFFIXES and not is_litter(each.name)
            for each in folder.iterdir()
        )
    except OSError:
        return False


def _of_class_folders(folder: Path) -> bool:
    """Whether the training split of a folder has class folders in it."""
    return any(
        part_of(each.name) == "train" and _holds_classes(each) for each in subfolders(folder)
    )


def _holds_classes(folder: Path) -> bool:
    return bool(_readable_subfolders(folder)) and not has_images(folder)


def _readable_subfolders(folder: Path) -> list[Path]:
    try:
        return subfolders(folder)
    except DataError:
        return []


def _split(
    folder: Path, inner: list[Path], found: Mapping[Path, SplitName]
) -> dict[SplitName, Path]:
    """The folder of each split, where folders are named so."""
    beside = [each.name for each in inner if each not in found]
    if beside:
        names = ", ".join(sorted(each.name for each in found))
        raise DataError(
            f"{folder} has the splits {names} and beside them {', '.join(beside[:5])}: move "
            f"that elsewhere, or into a split"
        )
    parts: dict[SplitName, Path] = {}
    for each, part in found.items():
        if part in parts:
            raise DataError(
                f"{folder} has both {parts[part].name} and {each.name}: keep one of them"
            )
        parts[part] = _unwrapped(each)
    return parts


def _unwrapped(folder: Path) -> Path:
    """The folder of a split, or the one alone in it that is named after the split too."""
    inner = _readable_subfolders(folder)
    if len(inner) == 1 and part_of(inner[0].name) == part_of(folder.name):
        return folder if has_images(folder) else inner[0]
    return folder


def _require_classes(folder: Path, inner: list[Path], found: Mapping[Path, SplitName]) -> None:
    """Refuses folders of which each holds the same folders: they are splits, or inside out."""
    names = [{each.name for each in _readable_subfolders(part)} for part in inner]
    shared = set.intersection(*names) if len(names) > 1 else set()
    alike = len(shared) > 1 and all(len(each) == len(shared) for each in names)
    if not shared or not (alike or found):
        return
    what = f"{folder}: each of its folders {_some(inner)} holds the same {_listed(shared)}"
    if any(part_of(name) for name in shared):
        raise DataError(
            f"{what}, which are splits: put the splits outside and the classes in them, as in "
            f"train/{inner[0].name}"
        )
    raise DataError(
        f"{what}: where they are splits, call them train, validation and test; where they are "
        f"classes, put the images of each into its folder itself"
    )


def _some(folders: list[Path]) -> str:
    return _listed({each.name for each in folders})


def _listed(names: set[str]) -> str:
    shown = sorted(names)[:4]
    return ", ".join(shown) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
