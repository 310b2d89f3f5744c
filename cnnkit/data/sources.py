"""The files that examples come from, known by what is in them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cnnkit.data.dataset import Dataset, Sources, Splits
from cnnkit.data.files import readable


def sources_of(paths: Sequence[Path], folder: Path) -> Sources:
    """The files of some examples, an example each.

    Args:
        paths: The files.
        folder: What their names are seen from.

    Raises:
        DataError: A file cannot be read.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        digests = tuple(pool.map(digest, paths))
    return Sources(tuple(_within(path, folder) for path in paths), digests)


def digest(path: Path) -> str:
    """The SHA-256 of a file.

    Raises:
        DataError: It cannot be read.
    """
    with readable(path), path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def contents(dataset: Dataset, splits: Splits) -> dict[str, dict[str, str]]:
    """The SHA-256 of each file of each split, by its name; nothing where files hold many examples.

    Of several inputs the name begins with that of the input.

    Args:
        dataset: The data set.
        splits: How it is cut.
    """
    indices = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    found: dict[str, dict[str, str]] = {}
    for name, view in (dataset.inputs or {"": dataset}).items():
        for split, chosen in indices.items():
            examples = view.examples_of_test(splits) if split == "test" else view.train
            if examples.sources is not None:
                paths, digests = examples.sources.paths, examples.sources.digests
                files = {(Path(name) / paths[i]).as_posix(): digests[i] for i in chosen.tolist()}
                found.setdefault(split, {}).update(files)
    return found


def together(parts: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The files of all splits."""
    return {path: digest for part in parts.values() for path, digest in part.items()}


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What of the files of a data set is no more as it was, a sentence a file."""
    gone = [path for path in sorted(before) if path not in now]
    added = {path: now[path] for path in sorted(now) if path not in before}
    where = {digest: path for path, digest in added.items()}
    problems = [
        f"{path} has other contents"
        for path in sorted(before)
        if path in now and before[path] != now[path]
    ]
    for path in gone:
        moved = where.pop(before[path], None)
        problems.append(f"{path} is gone" if moved is None else f"{path} is now {moved}")
        added.pop(moved or "", None)
    return problems + [f"{path} is new" for path in added]


def _within(path: Path, folder: Path) -> Path:
    """A path as seen from a folder, and as it is where it lies elsewhere."""
    return path.relative_to(folder) if path.is_relative_to(folder) else path
