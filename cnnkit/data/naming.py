"""The names of files and folders as text."""

from __future__ import annotations

import os
from dataclasses import replace

from cnnkit.data.dataset import Dataset


def as_text(name: str) -> str:
    r"""A file's name as text: bytes that are not UTF-8 are read as Latin-1, which has them all.

    >>> as_text(os.fsdecode(b"caf\xe9")), as_text("café")
    ('café', 'café')
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name).decode("latin-1")
    return name


def named_in_text(dataset: Dataset) -> Dataset:
    """The data set with names that can be written, shown and compared."""
    classes = tuple(map(as_text, dataset.classes))
    if (dataset.name, dataset.classes) == (as_text(dataset.name), classes):
        return dataset
    return replace(dataset, name=as_text(dataset.name), classes=classes)
