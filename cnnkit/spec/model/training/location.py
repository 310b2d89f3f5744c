"""Where the files of `train:` lie: seen from the folder of the spec that names them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training.data import Arrays, Csv, Data, Images, Packed, is_url
from cnnkit.spec.model.training.split import names_table
from cnnkit.spec.text.node import YamlNode

PATHS: Final = {
    Images: ("images", "test", "masks", "targets"),
    Arrays: ("arrays",),
    Csv: ("csv", "test", "folder"),
    Packed: ("packed",),
}
"""The fields of data that are paths."""


class Located(NamedTuple):
    """The data of a spec by their whole paths, and what is to be said of these."""

    data: Data | None
    notes: tuple[str, ...]


class LocatedWeights(NamedTuple):
    """Where the weights lie that training begins with, and what is to be said of the path."""

    path: str | None
    notes: tuple[str, ...]


def located(spec: Spec) -> Located:
    """The data of a spec by their whole paths.

    A path is seen from the folder of the file that it is written in, and `~` is the user's home.
    Where there is nothing, and there is in the working folder, that is taken, with a note. What is
    given by `--set`, or by a spec without a file, is seen from the working folder.
    """
    data = spec.train.data if spec.train is not None else None
    if data is None or isinstance(data, str):
        return Located(data, ())
    found: dict[str, str | dict[str, str]] = {}
    notes: list[str] = []
    for name in PATHS[type(data)]:
        given = getattr(data, name)
        if isinstance(given, Mapping):  # a path for each input
            places = {each: _found(given[each], _file(spec, "data", name, each)) for each in given}
            found[name] = {each: str(path) for each, (path, _) in places.items()}
            notes += [note for _, note in places.values() if note]
        elif given is not None and not is_url(given):
            path, note = _found(given, _file(spec, "data", name))
            found[name] = str(path)
            notes += [note] if note else []
    return Located(data.model_copy(update=found), tuple(notes))


def located_weights(spec: Spec) -> LocatedWeights:
    """The whole path of the weights that training begins with, found as those of data are."""
    init = spec.train.init if spec.train is not None else None
    if init is None:
        return LocatedWeights(None, ())
    path, note = _found(init, _file(spec, "init"))
    return LocatedWeights(str(path), (note,) if note else ())


class LocatedGroups(NamedTuple):
    """What says which examples belong together, with the whole path of a table.

    Attributes:
        by: The table or the pattern; None where each example is by itself.
        place: Where the spec says so, as messages begin; empty where that is not known.
        notes: What is to be said of the path.
    """

    by: str | None
    place: str
    notes: tuple[str, ...]


def located_groups(spec: Spec) -> LocatedGroups:
    """What says which examples belong together; a table is found as files of data are."""
    by = spec.train.split.group if spec.train is not None else None
    if by is None:
        return LocatedGroups(None, "", ())
    where = _node(spec, "split", "group")
    place = "" if where is None or where.location() is None else f"{where.location()}: "
    if not names_table(by):
        return LocatedGroups(by, place, ())
    path, note = _found(by, _file(spec, "split", "group"))
    return LocatedGroups(str(path), place, (note,) if note else ())


def _found(given: str, file: Path | None) -> tuple[Path, str | None]:
    try:
        path = Path(given).expanduser()
    except RuntimeError:  # no such user
        path = Path(given)
    here = path.absolute()
    if path.is_absolute() or file is None:
        return here, None
    beside = file.parent.absolute() / path
    if beside == here:
        return here, None
    there, old = _exists(beside), _exists(here)
    if there and old:
        return beside, f"{given} of {file} is {beside}, and not that in the working folder"
    if old:
        return here, (
            f"{given} of {file} is taken from the working folder, {here.parent}, for there is none "
            f"in the spec's: paths of data are seen from there, write the whole path"
        )
    return beside, None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _file(spec: Spec, *keys: str) -> Path | None:
    """The file that a path is written in."""
    node = _node(spec, *keys)
    if node is None or node.location() is None:
        return None
    file = Path(node.source.name)
    return file if _exists(file) else None


def _node(spec: Spec, *keys: str) -> YamlNode | None:
    """What is written at a place in `train:`."""
    node: YamlNode | None = spec.origin.document
    for key in ("train", *keys):
        if node is None or not isinstance(node.value, dict):
            return None
        node = node.value.get(key)
    return node
